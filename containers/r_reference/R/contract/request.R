# The request file: read and checked wholly before anything is run. Nothing is ignored, nothing is guessed.

REQUEST_FIELDS <- c("contract", "stage", "items", "parameters", "resources", "seed", "output")
SEE_SCHEMA <- "see request.schema.json of the contract"

is_object <- function(x) is.list(x) && !is.null(names(x))
is_array <- function(x) is.list(x) && is.null(names(x))
is_text <- function(x) is.character(x) && length(x) == 1L
is_number <- function(x) (is.integer(x) || is.double(x)) && length(x) == 1L && is.finite(x)
is_whole <- function(x) is_number(x) && x == round(x)
is_flag <- function(x) is.logical(x) && length(x) == 1L && !is.na(x)
`%or%` <- function(value, default) if (is.null(value)) default else value

# Read, check, fill in. Returns the request with absolute paths and all parameters. Raises a request fault.
load_request <- function(path, spec) {
  where <- basename(path)
  text <- tryCatch(read_text(path, where), fault = function(f) request_fault(f$what, where, f$fix))
  raw <- tryCatch(parse_json(text), error = function(e) NULL)
  if (is.null(raw)) request_fault("is not JSON", where, "write it as UTF-8 JSON")
  if (!is_object(raw)) request_fault("is no JSON object", where, SEE_SCHEMA)
  known_fields(raw, REQUEST_FIELDS, where)
  for (field in c("stage", "items", "output")) {
    if (is.null(raw[[field]])) request_fault(paste0(field, ": field required"), where, SEE_SCHEMA)
  }
  contract <- raw$contract %or% "1.0"
  if (!is_text(contract) || !grepl("^1\\.", contract)) {
    request_fault("speaks another contract (1.1 is spoken here)", where, "use a harness of the same contract version")
  }
  if (!identical(raw$stage, spec$name)) {
    request_fault(sprintf("asks for another stage, this is '%s'", spec$name), "stage", "call the right image")
  }
  if (!is_text(raw$output)) request_fault("output: must be a path", where, SEE_SCHEMA)
  seed <- raw$seed %or% 0L
  if (!is_whole(seed) || seed < 0) request_fault("must be a whole number of 0 or more", "seed", SEE_SCHEMA)
  base <- dirname(normalizePath(path))
  list(items = check_items(raw$items, spec, base), parameters = check_parameters(raw$parameters, spec),
       resources = check_resources(raw$resources), seed = seed, output = absolute(raw$output, base))
}

absolute <- function(path, base) if (startsWith(path, "/")) path else file.path(base, path)

known_fields <- function(object, known, where) {
  unknown <- setdiff(names(object), known)
  if (length(unknown)) request_fault(sprintf("unknown field '%s'", unknown[1]), where, SEE_SCHEMA)
}

check_items <- function(items, spec, base) {
  if (!is_array(items) || !length(items)) request_fault("must be a list with at least one item", "items", SEE_SCHEMA)
  items <- lapply(seq_along(items), function(i) check_item(items[[i]], sprintf("items.%d", i - 1L), spec, base))
  ids <- vapply(items, function(item) item$id, "")
  if (anyDuplicated(ids)) request_fault(sprintf("item id '%s' is given twice", ids[duplicated(ids)][1]), "items")
  items
}

check_item <- function(item, where, spec, base) {
  if (!is_object(item)) request_fault("must be an object", where, SEE_SCHEMA)
  known_fields(item, c("id", "inputs", "facts"), where)
  if (!is_text(item$id) || !grepl("^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$", item$id)) {
    request_fault("id must match [A-Za-z0-9][A-Za-z0-9._-]{0,127}", where, SEE_SCHEMA)
  }
  where <- paste0("items.", item$id)
  inputs <- item$inputs %or% list()
  facts <- item$facts %or% list()
  unknown <- c(setdiff(names(inputs), names(spec$inputs)), names(facts))
  if (length(unknown)) {
    known <- sprintf("inputs: %s; facts: none", paste(names(spec$inputs), collapse = ", "))
    request_fault(sprintf("unknown input or fact '%s'", unknown[1]), where, known)
  }
  missing <- setdiff(names(spec$inputs), names(inputs))
  if (length(missing)) request_fault(sprintf("input '%s' is missing", missing[1]), where, "add it to the item")
  if (!all(vapply(inputs, is_text, TRUE))) request_fault("inputs must be paths", where, SEE_SCHEMA)
  list(id = item$id, inputs = lapply(inputs, absolute, base = base))
}

check_parameters <- function(given, spec) {
  given <- given %or% list()
  if (length(given) && !is_object(given)) request_fault("must be an object", "parameters", SEE_SCHEMA)
  unknown <- setdiff(names(given), names(spec$parameters))
  if (length(unknown)) {
    known <- paste("known:", paste(sort(names(spec$parameters), method = "radix"), collapse = ", "))
    request_fault(sprintf("unknown parameter '%s'", unknown[1]), "parameters", known)
  }
  for (name in names(given)) {
    complaint <- parameter_complaint(spec$parameters[[name]], given[[name]])
    if (!is.null(complaint)) {
      request_fault(complaint, paste0("parameters.", name), "see `describe` for units and ranges")
    }
  }
  sapply(names(spec$parameters), function(name) given[[name]] %or% spec$parameters[[name]]$default, simplify = FALSE)
}

# Why a value of a parameter is not acceptable, or NULL.
parameter_complaint <- function(parameter, value) {
  fits <- switch(parameter$type, number = is_number(value), integer = is_whole(value), string = is_text(value),
                 boolean = is_flag(value), FALSE)
  if (!fits) return(sprintf("must be of type %s", parameter$type))
  if (!is.null(parameter$choices) && !value %in% unlist(parameter$choices)) {
    return(sprintf("must be one of %s", paste(unlist(parameter$choices), collapse = ", ")))
  }
  if (!is.null(parameter$minimum) && value < parameter$minimum) {
    return(sprintf("must be at least %s %s", format(parameter$minimum), parameter$unit))
  }
  if (!is.null(parameter$maximum) && value > parameter$maximum) {
    return(sprintf("must be at most %s %s", format(parameter$maximum), parameter$unit))
  }
  NULL
}

check_resources <- function(given) {
  given <- given %or% list()
  known_fields(given, c("threads", "memory_bytes", "device"), "resources")
  threads <- given$threads %or% 1L
  if (!is_whole(threads) || threads < 1) request_fault("must be a whole number of 1 or more", "resources.threads")
  memory <- given$memory_bytes
  if (!is.null(memory) && (!is_whole(memory) || memory < 1)) {
    request_fault("must be a whole number of 1 or more", "resources.memory_bytes")
  }
  if (!(given$device %or% "cpu") %in% c("cpu", "cuda")) request_fault("must be cpu or cuda", "resources.device")
  list(threads = threads)
}
