# What an analysis says: metrics named `<quantity>.<analysis id>[.<stratum>][.<term>]`, the same numbers structured,
# and tables and curves that are no scalars. A count of people below the disclosure threshold never leaves.

new_report <- function(result, id, threshold) {
  report <- new.env(parent = emptyenv())
  report$result <- result
  report$id <- id
  report$threshold <- threshold
  report$numbers <- list()
  report$told <- list()
  report
}

put <- function(report, quantity, value, stratum = "", term = "", note = "") {
  parts <- c(quantity, report$id, stratum, term)
  name <- paste(parts[nzchar(parts)], collapse = ".")
  if (!is.null(report$result$metrics[[name]])) stop(sprintf("metric %s is put twice", name))
  put_metric(report$result, name, value, note)
  place <- Filter(nzchar, list(stratum = stratum, term = term, note = note))
  report$numbers <- c(report$numbers, list(c(list(quantity = quantity, value = report$result$metrics[[name]]$value),
                                             place)))
}

# Several numbers of one stratum and term: `values` is a named vector or list.
put_all <- function(report, values, stratum = "", term = "", note = "undefined") {
  for (quantity in names(values)) {
    defined <- isTRUE(is.finite(values[[quantity]]))
    put(report, quantity, values[[quantity]], stratum, term, if (defined) "" else note)
  }
}

# A p value from its natural logarithm, with log10_p beside it, which is finite where p underflows.
put_p <- function(report, log_p, stratum = "", term = "", prefix = "", note = "undefined") {
  put_all(report, stats::setNames(list(exp(log_p), log_p / log(10)), paste0(prefix, c("p", "log10_p"))),
          stratum, term, note)
}

log_p_normal <- function(z) log(2) + stats::pnorm(-abs(z), log.p = TRUE)
log_p_t <- function(t, df) log(2) + stats::pt(-abs(t), df, log.p = TRUE)
log_p_chi2 <- function(chi2, df) stats::pchisq(chi2, df, lower.tail = FALSE, log.p = TRUE)

# A count of people, unless it, or its complement in `of`, is below the threshold.
shown_count <- function(report, people, of = NULL) {
  if (people < report$threshold) return(list(value = NULL, note = sprintf("fewer than %d", report$threshold)))
  if (!is.null(of) && of - people < report$threshold) {
    return(list(value = NULL, note = sprintf("all but fewer than %d", report$threshold)))
  }
  list(value = as.integer(people), note = "")
}

put_count <- function(report, quantity, people, stratum = "", term = "", of = NULL) {
  shown <- shown_count(report, people, of)
  put(report, quantity, shown$value, stratum, term, shown$note)
}

tell <- function(report, name, value) report$told[[name]] <- value

warn_of <- function(report, line) warn_reader(report$result, sprintf("analysis %s: %s", report$id, line))

analysis_fault <- function(report, what, column = "", mend = "") {
  where <- paste0("analysis ", report$id, if (nzchar(column)) paste0(", column ", column))
  item_fault(what, where, mend)
}

structured <- function(report) c(list(numbers = as_array(report$numbers)), report$told)
