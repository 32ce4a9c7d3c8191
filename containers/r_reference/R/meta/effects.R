# From the table's rows to effects and sampling variances: combined groups, bilateral averages, SMD by metafor's
# escalc, given effects, direction. Steps and their order: containers/meta_analysis/README.md.

EFFECT_FIELDS <- c("study", "measure", "mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2", "variance_type", "effect",
                   "standard_error", "variance", "direction", "bilateral")
SUMMARIES <- c("mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2")

# Two groups as one (Cochrane Handbook 6.5.2.10); a group whose three values are all missing is left out.
combine_groups <- function(data, spec, side, where) {
  columns <- lapply(c("mean", "sd", "n"), function(what) unlist(spec[[paste0(what, "_", side)]]))
  if (length(unique(lengths(columns))) != 1L) {
    item_fault(sprintf("mean_%s, sd_%s and n_%s name unequally many columns", side, side, side), where,
               "name as many of each")
  }
  read <- function(i) {
    list(mean = number_column(data, columns[[1]][i], where), sd = number_column(data, columns[[2]][i], where),
         n = number_column(data, columns[[3]][i], where))
  }
  total <- read(1L)
  for (i in seq_along(columns[[1]])[-1]) {
    other <- read(i)
    absent <- is.na(other$mean) & is.na(other$sd) & is.na(other$n)
    first_absent <- is.na(total$mean) & is.na(total$sd) & is.na(total$n)
    n <- total$n + other$n
    mean <- (total$n * total$mean + other$n * other$mean) / n
    variance <- ((total$n - 1) * total$sd^2 + (other$n - 1) * other$sd^2 +
                   total$n * other$n / n * (total$mean - other$mean)^2) / (n - 1)
    made <- list(mean = mean, sd = sqrt(variance), n = n)
    total <- lapply(stats::setNames(nm = names(made)), function(name) {
      ifelse(absent, total[[name]], ifelse(first_absent, other[[name]], made[[name]]))
    })
  }
  stats::setNames(total, paste0(c("mean_", "sd_", "n_"), side))
}

# data: typed columns after the exclusions. Returns data with columns .id, .study, .yi, .vi, .correction, and the flow.
compute_effects <- function(data, spec, id_column) {
  where <- "analyses, effects"
  known_or_fault(spec, EFFECT_FIELDS, where)
  measure <- spec$measure %or% "smd"
  data$.id <- data[[id_column]]
  data$.study <- as.character(column_of(data, spec$study, where))
  if (anyNA(data$.study)) item_fault("misses its study", sprintf("column %s (%s)", spec$study,
                                                                 rows_of(is.na(data$.study))), "fill it in")
  rows <- length(data$.id)
  flow <- list(rows = rows)
  summaries <- measure == "smd"
  if (summaries) data[paste0(".", SUMMARIES)] <- c(combine_groups(data, spec, 1, where),
                                                   combine_groups(data, spec, 2, where))[SUMMARIES]
  averaged <- spec$bilateral
  if (!is.null(averaged) && averaged$of == "summaries") {
    paired <- average_sides(data, averaged, spec, "summaries")
    data <- paired$data
    flow$bilateral <- paired$flow
  }
  data$.yi <- data$.vi <- data$.correction <- rep(NA_real_, length(data$.id))
  if (summaries) data <- standardised_differences(data, spec$variance_type %or% "LS")
  if (!is.null(spec$effect)) data <- given_effects(data, spec, where)
  if (!is.null(averaged) && averaged$of == "effects") {
    paired <- average_sides(data, averaged, spec, "effects")
    data <- paired$data
    flow$bilateral <- paired$flow
  }
  if (!is.null(spec$direction)) {
    flipped <- as.character(category_column(data, spec$direction$column, where)) %in% unlist(spec$direction$flip)
    data$.yi[flipped] <- -data$.yi[flipped]
    flow$flipped <- sum(flipped)
  }
  kept <- !is.na(data$.yi) & !is.na(data$.vi)
  flow$without_effect <- sum(!kept)
  data <- subset_rows(data, kept)
  data$variance <- data$.vi
  data$standard_error <- sqrt(data$.vi)
  list(data = data, flow = flow)
}

