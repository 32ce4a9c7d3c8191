# Kind `mixed_logistic`: glmer with nAGQ = nodes, taken to its exact optimum (see mixed.R).

MIXED_FIELDS <- c(MODEL_FIELDS, "strata", "intervals", "group", "nodes")
AT_BOUNDARY <- "singular fit: the variance is at its boundary 0, the model is the logistic regression without groups"
HALVED <- "halved: under the null hypothesis the variance lies on its boundary"

kind_mixed_logistic <- function(analysis, data, report) {
  nodes <- as.integer(analysis$nodes %or% 1L)
  if (nodes < 1L || nodes > 25L) analysis_fault(report, "nodes must be 1 to 25", fix = "1 is Laplace's approximation")
  if (!is_text(analysis$group)) analysis_fault(report, "names no group", fix = "give group")
  for_models(report, analysis, data, strata = analysis$strata, also = analysis$group, do = function(model) {
    group <- category_column(model$rows, analysis$group, sprintf("analysis %s", report$id))
    put_model_counts(report, model)
    groups <- length(unique(group))
    if (groups < 2L) analysis_fault(report, "has one group only, and a random intercept needs at least two",
                                    analysis$group, "use kind logistic")
    put(report, "groups", groups, model$stratum)
    plain <- fit_glm(model$x, model$y)
    notes <- separation_notes(plain, model$x)
    if (length(notes)) analysis_fault(report, sprintf("%s: %s", names(notes)[1], notes[[1]]),
                                      fix = "take the term out of the model")
    fit <- fit_mixed(model$x, model$y, group, nodes)
    put_logistic_terms(report, colnames(model$x), fit$coefficients, sqrt(diag(fit$covariance)),
                       analysis$level %or% 0.95,
                       analysis$scale, model$stratum)
    put_mixed_fit(report, model, fit, -plain$deviance / 2, analysis$group)
    if ("profile" %in% unlist(analysis$intervals)) {
      put_sd_interval(report, model$stratum, sd_interval(model$x, model$y, group, nodes, fit, plain$deviance,
                                                         analysis$level %or% 0.95))
    }
    for_interactions(analysis, model, function(term, smaller) {
      without <- fit_mixed(smaller, model$y, group, nodes)
      put_lr(report, 2 * (fit$log_likelihood - without$log_likelihood), sum(model$span == term), model$stratum, term)
    })
    tell_glmer(report, model, fit)
  })
}

put_mixed_fit <- function(report, model, fit, plain_log_likelihood, group) {
  note <- if (fit$singular) AT_BOUNDARY else ""
  variance <- fit$sd^2
  values <- list(variance = variance, sd = fit$sd, icc = variance / (variance + pi^2 / 3))
  for (quantity in names(values)) put(report, quantity, values[[quantity]], model$stratum, note = note)
  put(report, "sd_se", fit$sd_se, model$stratum, note = note)
  if (fit$singular) warn_of(report, AT_BOUNDARY)
  put_likelihood(report, fit$log_likelihood, ncol(model$x) + 1L, length(model$y), model$stratum)
  put(report, "gradient_max", fit$gradient, model$stratum)
  statistic <- if (fit$singular) 0 else max(0, 2 * (fit$log_likelihood - plain_log_likelihood))
  half <- if (statistic > 0) log_p_chi2(statistic, 1) - log(2) else 0
  put_all(report, list(lr_chi2 = statistic, lr_df = 1L), model$stratum, group)
  put(report, "lr_p", exp(half), model$stratum, group, if (nzchar(note)) note else HALVED)
  put(report, "lr_log10_p", half / log(10), model$stratum, group, if (nzchar(note)) note else HALVED)
}

put_sd_interval <- function(report, stratum, ends) {
  for (side in names(ends)) {
    sd <- ends[[side]]$value
    values <- list(sd = sd, variance = sd^2, icc = sd^2 / (sd^2 + pi^2 / 3))
    names(values) <- paste0(names(values), "_", side)
    put_all(report, values, stratum, note = ends[[side]]$note)
  }
}

# glmer's own answer, next to the exact one.
tell_glmer <- function(report, model, fit) {
  own <- fit$default
  lines <- list(stratum = model$stratum, terms = as_array(colnames(model$x)), coefficients = as_numbers(own$beta),
                standard_errors = as_numbers(own$errors), sd = own$theta, log_likelihood = own$log_likelihood)
  tell(report, "glmer_default", c(report$told$glmer_default, list(lines)))
}
