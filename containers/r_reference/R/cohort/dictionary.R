# The dictionary: type, levels, range and missing codes of each column, and their check row by row.

SCHEMA_VERSION <- "1.0"

# Read a JSON object of schema version 1.x. Item fault when it is none.
read_spec <- function(path, where) {
  text <- read_text(path, where)
  raw <- tryCatch(parse_json(text), error = function(e) NULL)
  if (!is_object(raw)) item_fault("is no JSON object", where, "see containers/association/README.md")
  version <- raw$schema_version
  if (!is_text(version) || !grepl("^1\\.", version)) {
    item_fault("schema_version must be 1.0", where, "see containers/association/README.md")
  }
  raw
}

read_dictionary <- function(path) {
  where <- "dictionary"
  columns <- read_spec(path, where)$columns %or% empty_object()
  if (!is_object(columns)) item_fault("columns must be an object", where, "map each column's name to its type")
  for (name in names(columns)) check_column_spec(columns[[name]], sprintf("dictionary, column %s", name))
  columns
}

check_column_spec <- function(column, where) {
  type <- if (is_object(column)) column$type
  if (is.null(type) || !type %in% c("id", "label", "number", "category")) {
    item_fault("type must be id, label, number or category", where, "say which it is")
  }
  known <- c("type", "description", switch(type, number = c("unit", "minimum", "maximum", "missing"),
                                           category = c("levels", "missing"), label = "missing"))
  unknown <- setdiff(names(column), known)
  if (length(unknown)) item_fault(sprintf("unknown field '%s'", unknown[1]), where, paste(known, collapse = ", "))
  if (type == "category") {
    levels <- text_of(column$levels)
    if ( length(levels) < 2L || anyDuplicated(levels)) {
      item_fault("levels must be two or more different texts", where, "list the levels, the reference first")
    }
  }
}

# The table's columns that the dictionary names: numbers, factors and identifiers; missing values are NA.
typed_columns <- function(table, dictionary) {
  lacking <- setdiff(names(dictionary), names(table))
  if (length(lacking)) {
    item_fault("the table has no such column", sprintf("column %s", lacking[1]),
               "add it or leave it out of the dictionary")
  }
  columns <- lapply(names(dictionary), function(name) {
    typed_column(table[[name]], dictionary[[name]], sprintf("column %s", name))
  })
  names(columns) <- names(dictionary)
  columns
}

typed_column <- function(text, column, where) {
  text[!nzchar(text)] <- NA
  switch(column$type,
         id = checked_ids(text, where),
         label = replace(text, text %in% text_of(column$missing), NA),
         number = checked_numbers(text, column, where),
         category = checked_levels(text, column, where))
}

# Values as the text that levels are compared by: 1 and "1" are `1`, true is `true`.
text_of <- function(values) {
  vapply(values %or% list(),
         function(value) if (is.logical(value)) tolower(as.character(value)) else as.character(value), "")
}

rows_of <- function(bad) {
  rows <- which(bad)
  first <- paste(utils::head(rows, 3L), collapse = ", ")
  sprintf("%d %s, first: %s", length(rows), if (length(rows) == 1L) "row" else "rows", first)
}

checked_ids <- function(text, where) {
  if (anyNA(text)) item_fault("has no identifier", sprintf("%s (%s)", where, rows_of(is.na(text))), "fill it in")
  if (anyDuplicated(text)) {
    item_fault("identifier is given more than once", sprintf("%s (%s)", where, rows_of(duplicated(text))),
               "keep one row per participant")
  }
  text
}

checked_numbers <- function(text, column, where) {
  codes <- column$missing %or% list()
  text[text %in% unlist(Filter(is.character, codes))] <- NA
  bad <- !is.na(text) & !grepl("^[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?$", text)
  values <- suppressWarnings(as.numeric(text))
  if (any(bad)) item_fault("is not a finite number", sprintf("%s (%s)", where, rows_of(bad)), "correct or empty the fields")
  values[values %in% unlist(Filter(is.numeric, codes))] <- NA
  low <- column$minimum %or% -Inf
  high <- column$maximum %or% Inf
  outside <- !is.na(values) & (values < low | values > high)
  if (any(outside)) {
    item_fault(sprintf("is outside %s to %s %s", format(low), format(high), column$unit %or% ""),
               sprintf("%s (%s)", where,
                       rows_of(outside)), "correct the values or their unit, or the range in the dictionary")
  }
  values
}

checked_levels <- function(text, column, where) {
  levels <- text_of(column$levels)
  text[text %in% text_of(column$missing)] <- NA
  unknown <- !is.na(text) & !text %in% levels
  if (any(unknown)) {
    item_fault(sprintf("'%s' is not a level (%s)", text[unknown][1], paste(levels, collapse = ", ")),
               sprintf("%s (%s)", where, rows_of(unknown)), "correct the values, or add the level or a missing code")
  }
  factor(text, levels = levels)
}
