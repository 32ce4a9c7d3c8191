# Three-level models by metafor's rma.mv: effects within studies. The optimum that nlminb finds is polished by Newton
# steps on the log-likelihood at fixed variances, since its own tolerance shows in the fifth digit.

THREE_LEVEL_FIELDS <- c("method", "variances", "test", "sampling_correlation", "moderators", "interactions", "scale")
BOUNDARY <- 1e-9

# Sampling covariance: sqrt(v_i v_j) rho between the effects of one study.
sampling_covariance <- function(vi, study, rho) {
  if (rho == 0) return(vi)
  clubSandwich::impute_covariance_matrix(vi, cluster = study, r = rho, return_list = FALSE)
}

random_parts <- function(variances) list(between = ~ 1 | .study, within = ~ 1 | .row)[variances]

# rows: data with .yi, .study. V: variances or covariance matrix. x: design with intercept. Returns the rma.mv fit, with
# `sigma2_named` (between, within; 0 where not in the model) and `gradient_max`.
fit_three_level <- function(report, rows, V, x, method, variances, test, level) {
  frame <- data.frame(.yi = rows$.yi, .study = factor(rows$.study, levels = unique(rows$.study)),
                      .row = factor(seq_along(rows$.yi)))
  fit_at <- function(sigma2, ...) {
    metafor::rma.mv(frame$.yi, V, mods = x, intercept = FALSE, random = unname(random_parts(variances)), data = frame,
                    method = method, test = if (test == "t") "t" else "z", level = 100 * level, sigma2 = sigma2,
                    sparse = FALSE, ...)
  }
  starts <- list(c(0.1, 0.1), c(0.001, 0.2), c(0.2, 0.001))
  fits <- Filter(Negate(is.null), lapply(starts, function(start) {
    tryCatch(fit_at(rep(NA, length(variances)), control = list(sigma2.init = start[seq_along(variances)])),
             error = function(e) NULL)
  }))
  if (!length(fits)) analysis_fault(report, "metafor's rma.mv does not converge", fix = "try another set of variances")
  best <- fits[[which.max(vapply(fits, function(fit) as.numeric(stats::logLik(fit)), 0))]]
  polished <- polish_variances(best$sigma2, function(sigma2) as.numeric(stats::logLik(fit_at(sigma2))))
  fit <- fit_at(polished$sigma2)
  fit$sigma2_named <- c(between = 0, within = 0)
  fit$sigma2_named[variances] <- polished$sigma2
  fit$gradient_max <- polished$gradient_max
  # At fixed variances rma.mv counts none of them as estimated.
  fit$parms <- fit$p + length(variances)
  fit$statistics <- information_criteria(as.numeric(stats::logLik(fit)), fit$parms, fit$k, fit$p, method)
  fit
}

information_criteria <- function(log_likelihood, parameters, k, p, method) {
  n <- if (method == "REML") k - p else k
  list(log_likelihood = log_likelihood, deviance = -2 * log_likelihood, aic = -2 * log_likelihood + 2 * parameters,
       bic = -2 * log_likelihood + parameters * log(n),
       aicc = -2 * log_likelihood + 2 * parameters * max(n, parameters + 2) / (max(n, parameters + 2) - parameters - 1))
}

# Newton steps over the logarithms of the variances that are above 0; the others are tried at 0.
polish_variances <- function(sigma2, log_likelihood) {
  at_zero <- sigma2 < BOUNDARY
  start <- ifelse(at_zero, 0, sigma2)
  if (log_likelihood(start) < log_likelihood(sigma2) - 1e-10) at_zero[] <- FALSE else sigma2 <- start
  value <- function(parameters) { at <- sigma2; at[!at_zero] <- exp(parameters); log_likelihood(at) }
  if (all(at_zero)) return(list(sigma2 = sigma2, gradient_max = 0))
  parameters <- log(sigma2[!at_zero])
  for (step in 1:3) {
    gradient <- numDeriv::grad(value, parameters)
    if (max(abs(gradient)) < 1e-9) break
    move <- tryCatch(solve(numDeriv::hessian(value, parameters), gradient), error = function(e) 0 * gradient)
    if (value(parameters - move) < value(parameters) - 1e-10) break
    parameters <- parameters - move
  }
  sigma2[!at_zero] <- exp(parameters)
  list(sigma2 = sigma2, gradient_max = max(abs(numDeriv::grad(value, parameters))))
}

