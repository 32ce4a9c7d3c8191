# The metrics of a model's coefficients: estimate, standard error, Wald test and interval, odds ratio.

odds_terms <- function(values, term, scale) {
  if (term == "intercept") return(list())
  lapply(values, function(value) exp(value * (scale[[term]] %or% 1)))
}

# errors: standard errors. notes: term -> why it has no finite estimate.
put_logistic_terms <- function(report, terms, coefficients, errors, level, scale, stratum = "", notes = list()) {
  quantile <- stats::qnorm((1 + level) / 2)
  for (i in seq_along(terms)) {
    note <- notes[[terms[i]]] %or% ""
    beta <- if (nzchar(note)) NA_real_ else coefficients[[i]]
    se <- if (nzchar(note)) NA_real_ else errors[[i]]
    low <- beta - quantile * se
    high <- beta + quantile * se
    shown <- if (nzchar(note)) note else "beyond the range of numbers: see the coefficient"
    put_all(report, list(coefficient = beta, standard_error = se, z = beta / se), stratum, terms[i], shown)
    put_p(report, log_p_normal(beta / se), stratum, terms[i], note = shown)
    put_all(report, list(interval_low = low, interval_high = high), stratum, terms[i], shown)
    put_all(report, odds_terms(list(odds_ratio = beta, odds_ratio_low = low, odds_ratio_high = high), terms[i], scale),
            stratum, terms[i], shown)
  }
}
