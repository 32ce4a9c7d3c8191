# Mixed-effects logistic regression by lme4's glmer: Laplace (nAGQ = 1) and adaptive Gauss-Hermite quadrature.
#
# glmer's own optimum and standard errors hold about three digits: its inner iterations stop early (tolPwrss) and its
# derivatives are plain finite differences. Here lme4's own deviance function, with tight inner iterations, is taken to
# its exact optimum by Newton steps, and the observed information is its second derivative, both by central differences
# in units of the standard errors with Richardson extrapolation.

INNER_TOLERANCES <- c(1e-13, 1e-11, 1e-9)
SINGULAR <- 1e-4
STEPS <- c(0.2, 0.1, 0.05)

fit_glmer <- function(x, y, group, nodes) {
  frame <- data.frame(y = y, group = group)
  frame$x <- x
  suppressMessages(suppressWarnings(
    lme4::glmer(y ~ x - 1 + (1 | group), data = frame, family = stats::binomial(), nAGQ = nodes,
                control = lme4::glmerControl(check.conv.singular = "ignore", check.nobs.vs.nlev = "ignore"))))
}

# lme4's deviance as a function of (theta, beta). theta is the random intercept's standard deviation.
glmer_deviance <- function(x, y, group, nodes, tolerance) {
  frame <- data.frame(y = y, group = group)
  frame$x <- x
  parsed <- lme4::glFormula(y ~ x - 1 + (1 | group), data = frame, family = stats::binomial())
  control <- lme4::glmerControl(tolPwrss = tolerance)
  devfun <- do.call(lme4::mkGlmerDevfun, c(parsed, list(nAGQ = 1L, control = control)))
  lme4::updateGlmerDevfun(devfun, parsed$reTrms, nAGQ = nodes)
}

# Weights that extrapolate central differences at STEPS (errors in even powers of the step) to step 0.
richardson <- function(estimates) {
  ratio <- 4
  while (length(estimates) > 1L) {
    estimates <- lapply(seq_along(estimates)[-1],
                        function(i) (ratio * estimates[[i]] - estimates[[i - 1L]]) / (ratio - 1))
    ratio <- 4 * ratio
  }
  estimates[[1]]
}

# Gradient of f at 0.
scaled_gradient <- function(f, dimensions) {
  richardson(lapply(STEPS, function(h) {
    vapply(seq_len(dimensions), function(i) {
      e <- replace(numeric(dimensions), i, h)
      (f(e) - f(-e)) / (2 * h)
    }, 0)
  }))
}

# Hessian of f at 0.
scaled_hessian <- function(f, dimensions) {
  centre <- f(numeric(dimensions))
  richardson(lapply(STEPS, function(h) {
    unit <- function(i) replace(numeric(dimensions), i, h)
    up <- vapply(seq_len(dimensions), function(i) f(unit(i)), 0)
    down <- vapply(seq_len(dimensions), function(i) f(-unit(i)), 0)
    hessian <- diag((up + down - 2 * centre) / h^2, dimensions)
    for (i in seq_len(dimensions - 1L)) {
      for (j in seq(i + 1L, dimensions)) {
        both <- f(unit(i) + unit(j)) + f(-unit(i) - unit(j))
        hessian[i, j] <- hessian[j, i] <- (both - up[i] - up[j] + 2 * centre - down[i] - down[j]) / (2 * h^2)
      }
    }
    hessian
  }))
}

# To the optimum from `start`, in units of `scale`. Returns the point, the covariance of (theta, beta), the deviance,
# and the steepest slope of the log-likelihood per standard error.
polish <- function(deviance, start, scale) {
  at <- start
  dimensions <- length(start)
  around <- function(centre) function(step) deviance(centre + scale * step)
  hessian <- scaled_hessian(around(at), dimensions)
  for (round in 1:8) {
    gradient <- scaled_gradient(around(at), dimensions)
    move <- solve(hessian, gradient)
    if (sqrt(abs(sum(move * gradient)) / 2) < 1e-8) break
    at <- at - scale * move
  }
  hessian <- scaled_hessian(around(at), dimensions)
  gradient <- scaled_gradient(around(at), dimensions)
  list(at = at, covariance = outer(scale, scale) * solve(hessian / 2), deviance = deviance(at),
       gradient = sqrt(max(0, sum(gradient * solve(hessian, gradient)) / 2)))
}

# The exact fit. default: what glmer gives by itself, with its own standard errors.
fit_mixed <- function(x, y, group, nodes) {
  group <- factor(group)
  default <- fit_glmer(x, y, group, nodes)
  own <- list(theta = lme4::getME(default, "theta")[[1]], beta = unname(lme4::fixef(default)),
              errors = unname(sqrt(diag(as.matrix(stats::vcov(default))))),
              log_likelihood = as.numeric(stats::logLik(default)))
  if (own$theta < SINGULAR) return(singular_fit(x, y, own))
  scale <- c(max(own$theta / 4, 1e-3), own$errors)
  for (tolerance in INNER_TOLERANCES) {
    fit <- tryCatch(polish(glmer_deviance(x, y, group, nodes, tolerance), c(own$theta, own$beta), scale),
                    error = function(e) NULL)
    if (!is.null(fit)) break
  }
  if (is.null(fit)) stop("glmer's deviance cannot be differentiated at its optimum")
  if (abs(fit$at[[1]]) < SINGULAR) return(singular_fit(x, y, own))
  list(coefficients = fit$at[-1], covariance = fit$covariance[-1, -1, drop = FALSE], sd = abs(fit$at[[1]]),
       sd_se = sqrt(fit$covariance[1, 1]), log_likelihood = -fit$deviance / 2,
       gradient = fit$gradient, singular = FALSE, default = own)
}

# Variance 0: the plain regression, whose likelihood is then the mixed model's.
singular_fit <- function(x, y, own) {
  fit <- fit_glm(x, y)
  list(coefficients = unname(fit$coefficients), covariance = fit$covariance, sd = 0, sd_se = NA_real_,
       log_likelihood = -fit$deviance / 2,
       gradient = 0, singular = TRUE, default = own)
}
