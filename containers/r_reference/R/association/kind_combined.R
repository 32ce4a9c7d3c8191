# Kinds on a fitted model: combined odds ratios on a grid, variance inflation.

kind_combined_odds <- function(analysis, data, report) {
  fit <- fit_inner_model(report, data, analysis$model)
  of <- unlist(analysis$of)
  for (name in of) number_column(fit$rows, name, sprintf("analysis %s", report$id))
  grid <- unlist(analysis$grid %or% list(-3, -1.5, 1.5, 3))
  quantile <- stats::qnorm((1 + (analysis$model$level %or% 0.95)) / 2)
  terms <- colnames(fit$x)
  product <- intersect(c(paste(of, collapse = "*"), paste(rev(of), collapse = "*")), terms)
  for (first in grid) for (second in grid) {
    contrast <- stats::setNames(numeric(length(terms)), terms)
    contrast[of] <- c(first, second)
    contrast[product] <- first * second
    log_odds <- sum(contrast * fit$coefficients)
    margin <- quantile * sqrt(drop(contrast %*% fit$covariance %*% contrast))
    put_all(report, list(combined_odds_ratio = exp(log_odds), combined_odds_ratio_low = exp(log_odds - margin),
                         combined_odds_ratio_high = exp(log_odds + margin)),
            term = sprintf("%s:%s*%s:%s", of[1], sprintf("%g", first), of[2],
                           sprintf("%g", second)), note = "beyond the range of numbers")
  }
}

kind_vif <- function(analysis, data, report) {
  fit <- fit_inner_model(report, data, analysis$model)
  put_generalised_inflation(report, fit$covariance, fit$span)
  used <- fit$span != "intercept"
  # With one coefficient the generalised factor is the diagonal of the inverse correlation.
  single <- stats::setNames(column_inflation(fit$covariance, used), fit$span[used])
  for (term in unique(fit$span[used])) {
    own <- sum(fit$span == term)
    put(report, "df", own, term = term)
    if (own == 1L) put(report, "vif", single[[term]], term = term)
  }
}
