# Logistic regression by R's glm, iterated to the machine's limit; profile-likelihood ends as roots of the profile.

GLM_CONTROL <- stats::glm.control(epsilon = 1e-14, maxit = 200)
# Newton's error is squared in the last step: a deviance that settles to 1e-10 is right to the machine's limit.
PROFILE_CONTROL <- stats::glm.control(epsilon = 1e-10, maxit = 200)

fit_glm <- function(x, y) {
  fit <- stats::glm.fit(x, y, family = stats::binomial(), control = GLM_CONTROL)
  fit$covariance <- inverse_information(x, fit$fitted.values)
  fit
}

# vcov would take the weights of the step before the last.
inverse_information <- function(x, p) {
  decomposition <- qr(sqrt(p * (1 - p)) * x, tol = 1e-14)
  place <- order(decomposition$pivot)
  chol2inv(qr.R(decomposition))[place, place, drop = FALSE]
}

# Terms without a finite estimate: their information vanished while glm went on along a separating direction. In units
# of the column's spread, so that the unit of a column does not decide.
separation_notes <- function(fit, x) {
  if (min(fit$fitted.values, 1 - fit$fitted.values) > 1e-9) return(list())
  spread <- replace(apply(x, 2L, stats::sd), 1L, 1)
  infinite <- colnames(x)[sqrt(diag(fit$covariance)) * spread > 1e3]
  stats::setNames(rep(list(SEPARATED), length(infinite)), infinite)
}

# Ends of the profile-likelihood interval of column j: where the deviance exceeds its minimum by the quantile.
profile_ends <- function(x, y, fit, j, level) {
  others <- x[, -j, drop = FALSE]
  covariance <- fit$covariance
  estimate <- last <- unname(fit$coefficients)
  interval_ends(estimate[j], sqrt(covariance[j, j]), level, function(value) {
    same_side <- (value - estimate[j]) * (last[j] - estimate[j]) > 0
    last <<- moved(if (same_side) last else estimate, covariance, j, value)
    refit <- stats::glm.fit(others, y, offset = x[, j] * value, start = if (ncol(others)) last[-j],
                            family = stats::binomial(), control = PROFILE_CONTROL)
    last[-j] <<- unname(refit$coefficients)
    refit$deviance - fit$deviance
  })
}

# The coefficients with the j-th at `value` and the others where the covariance says: a start from which glm does not
# saturate. (With the others kept, a year more or less of age moves all rows to one side.)
moved <- function(coefficients, covariance, j, value) {
  unname(coefficients + covariance[, j] / covariance[j, j] * (value - coefficients[[j]]))
}

# The value between `near`, where drop(value) is 0, and `far`, where it is above the quantile `target`. The root of the
# drop is nearly linear, so that few steps lead there. drop_far: drop(far).
root_of_drop <- function(drop, target, near, far, drop_far, tolerance) {
  excess <- function(value) sqrt(max(0, drop(value))) - sqrt(target)
  ends <- c(near, far)
  values <- c(-sqrt(target), sqrt(drop_far) - sqrt(target))
  place <- order(ends)
  stats::uniroot(excess, ends[place], f.lower = values[place[1]], f.upper = values[place[2]], tol = tolerance)$root
}

# Where drop(value), twice the loss of log-likelihood, is the quantile below and above the estimate, bracketed from the
# Wald end outward; NA where there is none in reach.
interval_ends <- function(estimate, se, level, drop) {
  target <- stats::qchisq(level, 1)
  vapply(c(low = -1, high = 1), function(side) {
    for (factor in 2^(0:6)) {
      far <- estimate + side * factor * sqrt(target) * se
      drop_far <- drop(far)
      if (drop_far > target) return(root_of_drop(drop, target, estimate, far, drop_far, 1e-11 * se))
    }
    NA_real_
  }, 0)
}
