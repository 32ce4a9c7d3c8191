# JSON in and out. Objects are named lists, arrays unnamed lists, null is NULL; atomic vectors of length one are
# scalars, of any other length arrays. Written with sorted keys, one blank of indent and the shortest digits that
# read back as the same number: equal values give equal bytes. NaN and infinity are refused.

# Text to R values. jsonlite::fromJSON would take text that looks like a path or an address for one; this does not.
parse_json <- function(text) exact_names(jsonlite::parse_json(text, simplifyVector = FALSE))

# Objects get a class whose `$` takes whole names only: R's own would find `levels` when asked for `level`.
exact_names <- function(value) {
  if (!is.list(value)) return(value)
  named <- !is.null(names(value))
  value[] <- lapply(value, exact_names)
  if (named) class(value) <- "json_object"
  value
}

`$.json_object` <- function(x, name) unclass(x)[[name, exact = TRUE]]

empty_object <- function() structure(list(), names = character())

# An object from a named vector or list; {} where it is empty.
as_object <- function(values) {
  values <- as.list(values)
  if (length(values)) values else empty_object()
}

# An array, whatever its length.
as_array <- function(values) unname(as.list(values))

# An array of numbers where NA stands for null.
as_numbers <- function(values) lapply(unname(values), function(v) if (is.finite(v)) v else NULL)

shortest_digits <- function(x) {
  text <- sprintf("%.15g", x)
  for (digits in c(16L, 17L)) {
    lossy <- as.numeric(text) != x
    if (!any(lossy)) break
    text[lossy] <- sprintf(paste0("%.", digits, "g"), x[lossy])
  }
  text
}

json_string <- function(text) {
  if (any(is.na(text))) stop("NA is no JSON")
  text <- enc2utf8(text)
  text <- gsub("\\", "\\\\", text, fixed = TRUE)
  text <- gsub("\"", "\\\"", text, fixed = TRUE)
  if (any(grepl("[\\x01-\\x1f\\x7f]", text, perl = TRUE))) {
    for (code in c(1:31, 127L)) text <- gsub(intToUtf8(code), sprintf("\\u%04x", code), text, fixed = TRUE)
  }
  paste0("\"", text, "\"")
}

json_atoms <- function(x) {
  if (is.character(x)) return(json_string(x))
  if (is.logical(x)) {
    if (anyNA(x)) stop("NA is no JSON")
    return(ifelse(x, "true", "false"))
  }
  if (!all(is.finite(x))) stop("NaN and infinity are no JSON")
  if (is.integer(x)) sprintf("%d", x) else shortest_digits(x)
}

to_json <- function(value, indent = "") {
  if (is.null(value)) return("null")
  inner <- paste0(indent, " ")
  if (is.list(value) && !is.null(names(value))) {
    if (!length(value)) return("{}")
    keys <- sort(names(value), method = "radix")
    parts <- vapply(keys, function(key) paste0(inner, json_string(key), ": ", to_json(value[[key]], inner)), "")
    return(paste0("{\n", paste(parts, collapse = ",\n"), "\n", indent, "}"))
  }
  if (!is.list(value) && length(value) == 1L) return(json_atoms(unname(value)))
  if (!length(value)) return("[]")
  parts <- if (is.list(value)) vapply(value, to_json, "", indent = inner) else json_atoms(unname(value))
  paste0("[\n", paste0(inner, parts, collapse = ",\n"), "\n", indent, "]")
}
