# Values that test_combined_odds.py, test_vif.py and test_mixed_stage.py compare with. Run from this folder:
# Rscript combined_odds_vif.R. Generalised variance inflation by the determinants of Fox and Monette (1992), as car::vif
# does; combined odds ratios from the full covariance; for glm and for the mixed model (exact fit of 5 nodes).
source("mixed_functions.R")

gvif <- function(covariance, terms) {
  r <- cov2cor(covariance)
  for (name in names(terms)) {
    own <- terms[[name]]; others <- setdiff(unlist(terms), own)
    value <- det(r[own, own, drop = FALSE]) * det(r[others, others, drop = FALSE]) / det(r[unlist(terms), unlist(terms)])
    cat("gvif", name, format(c(value, value^(1 / (2 * length(own)))), digits = 12), "\n")
  }
}
combined <- function(beta, covariance, product) {
  for (z1 in c(-3, 1.5)) for (z2 in c(-1.5, 3)) {
    k <- rep(0, length(beta)); k[2] <- z1; k[3] <- z2
    if (product > 0) k[product] <- z1 * z2
    value <- sum(k * beta); se <- sqrt(drop(t(k) %*% covariance %*% k))
    cat("combined", z1, z2, format(exp(value + c(0, -1, 1) * qnorm(0.975) * se), digits = 12), "\n")
  }
}

d <- cohort(1500, 4, 0.6, 77)
x <- cbind(d$x[, c(1, 2, 3, 4, 5, 10, 11)], d$x[, 2] * d$x[, 3])
cat("events", sum(d$y), "by site", table(d$group), "\n")
terms <- list(z1 = 2, z2 = 3, age = 4, sex = 5, activity = 6:7, "z1*z2" = 8)
for (p in c(7, 8)) {
  fit <- glm.fit(x[, 1:p], d$y, family = binomial(), control = list(epsilon = 1e-15))
  class(fit) <- "glm"
  covariance <- chol2inv(fit$qr$qr[1:p, 1:p])
  cat("\n== glm with", p, "columns\nbeta", format(fit$coefficients, digits = 12), "\n")
  gvif(covariance, terms[1:(p - 2)])
  combined(fit$coefficients, covariance, if (p == 8) 8 else 0)
}
fit <- report("mixed", x, d$y, rep(1, 1500), d$group, 5)
gvif(fit$covariance[1:8, 1:8], terms)
combined(fit$theta[1:8], fit$covariance[1:8, 1:8], 8)
plain <- glm(d$y ~ x - 1, family = binomial(), epsilon = 1e-15)
cat("plain log-likelihood", format(as.numeric(logLik(plain)), digits = 15), "\n")
