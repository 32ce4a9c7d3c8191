# Kinds without a logistic model: correlation, concordance, linear, prevalence, trend, t tests, Bonferroni.

# do(rows, stratum) on the complete cases, then on each level of `strata`. outcome, by: whose events and
# levels it counts.
for_rows <- function(report, analysis, data, columns, do, outcome = NULL, by = character()) {
  rows <- complete_rows(report, data, c(columns, analysis$strata), analysis$restrict)
  guard_counts(report, rows, analysis$strata, outcome, by)
  do(rows, "")
  if (is.null(analysis$strata)) return(invisible())
  column <- category_column(rows, analysis$strata, sprintf("analysis %s", report$id))
  for (level in levels(column)) {
    if (!any(column == level)) analysis_fault(report, sprintf("no row has level '%s'", level), analysis$strata,
                                              "restrict it to the other levels")
    do(subset_rows(rows, column == level), paste0(analysis$strata, ":", level))
  }
}

varying <- function(report, rows, name, at_least = 3L) {
  values <- number_column(rows, name, sprintf("analysis %s", report$id))
  if (length(values) < at_least) analysis_fault(report, sprintf("%d rows, %d are needed", length(values), at_least),
                                                name, "give more rows")
  if (min(values) == max(values)) analysis_fault(report, "has the same value in every row", name,
                                                 "take the analysis out")
  values
}

put_interval <- function(report, quantity, values, stratum = "", term = "", note = "") {
  put_all(report, stats::setNames(as.list(values), paste0(quantity, c("", "_low", "_high"))), stratum, term, note)
}

kind_correlation <- function(analysis, data, report) {
  for_rows(report, analysis, data, unlist(analysis$of), function(rows, stratum) {
    columns <- lapply(analysis$of, function(name) varying(report, rows, name))
    test <- stats::cor.test(columns[[1]], columns[[2]], conf.level = analysis$level %or% 0.95)
    n <- length(columns[[1]])
    small <- put_count(report, "n", n, stratum)
    ends <- if (is.null(test$conf.int)) c(NA, NA) else test$conf.int
    perfect <- abs(test$estimate) == 1
    put_interval(report, "correlation", c(test$estimate, if (perfect) c(NA, NA) else ends), stratum,
                 note = if (perfect) "the columns lie on a straight line" else "an interval needs more than three rows")
    put(report, "df", if (nzchar(small)) NA else n - 2L, stratum, note = small)
    put_all(report, list(t = test$statistic[[1]]), stratum, note = "the columns lie on a straight line")
    put_p(report, log_p_t(test$statistic[[1]], n - 2), stratum, note = "the columns lie on a straight line")
  })
}

kind_concordance <- function(analysis, data, report) {
  level <- analysis$level %or% 0.95
  for_rows(report, analysis, data, unlist(analysis$of), function(rows, stratum) {
    x <- varying(report, rows, analysis$of[[1]]) * (analysis$factor %or% 1)
    y <- varying(report, rows, analysis$of[[2]])
    n <- length(x)
    put_count(report, "n", n, stratum)
    gap <- x - y
    test <- stats::t.test(gap, conf.level = level)
    put_interval(report, "mean_difference", c(test$estimate, test$conf.int), stratum)
    put(report, "sd", stats::sd(gap), stratum, "difference")
    margin <- stats::qt((1 + level) / 2, n - 1) * stats::sd(gap) * sqrt(1 / n + 1.96^2 / (2 * (n - 1)))
    for (side in c("low", "high")) {
      limit <- mean(gap) + (if (side == "low") -1 else 1) * 1.96 * stats::sd(gap)
      put_interval(report, paste0("limits_", side), c(limit, limit - margin, limit + margin), stratum)
    }
    put_lin(report, x, y, level, stratum)
  })
}

# Lin's coefficient (Biometrics 45:255) with the variance of Biometrics 56:324, on Fisher's scale.
put_lin <- function(report, x, y, level, stratum) {
  n <- length(x)
  biased <- (n - 1) / n
  covariance <- stats::cov(x, y) * biased
  spread <- c(stats::var(x), stats::var(y)) * biased
  shift <- mean(x) - mean(y)
  c <- 2 * covariance / (sum(spread) + shift^2)
  r <- stats::cor(x, y)
  u2 <- shift^2 / sqrt(prod(spread))
  variance <- ((1 - r^2) * c^2 * (1 - c^2) / r^2 + 2 * c^3 * (1 - c) * u2 / r - c^4 * u2^2 / (2 * r^2)) / (n - 2)
  margin <- stats::qnorm((1 + level) / 2) * sqrt(max(0, variance)) / (1 - c^2)
  put_interval(report, "concordance", c(c, tanh(atanh(c) - margin), tanh(atanh(c) + margin)), stratum,
               note = "undefined where r is 0 or the agreement perfect")
}

