# Values that tests/association/test_mixed_logistic.py compares with. Run from this folder: Rscript mixed_logistic.R
# Three computations that share no code with the stage:
# - lme4's glmer with tightened tolerances. Its estimates on the large cohort still stop four digits short, and its
#   standard errors are finite differences of a deviance that is only as exact as its inner loop (lme4 issues 47, 998);
#   so lme4's own deviance function is also taken to its optimum by a Newton step on Richardson differences;
# - the adaptive Gauss-Hermite log-likelihood of mixed_functions.R, its optimum by optim and Newton steps on Richardson
#   differences (numDeriv), standard errors from the Richardson Hessian, and the profile of sigma by uniroot;
# - the same log-likelihood with the integral by stats::integrate.
source("mixed_functions.R")

# lme4's example (Lesnoff et al. 2004)
data(cbpp)
x <- model.matrix(~period, cbpp); s <- cbpp$incidence; m <- cbpp$size
for (q in c(1, 9, 25)) {
  fit <- report("cbpp", x, s, m, cbpp$herd, q)
  if (q < 25) tight(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, q)
}
cat("binomial coefficients", format(sum(lchoose(m, s)), digits = 15), "\n")
cat("by integrate at the optimum for 25 nodes", format(by_integrate(fit$theta, x, s, m, cbpp$herd), digits = 15), "\n")


# The profile of sigma for 9 nodes: where the best log-likelihood over beta has fallen by half the chi-square quantile.
fit <- report("cbpp", x, s, m, cbpp$herd, 9)
top <- log_likelihood(fit$theta, x, s, m, cbpp$herd, 9)
fallen <- function(sigma) {
  f <- function(beta) log_likelihood(c(beta, sigma), x, s, m, cbpp$herd, 9)
  beta <- optim(fit$theta[1:4], f, method = "BFGS", control = list(fnscale = -1, reltol = 1e-15))$par
  for (i in 1:2) beta <- beta - solve(hessian(f, beta), grad(f, beta))
  2 * (top - f(beta)) - qchisq(0.95, 1)
}
cat("profile of sigma", format(c(uniroot(fallen, c(0.1, fit$theta[5]), tol = 1e-11)$root,
                                 uniroot(fallen, c(fit$theta[5], 3), tol = 1e-11)$root), digits = 12), "\n")

d <- cohort(27518, 5, 0.3, 20261120)
cat("\ncohort: events", sum(d$y), " by site", table(d$group), " sum of x*y", format(sum(d$x * d$y), digits = 15), "\n")
frame <- data.frame(y = d$y, d$x[, -1], site = factor(d$group))
formula <- as.formula(paste("y ~", paste(names(frame)[2:11], collapse = " + "), "+ (1 | site)"))
for (q in c(1, 25)) {
  fit <- report("cohort", d$x, d$y, rep(1, nrow(d$x)), d$group, q)
  tight(formula, frame, q)
  parsed <- glFormula(formula, frame, family = binomial())
  deviance <- do.call(mkGlmerDevfun, c(parsed, list(nAGQ = 1L, control = glmerControl(tolPwrss = 1e-12))))
  deviance <- updateGlmerDevfun(deviance, parsed$reTrms, nAGQ = q)
  at <- c(fit$theta[12], fit$theta[1:11]); scale <- sqrt(diag(fit$covariance))[c(12, 1:11)]
  slope <- grad(function(step) deviance(at + scale * step), rep(0, 12), method.args = list(d = 0.1, eps = 0.1))
  move <- fit$covariance[c(12, 1:11), c(12, 1:11)] %*% (-slope / scale / 2)
  cat("lme4's deviance function is least at beta", format(at[-1] + move[-1], digits = 13), "sigma", at[1] + move[1], "\n")
}
