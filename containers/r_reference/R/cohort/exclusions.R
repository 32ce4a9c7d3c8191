# Exclusions, in their order, each with a line in the flow. A row that misses the value which a rule looks at is left
# out by that rule.

EXCLUSION_FIELDS <- c("id", "description", "column", "keep", "at_least", "at_most", "complete")

# data: typed columns of equal length. Returns which rows stay and the flow's lines.
apply_exclusions <- function(data, rules, rows) {
  kept <- rep(TRUE, rows)
  lines <- list()
  for (rule in rules) {
    where <- sprintf("analyses, exclusion %s", rule$id %or% "?")
    if (!is_text(rule$id)) item_fault("has no id", where, "name it")
    known_or_fault(rule, EXCLUSION_FIELDS, where)
    passes <- passes_rule(rule, data, where)
    lines <- c(lines, list(list(id = rule$id, left_out = sum(kept & !passes), rows = sum(kept & passes))))
    kept <- kept & passes
  }
  list(kept = kept, lines = lines)
}

passes_rule <- function(rule, data, where) {
  if (!is.null(rule$complete)) {
    columns <- lapply(unlist(rule$complete), function(name) column_of(data, name, where))
    return(Reduce(`&`, lapply(columns, function(column) !is.na(column))))
  }
  if (!is_text(rule$column)) item_fault("names no column", where, "give column, or complete")
  column <- column_of(data, rule$column, where)
  if (!is.null(rule$keep)) {
    if (is.numeric(column)) item_fault("keep needs a category column", where, "use at_least and at_most")
    return(!is.na(column) & as.character(column) %in% as.character(unlist(rule$keep)))
  }
  if (is.null(rule$at_least) && is.null(rule$at_most)) {
    item_fault("says not what stays", where, "give keep, at_least, at_most or complete")
  }
  if (!is.numeric(column)) item_fault("at_least and at_most need a number column", where, "use keep")
  !is.na(column) & column >= (rule$at_least %or% -Inf) & column <= (rule$at_most %or% Inf)
}

column_of <- function(data, name, where) {
  if (!is_text(name) || is.null(data[[name]])) {
    item_fault(sprintf("there is no column '%s'", paste(name, collapse = " ")), where,
               "name a column of the dictionary or of derive")
  }
  data[[name]]
}

number_column <- function(data, name, where) {
  column <- column_of(data, name, where)
  if (!is.numeric(column)) item_fault(sprintf("column '%s' is not a number", name), where, "name a number column")
  column
}

category_column <- function(data, name, where) {
  column <- column_of(data, name, where)
  if (!is.factor(column)) item_fault(sprintf("column '%s' is not a category", name), where, "name a category column")
  column
}

known_or_fault <- function(object, known, where) {
  unknown <- setdiff(names(object), known)
  if (length(unknown)) item_fault(sprintf("unknown field '%s'", unknown[1]), where,
                                  paste("known:", paste(known, collapse = ", ")))
}

subset_rows <- function(data, kept) lapply(data, function(column) column[kept])
