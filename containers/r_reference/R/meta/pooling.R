# Two-level models by metafor's rma: pooled means, subgroups, meta-regression.

# Iterations to the machine's limit: metafor's defaults stop at 1e-5, which shows in the sixth digit.
TIGHT <- list(maxiter = 10000, threshold = 1e-13, tol = 1e-13, tau2.max = 1e8, stepadj = 1)

POOLED_FIELDS <- c("method", "test", "prediction")

fit_rma <- function(report, yi, vi, method, test, level, mods = NULL) {
  control <- if (method %in% c("REML", "ML", "PM")) TIGHT else list()
  fit <- function(control) {
    if (is.null(mods)) metafor::rma(yi, vi, method = method, test = test, level = 100 * level, control = control)
    else metafor::rma(yi, vi, mods = mods, method = method, test = test, level = 100 * level, control = control)
  }
  # Fisher scoring can step over the optimum: with half the step it converges.
  tryCatch(fit(control), error = function(e) tryCatch(fit(utils::modifyList(control, list(stepadj = 0.5))),
    error = function(e) analysis_fault(report, sprintf("metafor: %s", one_line(conditionMessage(e))),
                                       fix = "try another method")))
}

heterogeneity <- function(fit) list(q = fit$QE, q_df = fit$k - fit$p)

put_q <- function(report, q, df, stratum = "", prefix = "q") {
  put_all(report, stats::setNames(list(q, df), paste0(prefix, c("", "_df"))), stratum)
  put_p(report, if (df > 0) log_p_chi2(q, df) else NA, stratum, prefix = paste0(prefix, "_"),
        note = "no degree of freedom")
}

put_tau2 <- function(report, fit, stratum) {
  put_all(report, list(tau2 = fit$tau2, tau2_se = fit$se.tau2), stratum, note = "metafor gives none")
  put(report, "at_boundary", as.integer(fit$tau2 <= 0), stratum)
  ends <- tryCatch(stats::confint(fit, control = list(tol = 1e-13, tau2.max = 1e8))$random, error = function(e) NULL)
  tau2 <- if (is.null(ends)) c(NA, NA) else ends["tau^2", c("ci.lb", "ci.ub")]
  # Even Q(0) below the lower quantile: the interval is the point 0.
  if (!is.null(ends) && anyNA(tau2)) tau2 <- c(0, 0)
  put_all(report, list(tau2_low = tau2[[1]], tau2_high = tau2[[2]]), stratum, note = "no Q-profile interval")
  i2 <- if (is.null(ends)) c(NA, NA) else ends["I^2(%)", c("ci.lb", "ci.ub")]
  if (!is.null(ends) && anyNA(i2)) i2 <- c(0, 0)
  put_all(report, list(i2_low = i2[[1]], i2_high = i2[[2]]), stratum, note = "no Q-profile interval")
}

put_fit_statistics <- function(report, fit, stratum = "", term = "") {
  method <- if (fit$method == "ML") "ML" else "REML"
  values <- fit$fit.stats[c("ll", "AIC", "BIC", "AICc"), method]
  values <- stats::setNames(as.list(values), c("log_likelihood", "aic", "bic", "aicc"))
  put_all(report, values, stratum, term, note = "too few effects")
}

# The pooled mean of yi with variances vi. `counts`: whether n and groups are put too.
put_pooled <- function(report, analysis, yi, vi, study, stratum = "", counts = TRUE) {
  method <- analysis$method %or% "REML"
  test <- analysis$test %or% "z"
  level <- analysis$level %or% 0.95
  fit <- fit_rma(report, yi, vi, if (length(yi) == 1L) "FE" else method, test, level)
  if (counts) put_sizes(report, list(.yi = yi, .study = study), stratum)
  put_mean(report, fit, test, stratum)
  # metafor says Q = 0 of a single effect: there is nothing that could differ.
  if (length(yi) == 1L) put_all(report, list(q = NA, q_df = NA, q_log10_p = NA, q_p = NA), stratum, note = "one effect")
  else put_q(report, fit$QE, fit$k - 1L, stratum)
  one <- if (length(yi) == 1L) "one effect" else ""
  if (nzchar(one)) put_all(report, list(i2_percent = NA, h2 = NA), stratum, note = one)
  else put_all(report, list(i2_percent = fit$I2, h2 = fit$H2), stratum)
  if (method != "FE") {
    if (nzchar(one)) {
      quantities <- c("tau2", "tau2_se", "at_boundary", "tau2_low", "tau2_high", "i2_low", "i2_high",
                      "prediction_low", "prediction_high")
      put_all(report, sapply(quantities, function(q) NA, simplify = FALSE), stratum, note = one)
    } else {
      put_tau2(report, fit, stratum)
      predicted <- if ((analysis$prediction %or% "default") == "riley") stats::predict(fit,
          pi.type = "riley") else stats::predict(fit)
      put_all(report, list(prediction_low = predicted$pi.lb, prediction_high = predicted$pi.ub), stratum)
    }
  }
  if (method %in% c("ML", "REML")) {
    if (nzchar(one)) put_all(report, sapply(c("log_likelihood", "aic", "bic", "aicc"), function(q) NA,
                                            simplify = FALSE), stratum, note = one)
    else put_fit_statistics(report, fit, stratum)
  }
  fit
}

