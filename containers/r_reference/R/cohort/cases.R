# The rows of one analysis and its model: restriction, complete cases, outcome, design matrix, strata.

MODEL_FIELDS <- c("outcome", "terms", "interactions", "restrict", "scale", "level")

complete_rows <- function(report, data, columns, restrict = NULL) {
  where <- sprintf("analysis %s", report$id)
  columns <- unique(c(columns, names(restrict)))
  used <- stats::setNames(lapply(columns, function(name) column_of(data, name, where)), columns)
  kept <- rep(TRUE, length(used[[1]]))
  flow <- list()
  for (name in names(restrict)) {
    column <- category_column(used, name, where)
    unknown <- setdiff(unlist(restrict[[name]]), levels(column))
    if (length(unknown)) analysis_fault(report, sprintf("restricts to level '%s', which is none", unknown[1]), name,
                                        paste(levels(column), collapse = ", "))
    stays <- column %in% unlist(restrict[[name]])
    flow[[paste("not", name, paste(unlist(restrict[[name]]), collapse = ", "))]] <- sum(kept & !stays)
    kept <- kept & stays
  }
  for (name in columns) {
    flow[[paste(name, "missing")]] <- sum(kept & is.na(used[[name]]))
    kept <- kept & !is.na(used[[name]])
  }
  report$flow <- Filter(function(count) count > 0L, flow)
  if (!any(kept)) analysis_fault(report, "no row has a value in every column it uses",
                                 fix = "see the flow of a smaller analysis")
  used <- subset_rows(used, kept)
  for (name in names(restrict)) {
    used[[name]] <- factor(used[[name]], levels = intersect(levels(used[[name]]), unlist(restrict[[name]])))
  }
  used
}

# The outcome as 0 and 1: the second of two levels is the event.
binary_outcome <- function(report, rows, name) {
  column <- category_column(rows, name, sprintf("analysis %s", report$id))
  if (nlevels(column) != 2L) {
    analysis_fault(report, sprintf("has %d levels, where two are needed", nlevels(column)), name,
                   "restrict it to two levels, or recode it")
  }
  as.numeric(column == levels(column)[2])
}

model_of <- function(report, fields, rows, terms = fields$terms, interactions = fields$interactions %or% list(),
                     stratum = "") {
  y <- binary_outcome(report, rows, fields$outcome)
  if (!any(y == 1) || !any(y == 0)) {
    analysis_fault(report, paste0(if (any(y == 1)) "every row" else "no row",
                                  if (nzchar(stratum)) paste(" of stratum", stratum), " has the event"),
                   fields$outcome, "a model needs rows with and without it")
  }
  where <- sprintf("analysis %s", report$id)
  for (name in setdiff(c(unlist(interactions), names(fields$scale)), unlist(fields$terms))) {
    analysis_fault(report, "is in interactions or scale, and not in terms", name, "add it to the terms")
  }
  for (name in unlist(terms)) check_varies(report, rows[[name]], name)
  x <- design_matrix(rows, terms, interactions, where)
  require_full_rank(x, where)
  if (length(y) <= ncol(x)) analysis_fault(report, sprintf("%d rows for %d coefficients", length(y), ncol(x)),
                                           fix = "use fewer terms")
  for (name in names(fields$scale)) {
    if (is.factor(rows[[name]])) analysis_fault(report, "is scaled, and is not a number", name, "scale numbers only")
  }
  list(x = x, y = y, span = attr(x, "span"), rows = rows, stratum = stratum)
}

check_varies <- function(report, column, name) {
  if (is.factor(column)) {
    empty <- setdiff(levels(column), as.character(column))
    if (nlevels(column) - length(empty) < 2L) analysis_fault(report, "has the same level in every row", name,
                                                             "take it out of the terms")
    if (length(empty)) analysis_fault(report, sprintf("no row has level '%s'", empty[1]), name,
                                      "restrict the column to the other levels")
  } else if (min(column) == max(column)) {
    analysis_fault(report, "has the same value in every row", name, "take it out of the terms")
  }
}

# Guard n, and events of `outcome`, of strata and of the levels of the factors `by`, in all rows and in strata.
guard_counts <- function(report, rows, strata = NULL, outcome = NULL, by = character()) {
  y <- if (!is.null(outcome)) binary_outcome(report, rows, outcome)
  whole <- factor(rep("", length(rows[[1]])))
  named <- function(name) {
    column <- category_column(rows, name, sprintf("analysis %s", report$id))
    factor(column, labels = paste0(name, ":", levels(column)), levels = levels(column))
  }
  along <- c(list(whole), lapply(setdiff(by, strata), named))
  for (stratum in c(list(whole), lapply(strata, named))) {
    for (level in along) {
      if (nlevels(stratum) == 1L && nlevels(level) == 1L && levels(stratum) == levels(level)) next
      prefix <- if (identical(levels(level), "")) "" else "level_"
      n <- unclass(table(stratum, level))
      guard(report, paste0(prefix, "n"), n)
      if (!is.null(y)) guard(report, paste0(prefix, "events"), unclass(table(stratum[y == 1], level[y == 1])), n)
    }
  }
}

# do(model) for the whole, then for each level of `strata`, in whose model the column and its products are left out.
for_models <- function(report, fields, data, do, strata = NULL, also = character()) {
  rows <- complete_rows(report, data, c(fields$outcome, unlist(fields$terms), also, strata), fields$restrict)
  whole <- model_of(report, fields, rows)
  # A level without rows (a group's: a term has none) is not among the results, so that it hides nothing.
  by <- Filter(function(name) is.factor(rows[[name]]), unique(c(unlist(fields$terms), also)))
  counted <- rows
  counted[by] <- lapply(rows[by], droplevels)
  guard_counts(report, counted, strata, fields$outcome, by)
  do(whole)
  if (is.null(strata)) return(invisible())
  terms <- setdiff(unlist(fields$terms), strata)
  if (!length(terms)) analysis_fault(report, "is both the only term and the strata", strata,
                                     "stratify by another column")
  interactions <- Filter(function(parts) !strata %in% unlist(parts), fields$interactions %or% list())
  column <- category_column(rows, strata, sprintf("analysis %s", report$id))
  for (level in levels(column)) {
    if (!any(column == level)) analysis_fault(report, sprintf("no row has level '%s'", level), strata,
                                              "restrict it to the other levels")
    do(model_of(report, fields, subset_rows(rows, column == level), as.list(terms), interactions,
                paste0(strata, ":", level)))
  }
}
