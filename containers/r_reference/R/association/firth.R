# Firth's penalised likelihood (Biometrika 80:27, 1993): the log-likelihood plus half the log determinant of the
# information. logistf, R's usual package for it, is not in Debian: this is the modified score of Heinze and Schemper
# (Stat Med 21:2409, 2002).

penalised_log_likelihood <- function(x, y, beta) {
  eta <- drop(x %*% beta)
  p <- stats::plogis(eta)
  sum(stats::plogis(ifelse(y == 1, eta, -eta), log.p = TRUE)) + determinant(crossprod(x,
                                                                                      p * (1 - p) * x))$modulus[[1]] / 2
}

# Maximum over the columns `free`; the others stay at `start`, and the penalty is that of all columns.
fit_firth <- function(x, y, free = seq_len(ncol(x)), start = rep(0, ncol(x))) {
  beta <- start
  value <- penalised_log_likelihood(x, y, beta)
  for (step in 1:500) {
    p <- stats::plogis(drop(x %*% beta))
    w <- p * (1 - p)
    h <- rowSums((x %*% solve(crossprod(x, w * x))) * x) * w
    score <- crossprod(x[, free, drop = FALSE], y - p + h * (0.5 - p))
    move <- drop(solve(crossprod(x[, free, drop = FALSE], w * x[, free, drop = FALSE]), score))
    if (sum(move * score) < 1e-20) break
    part <- 1
    repeat {
      trial <- replace(beta, free, beta[free] + part * move)
      trial_value <- penalised_log_likelihood(x, y, trial)
      if (is.finite(trial_value) && trial_value >= value - 1e-12 || part < 1e-8) break
      part <- part / 2
    }
    beta <- trial
    value <- trial_value
  }
  p <- stats::plogis(drop(x %*% beta))
  list(coefficients = beta, covariance = solve(crossprod(x, p * (1 - p) * x)), log_likelihood = value)
}

# Ends of the penalised profile interval of column j.
firth_ends <- function(x, y, fit, j, level) {
  free <- setdiff(seq_len(ncol(x)), j)
  interval_ends(fit$coefficients[j], sqrt(fit$covariance[j, j]), level, function(value) {
    start <- moved(fit$coefficients, fit$covariance, j, value)
    profile <- if (length(free)) fit_firth(x, y, free, start)$log_likelihood else penalised_log_likelihood(x, y, start)
    2 * (fit$log_likelihood - profile)
  })
}
