# What an analysis says: metrics named `<quantity>.<analysis id>[.<stratum>][.<term>]`, the same numbers structured,
# and tables and curves that are not scalars. A count of people below the disclosure threshold never leaves, and
# neither does one that would give it back by subtraction from totals of the same analysis (guard).

new_report <- function(result, id, threshold) {
  report <- new.env(parent = emptyenv())
  report$result <- result
  report$id <- id
  report$threshold <- threshold
  report$numbers <- list()
  report$told <- list()
  report$guarded <- character()
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

# A p value from its natural logarithm, with log10_p next to it, which is finite where p underflows.
put_p <- function(report, log_p, stratum = "", term = "", prefix = "", note = "undefined") {
  put_all(report, stats::setNames(list(exp(log_p), log_p / log(10)), paste0(prefix, c("p", "log10_p"))),
          stratum, term, note)
}

log_p_normal <- function(z) log(2) + stats::pnorm(-abs(z), log.p = TRUE)
log_p_t <- function(t, df) log(2) + stats::pt(-abs(t), df, log.p = TRUE)
log_p_chi2 <- function(chi2, df) stats::pchisq(chi2, df, lower.tail = FALSE, log.p = TRUE)

count_place <- function(quantity, stratum, term) paste(quantity, stratum, term, sep = "\n")

# A count of people, unless it, or its complement in `of`, is below the threshold, or it is guarded. at: its place.
shown_count <- function(report, people, of = NULL, at = "") {
  hide <- function(note) list(value = NULL, note = sprintf(note, report$threshold))
  if (at %in% report$guarded) return(hide("fewer than %d, or a count that would tell such a one"))
  if (people < report$threshold) return(hide("fewer than %d"))
  if (!is.null(of) && of - people < report$threshold) return(hide("all but fewer than %d"))
  list(value = as.integer(people), note = "")
}

# Returns, unseen, the note: empty where the count is shown.
put_count <- function(report, quantity, people, stratum = "", term = "", of = NULL) {
  shown <- shown_count(report, people, of, count_place(quantity, stratum, term))
  put(report, quantity, shown$value, stratum, term, shown$note)
  invisible(shown$note)
}

# Let shown_count hide what would give a small count back where all totals are shown. people: counts (strata x terms,
# their names as dimnames) that add up to totals along both; of: likewise, what they are counts among. Where a total is
# guarded itself, all that add up to it are.
guard <- function(report, quantity, people, of = NULL) {
  strata <- rownames(people)[row(people)]
  terms <- colnames(people)[col(people)]
  start <- count_place(sub("^level_", "", quantity), strata, "") %in% report$guarded |
    count_place(quantity, "", terms) %in% report$guarded
  hidden <- hidden_counts(report, people, start)
  if (!is.null(of)) hidden <- hidden | hidden_counts(report, of - people, start)
  report$guarded <- union(report$guarded, count_place(quantity, strata, terms)[hidden])
}

# Those of `start`, the small, and in a row or column of two or more with one hidden the next smallest too.
hidden_counts <- function(report, counts, start) {
  hidden <- counts < report$threshold
  hidden[start] <- TRUE
  with_another <- function(line, people) {
    if (sum(line) == 1L && length(line) > 1L) line[which(!line)[which.min(people[!line])]] <- TRUE
    line
  }
  repeat {
    before <- sum(hidden)
    for (i in seq_len(nrow(counts))) hidden[i, ] <- with_another(hidden[i, ], counts[i, ])
    for (j in seq_len(ncol(counts))) hidden[, j] <- with_another(hidden[, j], counts[, j])
    if (sum(hidden) == before) return(hidden)
  }
}

tell <- function(report, name, value) report$told[[name]] <- value

warn_of <- function(report, line) warn_reader(report$result, sprintf("analysis %s: %s", report$id, line))

analysis_fault <- function(report, what, column = "", fix = "") {
  where <- paste0("analysis ", report$id, if (nzchar(column)) paste0(", column ", column))
  item_fault(what, where, fix)
}

structured <- function(report) c(list(numbers = as_array(report$numbers)), report$told)
