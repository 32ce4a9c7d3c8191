# Profile-likelihood interval of the random intercept's standard deviation theta, on lme4's own deviance function: the
# coefficients are taken to their optimum at each theta by Newton steps. (lme4's confint goes along a spline instead.)

LARGEST_SD <- 50
UNBOUNDED <- "the likelihood excludes no large value: no finite upper end"
OUT_OF_REACH <- "lme4's deviance function cannot be evaluated on the way to this end"

# list(low, high), each with a value and a note: the upper end is NA where no theta up to LARGEST_SD reaches it.
# plain_deviance: that at theta 0.
sd_interval <- function(x, y, group, nodes, fit, plain_deviance, level) {
  target <- stats::qchisq(level, 1)
  at_zero <- plain_deviance + 2 * fit$log_likelihood
  # The tighter the inner iterations, the sooner they give up far from the optimum.
  end <- function(find) {
    for (tolerance in INNER_TOLERANCES) {
      drop <- profile_of_sd(glmer_deviance(x, y, factor(group), nodes, tolerance), fit)
      value <- tryCatch(find(drop), error = function(e) NULL)
      if (!is.null(value)) return(list(value = value, note = UNBOUNDED))
    }
    list(value = NA_real_, note = OUT_OF_REACH)
  }
  low <- list(value = 0, note = "")
  if (at_zero > target) low <- end(function(drop) root_of_drop(drop, target, fit$sd, 0, at_zero, 1e-10 * fit$sd))
  list(low = low, high = end(function(drop) upper_sd(drop, target, fit$sd)))
}

upper_sd <- function(drop, target, sd) {
  far <- max(1.5 * sd, 0.1)
  while ((drop_far <- drop(far)) <= target) {
    if (far > LARGEST_SD) return(NA_real_)
    far <- 1.5 * far
  }
  root_of_drop(drop, target, sd, far, drop_far, 1e-10 * far)
}

# drop(theta): what the deviance at theta, at its best coefficients, has above that of `fit`. The Hessian of one theta
# serves the next as long as it leads to the optimum quickly.
profile_of_sd <- function(deviance, fit) {
  beta <- fit$coefficients
  scale <- sqrt(diag(fit$covariance))
  dimensions <- length(beta)
  hessian <- outer(scale, scale) * 2 * solve(fit$covariance)
  function(theta) {
    around <- function(step) deviance(c(theta, beta + scale * step))
    before <- 0
    for (round in 1:30) {
      gradient <- scaled_gradient(around, dimensions)
      decrement <- sqrt(abs(sum(gradient * solve(hessian, gradient))) / 2)
      if (decrement < 1e-6) return(around(numeric(dimensions)) + 2 * fit$log_likelihood)
      if (decrement > before / 10) hessian <<- scaled_hessian(around, dimensions)
      before <- decrement
      beta <<- beta - scale * solve(hessian, gradient)
    }
    stop("no optimum of the coefficients")
  }
}