standardised_differences <- function(data, variance_type) {
  complete <- Reduce(`&`, lapply(data[paste0(".", SUMMARIES)], function(column) !is.na(column)))
  for (side in 1:2) {
    small <- complete & data[[paste0(".n_", side)]] < 2
    if (any(small)) item_fault("is below 2", sprintf("n_%d (%s)", side, rows_of(small)), "a group needs two persons")
    flat <- complete & data[[paste0(".sd_", side)]] <= 0
    if (any(flat)) item_fault("is not above 0", sprintf("sd_%d (%s)", side, rows_of(flat)),
                              "correct the standard deviation")
  }
  if (!any(complete)) return(data)
  used <- subset_rows(data[paste0(".", SUMMARIES)], complete)
  made <- metafor::escalc("SMD", m1i = used$.mean_1, sd1i = used$.sd_1, n1i = used$.n_1, m2i = used$.mean_2,
                          sd2i = used$.sd_2, n2i = used$.n_2, vtype = variance_type)
  m <- used$.n_1 + used$.n_2 - 2
  data$.yi[complete] <- as.numeric(made$yi)
  data$.vi[complete] <- as.numeric(made$vi)
  data$.correction[complete] <- exp(lgamma(m / 2) - log(sqrt(m / 2)) - lgamma((m - 1) / 2))
  data
}

given_effects <- function(data, spec, where) {
  effect <- number_column(data, spec$effect, where)
  variance <- if (is.null(spec$variance)) number_column(data, spec$standard_error, where)^2
              else number_column(data, spec$variance, where)
  both <- !is.na(data$.yi) & !is.na(effect)
  if (any(both)) item_fault("has means and a given effect", sprintf("column %s (%s)", spec$effect, rows_of(both)),
                            "give one of them")
  used <- !is.na(effect) & !is.na(variance)
  if (any(variance[used] <= 0)) {
    item_fault("is not above 0", sprintf("variance (%s)", rows_of(used & variance <= 0)), "correct the variance")
  }
  data$.yi[used] <- effect[used]
  data$.vi[used] <- variance[used]
  data
}

# One left and one right of the same study and `by` become their average, in the left row's place.
average_sides <- function(data, spec, effects, of) {
  where <- "analyses, effects.bilateral"
  side <- as.character(category_column(data, spec$side, where))
  keys <- do.call(paste, c(list(data$.study), lapply(unlist(spec$by),
                                                     function(name) as.character(column_of(data, name, where))),
                           sep = "\r"))
  levels <- unlist(spec$levels)
  r <- spec$correlation
  if (!is_number(r)) item_fault("has no correlation", where, "give correlation, -1 to 1")
  left <- which(side %in% levels[1])
  right <- which(side %in% levels[2])
  partner <- right[match(keys[left], keys[right])]
  if (anyDuplicated(keys[left]) || anyDuplicated(keys[right])) {
    item_fault("one measurement has two rows of the same side", where, "name in `by` what tells them apart")
  }
  left <- left[!is.na(partner)]
  partner <- partner[!is.na(partner)]
  middle <- function(column) (column[left] + column[partner]) / 2
  spread <- function(column) (column[left]^2 + column[partner]^2 + 2 * r * column[left] * column[partner]) / 4
  if (of == "summaries") {
    for (group in 1:2) {
      n <- data[[paste0(".n_", group)]]
      if (any(n[left] != n[partner], na.rm = TRUE)) item_fault("left and right differ in n", where,
                                                               "average effects instead")
      data[[paste0(".mean_", group)]][left] <- middle(data[[paste0(".mean_", group)]])
      data[[paste0(".sd_", group)]][left] <- sqrt(spread(data[[paste0(".sd_", group)]]))
    }
  } else {
    data$.yi[left] <- middle(data$.yi)
    data$.vi[left] <- spread(sqrt(data$.vi))
  }
  data$.id[left] <- paste0(data$.id[left], "+", data$.id[partner])
  kept <- !seq_along(side) %in% partner
  list(data = subset_rows(data, kept), flow = list(pairs = length(left), unpaired = sum(kept) - length(left)))
}
