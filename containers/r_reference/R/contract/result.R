# What a stage says of one item while it works: metrics, details, warnings and files. An environment, so that the
# functions that fill it need not hand it back.

new_result <- function(folder, spec) {
  result <- new.env(parent = emptyenv())
  result$folder <- folder
  result$spec <- spec
  result$metrics <- list()
  result$details <- list()
  result$warnings <- character()
  result$files <- list()
  result
}

# The unit that stage.toml declares for a metric: its own, or its family's (`dice.*` for `dice.femur`).
metric_unit <- function(spec, name) {
  if (!is.null(spec$metrics[[name]])) return(spec$metrics[[name]]$unit)
  while (grepl(".", name, fixed = TRUE)) {
    name <- sub("\\.[^.]*$", "", name)
    family <- spec$metrics[[paste0(name, ".*")]]
    if (!is.null(family)) return(family$unit)
  }
  stop(sprintf("metric '%s' is not declared in stage.toml", name))
}

# Record a metric. A value that is not finite becomes null, and then `note` must say why.
put_metric <- function(result, name, value, note = "") {
  defined <- length(value) == 1L && is.finite(value)
  if (!defined && !nzchar(note)) stop(sprintf("metric '%s' without a value needs a note", name))
  # list() keeps the NULL that stands for null.
  result$metrics[[name]] <- list(value = if (defined) unname(value), unit = metric_unit(result$spec, name),
                                 note = note)
}

warn_reader <- function(result, line) result$warnings <- c(result$warnings, one_line(line))

write_output <- function(result, output, name, value) {
  write_json(file.path(result$folder, name), value)
  result$files[[output]] <- name
}

output_entries <- function(result) {
  as_object(lapply(result$files, function(name) {
    path <- file.path(result$folder, name)
    list(path = name, sha256 = sha256_file(path), bytes = as.integer(file.size(path)))
  }))
}
