# Kind `firth_logistic`: penalised estimates, penalised profile intervals, penalised likelihood-ratio tests.

kind_firth_logistic <- function(analysis, data, report) {
  level <- analysis$level %or% 0.95
  for_models(report, analysis, data, strata = analysis$strata, do = function(model) {
    x <- model$x
    fit <- fit_firth(x, model$y)
    put_model_counts(report, model)
    put_logistic_terms(report, colnames(x), fit$coefficients, sqrt(diag(fit$covariance)), level, analysis$scale,
                       model$stratum)
    if ("profile" %in% unlist(analysis$intervals %or% list("wald", "profile"))) {
      put_profiles(report, model, level, analysis$scale, FALSE, function(j) firth_ends(x, model$y, fit, j, level))
    }
    put(report, "log_likelihood", fit$log_likelihood, model$stratum)
    for (j in seq_len(ncol(x))[-1]) {
      without <- fit_firth(x, model$y, seq_len(ncol(x))[-j])
      put_lr(report, 2 * (fit$log_likelihood - without$log_likelihood), 1L, model$stratum, colnames(x)[j])
    }
  })
}
