# Kinds on a model's predictions: c-index by pROC, optimism, calibration.

RESAMPLED_FIELDS <- c("model", "resamples", "seed")

kind_c_index <- function(analysis, data, report) {
  fit <- fit_inner_model(report, data, analysis$model)
  y <- fit$y
  level <- analysis$model$level %or% 0.95
  score <- linear_predictor(fit$x, fit$coefficients)
  roc <- pROC::roc(y, score, levels = c(0, 1), direction = "<", quiet = TRUE, algorithm = 2)
  c <- as.numeric(pROC::auc(roc))
  se <- if (min(table(y)) > 1L) sqrt(as.numeric(pROC::var(roc, method = "delong"))) else NA_real_
  margin <- stats::qnorm((1 + level) / 2) * se
  put(report, "c_index", c)
  put_all(report, list(c_index_low = max(0, c - margin), c_index_high = min(1, c + margin), c_index_se = se),
          note = "one event or non-event: no variance")
  resamples <- analysis$resamples %or% 1000L
  if (!resamples) return(invisible())
  values <- vapply(seq_len(resamples) - 1, function(number) {
    rows <- draw_rows(analysis$seed %or% 0, number, length(y))
    c_of(score[rows], y[rows])
  }, 0)
  ends <- stats::quantile(values, c(1 - level, 1 + level) / 2, na.rm = TRUE, names = FALSE)
  put_all(report, list(c_index_low = ends[1], c_index_high = ends[2]), term = "bootstrap",
          note = "every resample has one outcome only")
  tell(report, "bootstrap", list(resamples = resamples, used = sum(is.finite(values))))
}

kind_optimism <- function(analysis, data, report) {
  fit <- logistic_inner_model(report, data, analysis$model)
  apparent <- c_of(linear_predictor(fit$x, fit$coefficients), fit$y)
  found <- over_resamples(fit$x, fit$y, analysis$seed %or% 0, analysis$resamples %or% 1000L, function(rows, predictor) {
    line <- recalibrate(predictor, fit$y)
    if (!is.null(line)) c(c_of(predictor[rows], fit$y[rows]), c_of(predictor, fit$y), line)
  })
  if (!length(found)) analysis_fault(report, "no resample could be fitted",
                                     fix = "give more rows, or a model of fewer terms")
  means <- colMeans(do.call(rbind, found))
  optimism <- means[[1]] - means[[2]]
  put_all(report, list(c_index = apparent, optimism = optimism, c_index_corrected = apparent - optimism))
  put_all(report, list(calibration_intercept = means[[3]], calibration_slope = means[[4]]), term = "corrected")
  bootstrap_told(report, analysis, length(found))
}

kind_calibration <- function(analysis, data, report) {
  fit <- logistic_inner_model(report, data, analysis$model)
  if (length(fit$y) < 2L * TRIM + 1L) analysis_fault(report, sprintf("a calibration curve needs at least %d rows",
                                                                     2L * TRIM + 1L), fix = "give more rows")
  p <- stats::plogis(linear_predictor(fit$x, fit$coefficients))
  ranked <- sort(p)
  places <- seq(ranked[TRIM], ranked[length(p) + 1L - TRIM], length.out = PLACES)
  apparent <- smooth_at(p, fit$y, places)
  found <- over_resamples(fit$x, fit$y, analysis$seed %or% 0, analysis$resamples %or% 1000L, function(rows, predictor) {
    q <- stats::plogis(predictor)
    list(gap = smooth_at(q[rows], fit$y[rows], places) - smooth_at(q, fit$y, places),
         line = recalibrate(predictor, fit$y))
  })
  if (!length(found)) analysis_fault(report, "no resample could be fitted",
                                     fix = "give more rows, or a model of fewer terms")
  corrected <- apparent - colMeans(do.call(rbind, lapply(found, function(one) one$gap)), na.rm = TRUE)
  lines <- do.call(rbind, lapply(found, function(one) one$line))
  line <- recalibrate(linear_predictor(fit$x, fit$coefficients), fit$y)
  for (quantity in c("calibration_intercept", "calibration_slope")) {
    i <- match(quantity, c("calibration_intercept", "calibration_slope"))
    put(report, quantity, line[i], term = "apparent",
        note = "apparent: 0 and 1 whatever the model, since it was fitted to these rows")
    put_all(report, stats::setNames(list(if (is.null(lines)) NA else mean(lines[, i])), quantity), term = "corrected",
            note = "no resample has a calibration line")
  }
  put_curve_errors(report, p, places, apparent, corrected)
  bootstrap_told(report, analysis, length(found))
}

put_curve_errors <- function(report, p, places, apparent, corrected) {
  known <- is.finite(corrected)
  error <- NA_real_
  if (sum(known) > 1L) {
    inside <- p[p >= min(places[known]) & p <= max(places[known])]
    error <- abs(inside - stats::approx(places[known], corrected[known], xout = inside)$y)
  }
  put_all(report, list(calibration_error_mean = mean(error)), note = "fewer than two places of the curve are known")
  tell(report, "curve", list(predicted = as_numbers(places), apparent = as_numbers(apparent),
                             corrected = as_numbers(corrected)))
}

logistic_inner_model <- function(report, data, fields) {
  if (!identical(fields$kind, "logistic")) analysis_fault(report, "resamples refit a logistic model, and no other",
                                                          fix = "give model.kind logistic")
  fit_inner_model(report, data, fields)
}