put_mean <- function(report, fit, test, stratum = "") {
  put_all(report, list(effect = fit$beta[1], effect_se = fit$se, effect_low = fit$ci.lb, effect_high = fit$ci.ub),
          stratum)
  if (test == "knha") {
    df <- fit$k - fit$p
    put_all(report, list(effect_t = fit$zval, effect_df = df), stratum, note = "one effect")
    put_p(report, log_p_t(fit$zval, df), stratum, prefix = "effect_", note = "one effect")
  } else {
    put(report, "effect_z", fit$zval, stratum)
    put_p(report, log_p_normal(fit$zval), stratum, prefix = "effect_")
  }
}

kind_pooled <- function(analysis, data, report) {
  for_strata(analysis, data, report, character(), "effect", function(rows, stratum, analysis) {
    put_pooled(report, analysis, rows$.yi, rows$.vi, rows$.study, stratum)
  })
}

kind_subgroups <- function(analysis, data, report) {
  by <- unlist(analysis$by)
  data <- used_rows(report, analysis, data, by)
  groups <- stratum_of(data, by, report)
  put_sizes(report, data)
  if ((analysis$tau2 %or% "separate") == "common") return(common_subgroups(report, analysis, data, groups))
  fits <- lapply(levels(groups), function(level) {
    rows <- subset_rows(data, groups == level)
    put_pooled(report, analysis, rows$.yi, rows$.vi, rows$.study, level)
  })
  means <- vapply(fits, function(fit) fit$beta[1], 0)
  variances <- vapply(fits, function(fit) fit$se^2, 0)
  between <- metafor::rma(means, variances, method = "FE")
  put_q(report, between$QE, length(fits) - 1L, prefix = "q_between")
}

common_subgroups <- function(report, analysis, data, groups) {
  test <- analysis$test %or% "z"
  level <- analysis$level %or% 0.95
  indicators <- stats::model.matrix(~ groups - 1)
  fit_means <- metafor::rma(data$.yi, data$.vi, mods = indicators, intercept = FALSE,
                            method = analysis$method %or% "REML",
                            test = test, level = 100 * level, control = if ((analysis$method %or% "REML") %in% c("DL",
                                "FE")) list() else TIGHT)
  for (i in seq_len(nlevels(groups))) {
    rows <- groups == levels(groups)[i]
    put_all(report, list(n = sum(rows), groups = length(unique(data$.study[rows])), effect = fit_means$beta[i],
                         effect_se = fit_means$se[i], effect_low = fit_means$ci.lb[i],
                         effect_high = fit_means$ci.ub[i]),
            levels(groups)[i])
    put(report, if (test == "knha") "effect_t" else "effect_z", fit_means$zval[i], levels(groups)[i])
    if (test == "knha") put(report, "effect_df", fit_means$k - fit_means$p, levels(groups)[i])
    put_p(report, if (test == "knha") log_p_t(fit_means$zval[i],
                                              fit_means$k - fit_means$p) else log_p_normal(fit_means$zval[i]),
          levels(groups)[i], prefix = "effect_")
  }
  put(report, "tau2", fit_means$tau2)
  put_q(report, fit_means$QE, fit_means$k - fit_means$p)
  factor_fit <- fit_rma(report, data$.yi, data$.vi, analysis$method %or% "REML", test, level,
                        mods = indicators[, -1, drop = FALSE])
  put_between(report, factor_fit)
}

put_between <- function(report, fit) {
  if (fit$test == "knha") {
    put_all(report, list(q_between = fit$QM, q_between_df = fit$QMdf[1], q_between_df2 = fit$QMdf[2]))
    put_p(report, stats::pf(fit$QM, fit$QMdf[1], fit$QMdf[2], lower.tail = FALSE, log.p = TRUE), prefix = "q_between_")
  } else put_q(report, fit$QM, fit$m, prefix = "q_between")
}

kind_meta_regression <- function(analysis, data, report) {
  for_strata(analysis, data, report, moderator_columns(analysis), "q", function(rows, stratum, analysis) {
    put_sizes(report, rows, stratum)
    x <- moderator_matrix(report, analysis, rows)
    fit <- fit_rma(report, rows$.yi, rows$.vi, analysis$method %or% "REML", analysis$test %or% "z",
                   analysis$level %or% 0.95,
                   mods = if (ncol(x) > 1L) x[, -1, drop = FALSE])
    put_coefficients(report, fit, colnames(x), stratum)
    put_moderator_test(report, fit, stratum)
    put_q(report, fit$QE, fit$k - fit$p, stratum)
    if (fit$method != "FE") put_tau2(report, fit, stratum)
    put_all(report, list(i2_percent = fit$I2, h2 = fit$H2), stratum)
    if (fit$method %in% c("ML", "REML")) put_fit_statistics(report, fit, stratum)
  })
}
