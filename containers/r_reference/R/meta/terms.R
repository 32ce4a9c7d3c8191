# What the kinds on effects share: their rows, strata, moderators, and the report of coefficients.

COMMON_FIELDS <- c("id", "kind", "restrict", "level", "description")

moderator_columns <- function(model) unique(c(unlist(model$moderators), unlist(model$interactions)))

# Rows of the analysis: restricted, and complete on the columns it uses; what is left out goes into the flow.
used_rows <- function(report, analysis, data, columns) {
  kept <- rep(TRUE, length(data$.yi))
  for (name in names(analysis$restrict)) {
    column <- category_column(data, name, sprintf("analysis %s", report$id))
    kept <- kept & as.character(column) %in% unlist(analysis$restrict[[name]])
  }
  reasons <- list(restrict = sum(!kept))
  for (name in columns) {
    missing <- is.na(column_of(data, name, sprintf("analysis %s", report$id)))
    reasons[[name]] <- sum(kept & missing)
    kept <- kept & !missing
  }
  report$left_out <- reasons
  if (!any(kept)) analysis_fault(report, "has no rows left", fix = "see the flow; correct the restriction or the columns")
  subset_rows(data, kept)
}

# do(rows, stratum, analysis) on all rows, and again for each level of `strata` that has rows, where the column
# itself is not a moderator. A stratum that cannot be fitted has a null `head` with the reason.
for_strata <- function(analysis, data, report, columns, head, do) {
  rows <- used_rows(report, analysis, data, c(columns, analysis$strata))
  need_studies(report, rows)
  do(rows, "", analysis)
  if (is.null(analysis$strata)) return(invisible())
  column <- category_column(rows, analysis$strata, sprintf("analysis %s", report$id))
  inside <- analysis
  inside$moderators <- as.list(setdiff(unlist(analysis$moderators), analysis$strata))
  inside$interactions <- Filter(function(parts) !analysis$strata %in% unlist(parts), analysis$interactions %or% list())
  for (level in intersect(levels(column), as.character(column))) {
    stratum <- paste0(analysis$strata, ":", level)
    tryCatch(do(subset_rows(rows, column == level), stratum, inside),
             fault = function(f) put(report, head, NA, stratum, note = f$what))
  }
}

need_studies <- function(report, rows) {
  if (length(rows$.yi) < 2L) analysis_fault(report, "there is only one effect", fix = "two effects are the least")
  if (length(unique(rows$.study)) < 2L) {
    analysis_fault(report, "all effects are of one study", fix = "effects of two studies are the least")
  }
}

put_sizes <- function(report, rows, stratum = "") {
  put_all(report, list(n = length(rows$.yi), groups = length(unique(rows$.study))), stratum)
}

# One stratum per row: `muscle:multifidus`, several columns joined by `*`; levels in the dictionary's order.
stratum_of <- function(data, by, report) {
  columns <- lapply(by, function(name) {
    column <- category_column(data, name, sprintf("analysis %s", report$id))
    factor(paste0(name, ":", column), levels = paste0(name, ":", levels(column)))
  })
  droplevels(interaction(columns, sep = "*", lex.order = TRUE))
}

# Design matrix of moderators with intercept: empty levels dropped, number columns divided by their scale.
moderator_matrix <- function(report, model, rows) {
  where <- sprintf("analysis %s", report$id)
  for (name in moderator_columns(model)) {
    column <- rows[[name]]
    if (is.factor(column)) {
      rows[[name]] <- droplevels(column)
      if (levels(rows[[name]])[1] != levels(column)[1]) {
        warn_of(report, sprintf("column %s: reference %s has no row, %s takes its place", name, levels(column)[1],
                                levels(rows[[name]])[1]))
      }
    }
    if (!is.null(model$scale[[name]])) rows[[name]] <- number_column(rows, name, where) / model$scale[[name]]
  }
  rows$.one <- rows$.yi
  x <- design_matrix(rows, as.list(unlist(model$moderators)), model$interactions %or% list(), where)
  require_full_rank(x, where)
  x
}

# Coefficients with Wald intervals of an rma or rma.mv fit; `zval` is a t where the test has degrees of freedom.
put_coefficients <- function(report, fit, terms, stratum = "") {
  df <- if (fit$test %in% c("t", "knha")) fit$k - fit$p
  for (i in seq_along(terms)) {
    put_all(report, list(coefficient = fit$beta[i], standard_error = fit$se[i], interval_low = fit$ci.lb[i],
                         interval_high = fit$ci.ub[i]), stratum, terms[i])
    if (is.null(df)) {
      put(report, "z", fit$zval[i], stratum, terms[i])
      put_p(report, log_p_normal(fit$zval[i]), stratum, terms[i])
    } else {
      put_all(report, list(t = fit$zval[i], df = df), stratum, terms[i])
      put_p(report, log_p_t(fit$zval[i], df), stratum, terms[i])
    }
  }
}

# Wald test of all moderators: chi-squared, or F with a second number of degrees of freedom.
put_moderator_test <- function(report, fit, stratum = "") {
  if (fit$test %in% c("t", "knha")) {
    put_all(report, list(qm = fit$QM, qm_df = fit$QMdf[1], qm_df2 = fit$QMdf[2]), stratum)
    put_p(report, stats::pf(fit$QM, fit$QMdf[1], fit$QMdf[2], lower.tail = FALSE, log.p = TRUE), stratum,
          prefix = "qm_")
  } else {
    put_all(report, list(qm = fit$QM, qm_df = fit$m), stratum)
    put_p(report, log_p_chi2(fit$QM, fit$m), stratum, prefix = "qm_")
  }
}
