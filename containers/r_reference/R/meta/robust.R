# CR2 cluster-robust variances with Satterthwaite degrees of freedom by clubSandwich, under three readings of "rho".

ROBUST_FIELDS <- c("rho", "readings", "method", "variances", "moderators", "interactions", "scale")
READINGS <- c("independent", "che", "correlated_effects")

kind_robust <- function(analysis, data, report) {
  rows <- used_rows(report, analysis, data, moderator_columns(analysis))
  put_sizes(report, rows)
  x <- moderator_matrix(report, analysis, rows)
  rho <- analysis$rho %or% 0.7
  level <- analysis$level %or% 0.95
  for (reading in unlist(analysis$readings %or% as.list(READINGS))) {
    if (reading == "correlated_effects") {
      fit <- fit_correlated_effects(rows, x, rho)
      put_all(report, list(tau2 = fit$tau2_moments, at_boundary = as.integer(fit$tau2_moments <= 0)), reading)
    } else {
      V <- sampling_covariance(rows$.vi, rows$.study, if (reading == "che") rho else 0)
      fit <- fit_three_level(report, rows, V, x, analysis$method %or% "REML",
                             unlist(analysis$variances %or% list("between", "within")), "z", level)
      put_variances(report, fit, reading)
      put(report, "gradient_max", fit$gradient_max, reading)
    }
    put_robust(report, fit, rows, colnames(x), level, reading)
  }
}

put_robust <- function(report, fit, rows, terms, level, reading) {
  tests <- tryCatch(clubSandwich::coef_test(fit, vcov = "CR2", cluster = rows$.study, test = "Satterthwaite"),
                    error = function(e) NULL)
  for (i in seq_along(terms)) {
    put(report, "coefficient", fit$beta[i], reading, terms[i])
    se <- if (is.null(tests)) NA else tests$SE[i]
    df <- if (is.null(tests)) NA else tests$df_Satt[i]
    margin <- stats::qt((1 + level) / 2, df) * se
    put_all(report, list(robust_se = se, robust_df = df, robust_t = fit$beta[i] / se, robust_low = fit$beta[i] - margin,
                         robust_high = fit$beta[i] + margin), reading, terms[i], note = "clubSandwich gives none")
    put_p(report, log_p_t(fit$beta[i] / se, df), reading, terms[i], prefix = "robust_",
          note = "clubSandwich gives none")
  }
}

# Hedges, Tipton and Johnson 2010: weights 1/(k_j (mean v_j + tau2)), tau2 by moments with rho (their equation 15).
fit_correlated_effects <- function(rows, x, rho) {
  study <- factor(rows$.study, levels = unique(rows$.study))
  size <- as.numeric(table(study))[study]
  mean_v <- as.numeric(tapply(rows$.vi, study, mean))[study]
  w <- 1 / (size * mean_v)
  bread <- solve(crossprod(x, w * x))
  residual <- rows$.yi - x %*% (bread %*% crossprod(x, w * rows$.yi))
  q <- sum(w * residual^2)
  by_study <- split(seq_along(w), study)
  # Sums over the studies of f X'X and of f X'JX, J all ones, as their share of the residuals' expectation.
  trace <- function(moment, f) sum(diag(bread %*% Reduce(`+`,
                                                         Map(function(i, f) f * moment(x[i, , drop = FALSE]), by_study,
                                                             f))))
  joined <- function(part) tcrossprod(colSums(part))
  k <- lengths(by_study)
  w_study <- vapply(by_study, function(i) w[i][1], 0)
  numerator <- q - length(by_study) + (1 - rho) * trace(crossprod, w_study / k) + rho * trace(joined, w_study / k)
  denominator <- sum(k * w_study) - trace(joined, w_study^2)
  tau2 <- max(0, numerator / denominator)
  fit <- metafor::rma.mv(rows$.yi, V = size * (mean_v + tau2), mods = x, intercept = FALSE)
  fit$tau2_moments <- tau2
  fit
}
