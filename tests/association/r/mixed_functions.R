# What mixed_logistic.R and combined_odds_vif.R share. The log-likelihood is written out here from its definition, so that
# it has no code in common with lme4 or with the stage.
suppressMessages({library(lme4); library(numDeriv)})
options(digits = 15, width = 200)

gauss_hermite <- function(q) {  # Golub & Welsch, for the standard normal distribution
  if (q == 1) return(list(z = 0, w = 1))
  jacobi <- matrix(0, q, q)
  jacobi[cbind(1:(q - 1), 2:q)] <- jacobi[cbind(2:q, 1:(q - 1))] <- sqrt(1:(q - 1))
  e <- eigen(jacobi, symmetric = TRUE)
  list(z = e$values, w = e$vectors[1, ]^2)
}

log_likelihood <- function(theta, x, s, m, group, q) {
  beta <- theta[-length(theta)]; sigma <- theta[length(theta)]
  eta <- drop(x %*% beta); rule <- gauss_hermite(q); total <- 0
  for (rows in split(seq_along(group), group)) {
    e <- eta[rows]; si <- s[rows]; mi <- m[rows]
    u <- 0
    for (i in 1:50) {
      p <- plogis(e + sigma * u)
      step <- (sigma * sum(si - mi * p) - u) / (1 + sigma^2 * sum(mi * p * (1 - p)))
      u <- u + step
      if (abs(step) < 1e-14 * (1 + abs(u))) break
    }
    p <- plogis(e + sigma * u)
    k <- 1 + sigma^2 * sum(mi * p * (1 - p))
    g <- function(v) sum(si * (e + sigma * v) + mi * plogis(-(e + sigma * v), log.p = TRUE)) - v^2 / 2
    terms <- log(rule$w) + sapply(u + rule$z / sqrt(k), g) + rule$z^2 / 2
    total <- total + max(terms) + log(sum(exp(terms - max(terms)))) - log(k) / 2
  }
  total
}

by_integrate <- function(theta, x, s, m, group) {
  beta <- theta[-length(theta)]; sigma <- theta[length(theta)]
  eta <- drop(x %*% beta)
  sum(sapply(split(seq_along(group), group), function(rows) {
    e <- eta[rows]
    f <- function(v) sapply(v, function(one) dnorm(one) *
      exp(sum(s[rows] * (e + sigma * one) + m[rows] * plogis(-(e + sigma * one), log.p = TRUE))))
    log(integrate(f, -8, 8, rel.tol = 1e-12, subdivisions = 2000)$value)
  }))
}

report <- function(name, x, s, m, group, q) {
  f <- function(theta) log_likelihood(theta, x, s, m, group, q)
  start <- c(coef(glm.fit(x, s / m, weights = m, family = binomial())), 0.4)
  theta <- optim(start, f, method = "BFGS", control = list(fnscale = -1, reltol = 1e-15, maxit = 500))$par
  for (i in 1:3) theta <- theta - solve(hessian(f, theta), grad(f, theta))
  h <- hessian(f, theta)
  cat("\n==", name, "nodes", q, "\n")
  cat("theta", format(theta, digits = 13), "\nse", format(sqrt(diag(solve(-h))), digits = 13), "\n")
  cat("log_likelihood", format(f(theta), digits = 15), " gradient", format(max(abs(grad(f, theta))), digits = 2), "\n")
  invisible(list(theta = theta, covariance = solve(-h)))
}

tight <- function(formula, data, q) {
  fit <- suppressWarnings(glmer(formula, data, binomial, nAGQ = q, control = glmerControl(
    optimizer = "bobyqa", tolPwrss = 1e-13, optCtrl = list(maxfun = 1e5, rhoend = 1e-10))))
  cat("glmer tight: beta", format(fixef(fit), digits = 13), "\nsigma", format(getME(fit, "theta"), digits = 13),
      "\nlogLik", format(as.numeric(logLik(fit)), digits = 15), "\nse", format(sqrt(diag(vcov(fit))), digits = 10), "\n")
}

# A cohort with ten covariates: Park & Miller's generator, so that Python makes the same numbers.
uniforms <- function(n, seed) {
  out <- numeric(n); state <- seed
  for (i in 1:n) { state <- (16807 * state) %% 2147483647; out[i] <- state }
  out / 2147483647
}
cohort <- function(n, sites, sigma, seed) {
  u <- matrix(uniforms(n * 14 + sites, seed)[1:(n * 14)], n)
  b <- sigma * qnorm(uniforms(n * 14 + sites, seed)[n * 14 + 1:sites])
  z1 <- (u[, 1] + u[, 2] + u[, 3] - 1.5) * 2
  z2 <- (u[, 4] + u[, 5] + u[, 6] - 1.5) * 2 * 0.8 - 0.3 * z1
  x <- cbind(1, z1, z2, 20 + floor(u[, 7] * 53), u[, 8] < 0.47, u[, 9] < 0.06, u[, 10] < 0.25, u[, 11] < 0.03,
             u[, 12] < 0.12, u[, 13] < 0.3, u[, 13] > 0.75) * 1
  group <- floor(u[, 13] * 1e6) %% sites + 1
  eta <- drop(x %*% c(-1.9, -0.1, 0.25, 0.008, -0.15, 0.2, 0.15, 0.5, 0.9, -0.1, -0.2)) + b[group]
  list(x = x, y = (u[, 14] < plogis(eta)) * 1, group = group)
}
