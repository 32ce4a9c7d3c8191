# Kind `nomogram`: rms::nomogram of a logistic model; for a mixed one, of its fixed effects in the same frame.

kind_nomogram <- function(analysis, data, report) {
  if (length(analysis$model$interactions)) {
    analysis_fault(report, "a nomogram of a model with interactions has no single axis", fix = "take interactions out")
  }
  fit <- fit_inner_model(report, data, analysis$model)
  drawn <- draw_nomogram(fit, unlist(analysis$model$terms), unlist(analysis$probabilities))
  axes <- list()
  for (i in seq_along(analysis$model$terms)) {
    name <- analysis$model$terms[[i]]
    axis <- drawn[[paste0("v", i)]]
    values <- axis[[1]]
    points <- unname(axis$points)
    if (is.factor(fit$rows[[name]])) {
      for (k in seq_along(values)) put(report, "points", points[k], term = paste0(name, ":", values[k]))
    } else put(report, "points", max(points), term = name)
    axes <- c(axes, list(list(variable = name, values = as_array(values), points = as_numbers(points))))
  }
  # Total points are linear in the linear predictor: rms's own two ends of that axis say how. Its axis of probabilities
  # interpolates the inverse on 1,000 steps.
  lp <- drawn$lp
  slope <- diff(range(lp$x)) / diff(range(lp$x.real))
  probabilities <- drawn$probability$x.real
  totals <- lp$x[1] + slope * (stats::qlogis(probabilities) - lp$x.real[1])
  for (k in seq_along(probabilities)) put(report, "points", totals[k],
                                          term = sprintf("probability:%.12g", probabilities[k]))
  tell(report, "axes", axes)
  tell(report, "total_points", as_numbers(drawn$total.points$x))
}

# rms keeps the ranges of the variables in a global object that an option names.
draw_nomogram <- function(fit, terms, probabilities) {
  frame <- stats::setNames(as.data.frame(unclass(fit$rows[terms])), paste0("v", seq_along(terms)))
  assign(".datadist", rms::datadist(frame), envir = globalenv())
  options(datadist = ".datadist")
  frame$y <- fit$y
  formula <- stats::reformulate(paste0("v", seq_along(terms)), "y")
  model <- rms::lrm(formula, data = frame, eps = 1e-9, maxit = 50)
  model$coefficients[] <- fit$coefficients
  model$linear.predictors <- linear_predictor(fit$x, fit$coefficients)
  arguments <- list(model, fun = stats::plogis, lp = TRUE, funlabel = "probability")
  if (length(probabilities)) arguments$fun.at <- probabilities
  unclass(do.call(rms::nomogram, arguments))
}
