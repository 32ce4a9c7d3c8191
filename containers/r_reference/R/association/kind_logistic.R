# Kind `logistic`: glm, its Wald and profile intervals, strata, likelihood-ratio tests of interactions.

LOGISTIC_FIELDS <- c(MODEL_FIELDS, "strata", "intervals")
SEPARATED <- "no finite estimate: the outcome is separated; kind firth_logistic gives one"

kind_logistic <- function(analysis, data, report) {
  level <- analysis$level %or% 0.95
  for_models(report, analysis, data, strata = analysis$strata, do = function(model) {
    fit <- fit_glm(model$x, model$y)
    terms <- colnames(model$x)
    notes <- separation_notes(fit, model$x)
    if (length(notes)) warn_of(report, sprintf("separation: no finite estimate of %s",
                                               paste(names(notes), collapse = ", ")))
    put_model_counts(report, model)
    put_logistic_terms(report, terms, fit$coefficients, sqrt(diag(fit$covariance)), level, analysis$scale,
                       model$stratum, notes)
    if ("profile" %in% unlist(analysis$intervals %or% list("wald", "profile"))) {
      put_profiles(report, model, level, analysis$scale, length(notes) > 0L, function(j) {
        if (is.null(notes[[terms[j]]])) profile_ends(model$x, model$y, fit, j, level) else c(low = NA_real_,
                                                                                             high = NA_real_)
      })
    }
    put_likelihood(report, -fit$deviance / 2, ncol(model$x), length(model$y), model$stratum)
    put(report, "null_deviance", fit_glm(model$x[, 1L, drop = FALSE], model$y)$deviance, model$stratum)
    for_interactions(analysis, model, function(term, smaller) {
      put_lr(report, fit_glm(smaller, model$y)$deviance - fit$deviance, sum(model$span == term), model$stratum, term)
    })
  })
}

# do(term, design without it) for each interaction that the model has.
for_interactions <- function(analysis, model, do) {
  for (parts in analysis$interactions) {
    term <- paste(unlist(parts), collapse = "*")
    if (term %in% model$span) do(term, model$x[, model$span != term, drop = FALSE])
  }
}

# ends(j): c(low, high) of column j on the coefficient's scale.
put_profiles <- function(report, model, level, scale, separated, ends) {
  terms <- colnames(model$x)
  note <- if (separated) paste("unbounded:", SEPARATED) else "the profile does not reach the level"
  for (j in seq_along(terms)) {
    pair <- ends(j)
    put_all(report, list(profile_low = pair[["low"]], profile_high = pair[["high"]]), model$stratum, terms[j], note)
    put_all(report, odds_terms(list(profile_odds_ratio_low = pair[["low"]], profile_odds_ratio_high = pair[["high"]]),
                               terms[j], scale),
            model$stratum, terms[j], note)
  }
}