three_level_of <- function(report, analysis, rows, x) {
  fit_three_level(report, rows, sampling_covariance(rows$.vi, rows$.study, analysis$sampling_correlation %or% 0), x,
                  analysis$method %or% "REML", unlist(analysis$variances %or% list("between", "within")),
                  analysis$test %or% "z", analysis$level %or% 0.95)
}

kind_three_level <- function(analysis, data, report) {
  for_strata(analysis, data, report, moderator_columns(analysis), "log_likelihood", function(rows, stratum, analysis) {
    put_sizes(report, rows, stratum)
    need_studies(report, rows)
    x <- moderator_matrix(report, analysis, rows)
    fit <- three_level_of(report, analysis, rows, x)
    put_coefficients(report, fit, colnames(x), stratum)
    if (ncol(x) > 1L) put_three_level_moderators(report, fit, x, stratum)
    put_q(report, fit$QE, fit$k - fit$p, stratum)
    put_variances(report, fit, stratum)
    put_all(report, fit$statistics, stratum)
    put(report, "gradient_max", fit$gradient_max, stratum)
    put_shares(report, fit, rows, x, stratum)
  })
}

put_variances <- function(report, fit, stratum = "") {
  put_all(report, list(sigma2_between = fit$sigma2_named[["between"]], sigma2_within = fit$sigma2_named[["within"]],
                       at_boundary = as.integer(any(fit$sigma2 <= 0))), stratum)
}

# The intercept is a column of `x` here, so that metafor's own QM would test it too.
put_three_level_moderators <- function(report, fit, x, stratum) {
  moderators <- seq_len(ncol(x))[-1]
  chi2 <- drop(crossprod(fit$beta[moderators], solve(fit$vb[moderators, moderators], fit$beta[moderators])))
  fit$m <- length(moderators)
  fit$QM <- if (fit$test == "t") chi2 / fit$m else chi2
  fit$QMdf <- c(fit$m, fit$k - fit$p)
  put_moderator_test(report, fit, stratum)
}

put_shares <- function(report, fit, rows, x, stratum) {
  V <- if (is.matrix(fit$V)) fit$V else diag(fit$V)
  W <- solve(V)
  P <- W - W %*% x %*% solve(crossprod(x, W %*% x), crossprod(x, W))
  w <- 1 / rows$.vi
  typical <- c(percent = (fit$k - fit$p) / sum(diag(P)),
               cheung_percent = (length(w) - 1) * sum(w) / (sum(w)^2 - sum(w^2)))
  for (suffix in names(typical)) {
    parts <- c(sampling = typical[[suffix]], fit$sigma2_named)
    shares <- 100 * parts / sum(parts)
    put_all(report, stats::setNames(as.list(shares), paste0("variance_share_", names(shares), "_", suffix)), stratum)
    put(report, paste0("i2_", suffix), 100 - shares[["sampling"]], stratum)
  }
}

kind_likelihood_ratio <- function(analysis, data, report) {
  models <- analysis[c("full", "reduced")]
  rows <- used_rows(report, analysis, data, unique(unlist(lapply(models, moderator_columns))))
  put_sizes(report, rows)
  designs <- lapply(models, function(model) moderator_matrix(report, model, rows))
  fits <- lapply(names(models), function(name) three_level_of(report, models[[name]], rows, designs[[name]]))
  names(fits) <- names(models)
  same_moderators <- setequal(colnames(designs$full), colnames(designs$reduced))
  if ((models$full$method %or% "REML") == "REML" && !same_moderators) {
    analysis_fault(report, "REML likelihoods with different moderators cannot be compared", fix = "use method ML")
  }
  for (name in names(fits)) put_all(report, fits[[name]]$statistics, term = name)
  statistic <- max(0, 2 * (fits$full$statistics$log_likelihood - fits$reduced$statistics$log_likelihood))
  df <- fits$full$parms - fits$reduced$parms
  put_all(report, list(lr_chi2 = statistic, lr_df = df))
  put_p(report, log_p_chi2(statistic, df), prefix = "lr_")
  one_variance <- same_moderators && df == 1L
  half <- if (statistic > 0) log_p_chi2(statistic, 1) - log(2) else 0
  put_all(report, list(lr_p_boundary = if (one_variance) exp(half) else NA,
                       lr_log10_p_boundary = if (one_variance) half / log(10) else NA),
          note = "no single variance is tested against 0")
}
