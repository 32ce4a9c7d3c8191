# Bootstrap of a logistic model by rms's lrm.fit: optimism of the c-index and of the calibration line as rms::validate
# has it, and the calibration curve as rms::calibrate draws it, on the stage's own draws. (validate and calibrate
# themselves draw with R's generator, and lrm.fit's own c-index is binned, so that they cannot be compared exactly.)

PLACES <- 50L
TRIM <- 5L

# Sum over the columns in their order, so that rows with equal covariates tie exactly.
linear_predictor <- function(x, coefficients) Reduce(`+`, lapply(seq_along(coefficients),
                                                                 function(j) x[, j] * coefficients[[j]]))

# Share of concordant pairs, ties half: Wilcoxon's statistic.
c_of <- function(score, y) {
  events <- sum(y)
  others <- length(y) - events
  if (events == 0 || others == 0) return(NA_real_)
  (sum(rank(score)[y == 1]) - events * (events + 1) / 2) / (events * others)
}

# Coefficients of the logistic regression of y on x, or NULL where there is no maximum likelihood estimate.
lrm_coefficients <- function(x, y) {
  if (length(unique(y)) < 2L) return(NULL)
  fit <- tryCatch(rms::lrm.fit(x[, -1L, drop = FALSE], y, eps = 1e-9, maxit = 50, tol = 1e-12),
                  error = function(e) NULL)
  if (is.null(fit) || fit$fail) return(NULL)
  eta <- linear_predictor(x, fit$coefficients)
  if (max(abs(eta)) > 20 && is_runaway(x, y, fit$coefficients)) return(NULL)
  unname(fit$coefficients)
}

# Whether more iterations of glm move the estimate: then it runs to infinity.
is_runaway <- function(x, y, coefficients) length(separation_notes(fit_glm(x, y), x)) > 0L

# use(rows, x, coefficients) for each resample that can be fitted; returns the list of what it gives.
over_resamples <- function(x, y, seed, resamples, use) {
  found <- lapply(seq_len(resamples) - 1, function(number) {
    rows <- draw_rows(seed, number, length(y))
    coefficients <- lrm_coefficients(x[rows, , drop = FALSE], y[rows])
    if (!is.null(coefficients)) use(rows, linear_predictor(x, coefficients))
  })
  Filter(Negate(is.null), found)
}

# Calibration line: logistic regression of y on the linear predictor.
recalibrate <- function(predictor, y) lrm_coefficients(cbind(1, predictor), y)

# The smooth of y on p, read at `places`; NA outside the points.
smooth_at <- function(p, y, places) {
  curve <- stats::lowess(p, y, iter = 0)
  stats::approx(curve$x, curve$y, xout = places, ties = mean)$y
}

bootstrap_told <- function(report, analysis, fitted) {
  lost <- (analysis$resamples %or% 1000L) - fitted
  if (lost) warn_of(report, sprintf("%d of %d resamples have no maximum likelihood fit and are left out", lost,
                                    lost + fitted))
  tell(report, "bootstrap", list(resamples = lost + fitted, fitted = fitted))
}
