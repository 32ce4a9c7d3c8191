# Common to the kinds that fit a model: counts, information criteria, and the model inside another analysis.

# n and events, of all rows and by level of each category among the terms.
put_model_counts <- function(report, model) {
  put_count(report, "n", length(model$y), model$stratum)
  put_count(report, "events", sum(model$y), model$stratum, of = length(model$y))
  for (name in unique(model$span)) {
    column <- model$rows[[name]]
    if (!is.factor(column)) next
    for (level in levels(column)) {
      chosen <- column == level
      term <- paste0(name, ":", level)
      put_count(report, "level_n", sum(chosen), model$stratum, term)
      put_count(report, "level_events", sum(model$y[chosen]), model$stratum, term, of = sum(chosen))
    }
  }
}

put_likelihood <- function(report, log_likelihood, parameters, n, stratum) {
  put_all(report, list(log_likelihood = log_likelihood, deviance = -2 * log_likelihood,
                       aic = -2 * log_likelihood + 2 * parameters,
                       bic = -2 * log_likelihood + parameters * log(n)), stratum)
}

# Likelihood-ratio test of a term. statistic: twice the gain.
put_lr <- function(report, statistic, df, stratum = "", term = "") {
  statistic <- max(0, statistic)
  put_all(report, list(lr_chi2 = statistic, lr_df = as.integer(df)), stratum, term)
  put_p(report, log_p_chi2(statistic, df), stratum, term, prefix = "lr_")
}

# The field `model` of the kinds that need a fitted one: its rows, coefficients and covariance; puts n and events.
fit_inner_model <- function(report, data, fields) {
  where <- sprintf("analysis %s, model", report$id)
  mixed <- identical(fields$kind, "mixed_logistic")
  if (!mixed && !identical(fields$kind, "logistic")) item_fault("kind must be logistic or mixed_logistic", where,
                                                                "say which it is")
  known_or_fault(fields, c("kind", setdiff(MODEL_FIELDS, "scale"), if (mixed) c("group", "nodes")), where)
  rows <- complete_rows(report, data, c(fields$outcome, unlist(fields$terms), if (mixed) fields$group), fields$restrict)
  model <- model_of(report, fields, rows)
  put_count(report, "n", length(model$y))
  put_count(report, "events", sum(model$y), of = length(model$y))
  plain <- fit_glm(model$x, model$y)
  notes <- separation_notes(plain, model$x)
  if (length(notes)) analysis_fault(report, sprintf("%s: %s", names(notes)[1], notes[[1]]),
                                    fix = "take the term out of the model")
  if (mixed) {
    fit <- fit_mixed(model$x, model$y, model$rows[[fields$group]], fields$nodes %or% 1L)
    return(c(model, list(coefficients = fit$coefficients, covariance = fit$covariance)))
  }
  c(model, list(coefficients = unname(plain$coefficients), covariance = plain$covariance))
}
