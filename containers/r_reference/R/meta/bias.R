# Publication bias: Egger's regression on the standard error (two and three levels), trim and fill.

EGGER_FIELDS <- c("levels", "method", "test", "moderators", "interactions", "scale")
FILL_FIELDS <- c("estimator", "side", "method", "test", "prediction")

kind_egger <- function(analysis, data, report) {
  for_strata(analysis, data, report, moderator_columns(analysis), "egger_slope", function(rows, stratum, analysis) {
    three <- (analysis$levels %or% 2L) == 3L
    put_sizes(report, rows, stratum)
    if (three) need_studies(report, rows)
    model <- analysis
    model$moderators <- c(list("standard_error"), as.list(unlist(analysis$moderators)))
    x <- moderator_matrix(report, model, rows)
    level <- analysis$level %or% 0.95
    test <- analysis$test %or% "z"
    method <- analysis$method %or% "REML"
    fit <- if (three) fit_three_level(report, rows, rows$.vi, x, method, c("between", "within"), test, level)
           else fit_rma(report, rows$.yi, rows$.vi, method, test, level, mods = x[, -1, drop = FALSE])
    put_line(report, fit, match("standard_error", colnames(x)), "egger_slope", stratum)
    put_line(report, fit, 1L, "egger_intercept", stratum)
    if (three) {
      put_variances(report, fit, stratum)
      put(report, "gradient_max", fit$gradient_max, stratum)
    } else if (method != "FE") {
      put_all(report, list(tau2 = fit$tau2, at_boundary = as.integer(fit$tau2 <= 0)), stratum)
    }
  })
}

put_line <- function(report, fit, i, prefix, stratum) {
  name <- function(suffix) paste0(prefix, suffix)
  values <- list(fit$beta[i], fit$se[i], fit$ci.lb[i], fit$ci.ub[i])
  put_all(report, stats::setNames(values, c(prefix, name("_se"), name("_low"), name("_high"))), stratum)
  if (fit$test %in% c("t", "knha")) {
    df <- fit$k - fit$p
    put_all(report, stats::setNames(list(fit$zval[i], df), c(name("_t"), name("_df"))), stratum)
    put_p(report, log_p_t(fit$zval[i], df), stratum, prefix = name("_"))
  } else {
    put(report, name("_z"), fit$zval[i], stratum)
    put_p(report, log_p_normal(fit$zval[i]), stratum, prefix = name("_"))
  }
}

kind_trim_and_fill <- function(analysis, data, report) {
  for_strata(analysis, data, report, character(), "k0", function(rows, stratum, analysis) {
    method <- analysis$method %or% "REML"
    estimator <- analysis$estimator %or% "L0"
    side <- analysis$side %or% "auto"
    fit <- fit_rma(report, rows$.yi, rows$.vi, method, analysis$test %or% "z", analysis$level %or% 0.95)
    arguments <- list(fit, estimator = estimator, maxiter = 1000)
    if (side != "auto") arguments$side <- side
    filled <- tryCatch(do.call(metafor::trimfill, arguments), error = function(e) {
      analysis_fault(report, sprintf("metafor's trimfill: %s", one_line(conditionMessage(e))),
                     fix = "try the other estimator or method")
    })
    put_all(report, list(k0 = filled$k0, k0_se = filled$se.k0), stratum)
    if (estimator == "R0") put_all(report, list(k0_p = filled$p.k0, k0_log10_p = log10(filled$p.k0)), stratum)
    put_all(report, list(fill_side = if (filled$side == "left") -1L else 1L, n = length(rows$.yi), n_filled = filled$k),
            stratum)
    put_pooled(report, analysis, as.numeric(filled$yi), as.numeric(filled$vi), seq_along(filled$yi), stratum,
               counts = FALSE)
  })
}

kind_effects <- function(analysis, data, report) {
  rows <- used_rows(report, analysis, data, character())
  margin <- stats::qnorm((1 + (analysis$level %or% 0.95)) / 2)
  for (i in seq_along(rows$.id)) {
    se <- sqrt(rows$.vi[i])
    put_all(report, list(effect = rows$.yi[i], effect_se = se, effect_low = rows$.yi[i] - margin * se,
                         effect_high = rows$.yi[i] + margin * se), term = rows$.id[i])
    if (!is.na(rows$.correction[i])) put(report, "correction", rows$.correction[i], term = rows$.id[i])
  }
}

kind_meta_vif <- function(analysis, data, report) {
  model <- analysis$model
  rows <- used_rows(report, analysis, data, moderator_columns(model))
  x <- moderator_matrix(report, model, rows)
  put_sizes(report, rows)
  fit <- if (model$kind == "three_level") three_level_of(report, model, rows, x)
         else fit_rma(report, rows$.yi, rows$.vi, model$method %or% "REML", model$test %or% "z", 0.95,
                      mods = x[, -1, drop = FALSE])
  put_column_inflation(report, fit$vb, colnames(x))
  put_generalised_inflation(report, fit$vb, attr(x, "span"))
}