kind_linear <- function(analysis, data, report) {
  level <- analysis$level %or% 0.95
  terms <- unlist(analysis$terms)
  where <- sprintf("analysis %s", report$id)
  for_rows(report, analysis, data, c(analysis$outcome, terms), function(rows, stratum) {
    inside <- if (nzchar(stratum)) analysis$strata
    used <- setdiff(terms, inside)
    for (name in used) check_varies(report, rows[[name]], name)
    x <- design_matrix(rows, as.list(used), Filter(function(parts) !any(inside %in% unlist(parts)),
                                                   analysis$interactions %or% list()), where)
    require_full_rank(x, where)
    y <- varying(report, rows, analysis$outcome)
    if (length(y) <= ncol(x)) analysis_fault(report, sprintf("%d rows for %d coefficients", length(y), ncol(x)),
                                             analysis$outcome, "give more rows, or fewer terms")
    fit <- summary(stats::lm(y ~ x - 1))
    df <- fit$df[2]
    small <- put_count(report, "n", length(y), stratum)
    put(report, "df", if (nzchar(small)) NA else df, stratum, note = small)
    put(report, "sd", fit$sigma, stratum, "residual")
    quantile <- if (identical(analysis$interval,
                              "normal")) stats::qnorm((1 + level) / 2) else stats::qt((1 + level) / 2, df)
    for (i in seq_len(ncol(x))) {
      term <- colnames(x)[i]
      beta <- fit$coefficients[i, 1]
      ends <- beta + c(-1, 1) * quantile * fit$coefficients[i, 2]
      put_all(report, list(coefficient = beta, standard_error = fit$coefficients[i, 2], interval_low = ends[1],
                           interval_high = ends[2],
                           t = fit$coefficients[i, 3]), stratum, term)
      put_p(report, log_p_t(fit$coefficients[i, 3], df), stratum, term)
      if (identical(analysis$slope_of, term)) put_interval(report, "slope", c(beta, ends) * (analysis$per %or% 10),
                                                           stratum, term)
    }
  })
}

kind_prevalence <- function(analysis, data, report) {
  level <- analysis$level %or% 0.95
  columns <- c(analysis$outcome, analysis$by)
  for_rows(report, analysis, data, columns, outcome = analysis$outcome, by = analysis$by, do = function(rows, stratum) {
    y <- binary_outcome(report, rows, analysis$outcome)
    by <- category_column(rows, analysis$by, sprintf("analysis %s", report$id))
    n <- as.vector(table(by))
    events <- as.vector(tapply(y, by, sum, default = 0))
    put_share(report, c("n", "events"), sum(n), sum(events), level, stratum)
    for (i in seq_along(n)) {
      put_share(report, c("level_n", "level_events"), n[i], events[i], level, stratum,
                paste0(analysis$by, ":", levels(by)[i]))
    }
  })
}

# Wilson's interval: R's prop.test without continuity correction. Shown only where its counts are.
put_share <- function(report, names, n, events, level, stratum, term = "") {
  notes <- c(put_count(report, names[1], n, stratum, term), put_count(report, names[2], events, stratum, term, of = n))
  why <- if (any(nzchar(notes))) "its counts are not shown" else if (n == 0) "no rows" else ""
  ends <- if (nzchar(why)) c(NA, NA) else suppressWarnings(stats::prop.test(events, n, conf.level = level,
                                                                            correct = FALSE)$conf.int)
  put_interval(report, "prevalence", c(if (nzchar(why)) NA else events / n, ends), stratum, term, why)
}

