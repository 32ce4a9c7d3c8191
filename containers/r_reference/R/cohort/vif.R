# Variance inflation from the covariance of the coefficients (Fox and Monette 1992, eq. 10), intercept left out.

# Per used column of the design: the diagonal of the inverse correlation, as rms::vif.
column_inflation <- function(covariance, used) unname(diag(solve(stats::cov2cor(covariance[used, used, drop = FALSE]))))

put_column_inflation <- function(report, covariance, terms, stratum = "") {
  used <- terms != "intercept"
  if (!any(used)) return(invisible())
  inflation <- column_inflation(covariance, used)
  for (i in seq_along(inflation)) put(report, "vif", inflation[[i]], stratum, terms[used][i])
}

# Per term: det R11 det R22 / det R, and its 1 / (2 df) power.
put_generalised_inflation <- function(report, covariance, span, stratum = "") {
  used <- which(span != "intercept")
  correlation <- stats::cov2cor(covariance)
  log_det <- function(chosen) if (length(chosen)) determinant(correlation[chosen, chosen,
                                                                          drop = FALSE])$modulus[[1]] else 0
  for (term in unique(span[used])) {
    own <- which(span == term)
    log_gvif <- log_det(own) + log_det(setdiff(used, own)) - log_det(used)
    put_all(report, list(gvif = exp(log_gvif), gvif_adjusted = exp(log_gvif / (2 * length(own)))), stratum, term)
  }
}