kind_trend <- function(analysis, data, report) {
  columns <- c(analysis$outcome, analysis$by)
  for_rows(report, analysis, data, columns, outcome = analysis$outcome, do = function(rows, stratum) {
    y <- binary_outcome(report, rows, analysis$outcome)
    by <- category_column(rows, analysis$by, sprintf("analysis %s", report$id))
    n <- as.vector(table(by))
    events <- as.vector(tapply(y, by, sum, default = 0))
    if (any(n == 0)) analysis_fault(report, sprintf("no row has level '%s'", levels(by)[which(n == 0)[1]]), analysis$by,
                                    "restrict it to the others")
    weights <- unlist(analysis$weights %or% as.list(seq_along(n)))
    if (length(weights) != length(n)) analysis_fault(report, sprintf("%d weights for %d levels", length(weights),
                                                                     length(n)), analysis$by, "give one each")
    share <- sum(events) / sum(n)
    if (share %in% c(0, 1) || min(weights) == max(weights)) {
      analysis_fault(report, "a trend needs rows with and without the event, and two different weights",
                     analysis$outcome, "take the analysis out")
    }
    put_count(report, "n", sum(n), stratum)
    put_count(report, "events", sum(events), stratum, of = sum(n))
    chi2 <- suppressWarnings(stats::prop.trend.test(events, n, weights)$statistic[[1]])
    standard <- sign(sum(weights * (events - n * share))) * sqrt(chi2)
    printed <- sum(weights * (events / n - share)) / sqrt(share * (1 - share) * sum(weights^2 / n))
    for (term in c("standard", "as_printed")) {
      z <- if (term == "standard") standard else printed
      put(report, "trend_z", z, stratum, term)
      put_p(report, log_p_normal(z), stratum, term)
    }
  })
}

kind_ttest <- function(analysis, data, report) {
  columns <- c(analysis$outcome, analysis$by)
  for_rows(report, analysis, data, columns, by = analysis$by, do = function(rows, stratum) {
    values <- varying(report, rows, analysis$outcome)
    by <- category_column(rows, analysis$by, sprintf("analysis %s", report$id))
    binary_outcome(report, rows, analysis$by)
    small <- put_count(report, "n", length(values), stratum)
    groups <- split(values, by)
    for (level in levels(by)) {
      group <- groups[[level]]
      if (length(group) < 2L) analysis_fault(report, sprintf("level '%s' has %d rows, 2 are needed", level,
                                                             length(group)), analysis$by, "give more rows")
      term <- paste0(analysis$by, ":", level)
      note <- put_count(report, "level_n", length(group), stratum, term)
      put(report, "mean", if (nzchar(note)) NA else mean(group), stratum, term, note)
      put(report, "sd", if (nzchar(note)) NA else stats::sd(group), stratum, term, note)
    }
    for (variances in unique(unlist(analysis$variances %or% list("welch", "pooled")))) {
      test <- stats::t.test(groups[[1]], groups[[2]], var.equal = variances == "pooled",
                            conf.level = analysis$level %or% 0.95)
      put_ttest(report, test$estimate[[1]] - test$estimate[[2]], test$conf.int, test$statistic[[1]],
                test$parameter[[1]], stratum, variances, small)
    }
  })
}

# small: why df is not shown, or an empty text.
put_ttest <- function(report, difference, ends, t, df, stratum, variances, small = "") {
  put_interval(report, "mean_difference", c(difference, ends), stratum, variances)
  put_all(report, list(t = t), stratum, variances)
  put(report, "df", if (nzchar(small)) NA else df, stratum, variances, small)
  put_p(report, log_p_t(t, df), stratum, variances)
}

# R has no t test of printed means: it is run on values made to have them.
kind_ttest_summary <- function(analysis, data, report) {
  made <- lapply(analysis$groups, function(group) {
    values <- stats::qnorm(stats::ppoints(group$n))
    group$mean + group$sd * (values - mean(values)) / stats::sd(values)
  })
  for (variances in unique(unlist(analysis$variances %or% list("welch", "pooled")))) {
    test <- stats::t.test(made[[1]], made[[2]], var.equal = variances == "pooled",
                          conf.level = analysis$level %or% 0.95)
    put_ttest(report, test$estimate[[1]] - test$estimate[[2]], test$conf.int, test$statistic[[1]], test$parameter[[1]],
              "", variances)
  }
}

kind_bonferroni <- function(analysis, data, report) {
  of <- unlist(analysis$of)
  tests <- analysis$tests %or% length(of)
  for (name in of) {
    metrics <- report$result$metrics
    if (is.null(metrics[[name]])) analysis_fault(report, sprintf("there is no metric '%s' so far", name),
                                                 fix = "name one of an analysis listed before")
    p <- metrics[[name]]$value
    log10_p <- metrics[[sub("p.", "log10_p.", name, fixed = TRUE)]]$value
    note <- if (is.null(p) || is.null(log10_p)) "the p value itself is undefined" else ""
    adjusted <- if (nzchar(note)) NA else stats::p.adjust(p, "bonferroni", n = tests)
    put(report, "p", adjusted, term = name, note = note)
    put(report, "log10_p", if (nzchar(note)) NA else min(0, log10(tests) + log10_p), term = name, note = note)
  }
  tell(report, "tests", tests)
}
