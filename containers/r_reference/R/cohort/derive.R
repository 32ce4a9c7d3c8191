# Derived columns, in the order of the file, over the rows that the exclusions leave; only what an exclusion names is
# derived before it. A row without a value in a column that a rule reads has none in the derived one.

DERIVE_FIELDS <- list(
  quantile_groups = c("of", "rule", "by", "labels"), ratio = c("of", "power", "unit"), sum = "of", asymmetry = "of",
  z_score = c("of", "adjust_for"), cut = c("of", "at", "labels"), recode = c("of", "map", "levels"),
  below = c("of", "by", "thresholds", "labels"), ewgsop2 = c("strength", "quantity", "sex", "thresholds", "labels"))

QUANTILES <- list(percentiles_33_67 = c(0.33, 0.67), thirds = c(1 / 3, 2 / 3))

derive_column <- function(data, rule) {
  where <- sprintf("derived column %s", rule$column %or% "?")
  if (!is_text(rule$column)) item_fault("has no name", "analyses, derive", "give column")
  if (!is_text(rule$kind) || is.null(DERIVE_FIELDS[[rule$kind]])) {
    item_fault("kind is unknown", where, paste("known:", paste(names(DERIVE_FIELDS), collapse = ", ")))
  }
  known_or_fault(rule, c("column", "kind", "description", DERIVE_FIELDS[[rule$kind]]), where)
  if (!is.null(data[[rule$column]])) item_fault("is there already", where, "give it another name")
  make <- get(paste0("derive_", rule$kind))
  made <- make(data, rule, where)
  data[[rule$column]] <- made
  data
}

derive_quantile_groups <- function(data, rule, where) {
  values <- number_column(data, rule$of, where)
  by <- lapply(unlist(rule$by), function(name) category_column(data, name, where))
  group <- if (length(by)) interaction(by, drop = TRUE) else factor(rep("all", length(values)))
  group[is.na(values)] <- NA
  codes <- rep(NA_integer_, length(values))
  for (level in levels(group)) {
    rows <- which(group == level)
    if (!length(rows)) next
    cuts <- stats::quantile(values[rows], QUANTILES[[rule$rule]], type = 7, names = FALSE)
    if (cuts[1] >= cuts[2]) item_fault(sprintf("%s has too many equal values for three groups", rule$of), where,
                                       "group it by a cut")
    codes[rows] <- 1L + (values[rows] > cuts[1]) + (values[rows] > cuts[2])
  }
  labelled(codes, rule$labels %or% list("low", "middle", "high"))
}

labelled <- function(codes, labels) factor(unlist(labels)[codes], levels = unlist(labels))

derive_ratio <- function(data, rule, where) {
  of <- lapply(rule$of, function(name) number_column(data, name, where))
  if (any(of[[2]] == 0, na.rm = TRUE)) {
    item_fault(sprintf("%s is 0", rule$of[[2]]), sprintf("%s (%s)", where, rows_of(of[[2]] %in% 0)),
               "exclude these rows first")
  }
  of[[1]] / of[[2]]^(rule$power %or% 1L)
}

derive_sum <- function(data, rule, where) Reduce(`+`, lapply(rule$of, function(name) number_column(data, name, where)))

derive_asymmetry <- function(data, rule, where) {
  of <- lapply(rule$of, function(name) number_column(data, name, where))
  larger <- pmax(of[[1]], of[[2]])
  wrong <- larger <= 0 | pmin(of[[1]], of[[2]]) < 0
  if (any(wrong, na.rm = TRUE)) {
    item_fault("a side is negative, or both are 0", sprintf("%s (%s)", where, rows_of(wrong %in% TRUE)), "exclude them")
  }
  abs(of[[1]] - of[[2]]) / larger
}

derive_z_score <- function(data, rule, where) {
  values <- number_column(data, rule$of, where)
  frame <- data.frame(values = values)
  for (name in unlist(rule$adjust_for)) frame[[name]] <- column_of(data, name, where)
  complete <- stats::complete.cases(frame)
  used <- droplevels(frame[complete, , drop = FALSE])
  if (nrow(used) <= ncol(frame) + 1L) item_fault(sprintf("has %d rows with every value it needs", nrow(used)), where,
                                                 "give more rows")
  residual <- stats::lm(values ~ ., data = used)$residuals
  spread <- stats::sd(residual)
  if (spread <= 1e-12 * max(abs(used$values))) item_fault(sprintf("%s does not vary", rule$of), where, "take it out")
  replace(rep(NA_real_, length(values)), complete, residual / spread)
}

derive_cut <- function(data, rule, where) {
  at <- unlist(rule$at)
  if (length(rule$labels) != length(at) + 1L || is.unsorted(at, strictly = TRUE)) {
    item_fault("cut points must rise, with one label more than cut points", where, "correct at and labels")
  }
  labelled(findInterval(number_column(data, rule$of, where), at) + 1L, rule$labels)
}

derive_recode <- function(data, rule, where) {
  column <- category_column(data, rule$of, where)
  factor(unlist(rule$map)[as.character(column)], levels = unlist(rule$levels))
}

# Whether a number is below the threshold of the row's level of `by`.
below <- function(values, by, thresholds) values < unlist(thresholds)[as.character(by)]

derive_below <- function(data, rule, where) {
  low <- below(number_column(data, rule$of, where), category_column(data, rule$by, where), rule$thresholds)
  labelled(1L + low, rule$labels %or% list("no", "yes"))
}

# EWGSOP2: none where strength is not low, probable where it is, confirmed where quantity is low too.
derive_ewgsop2 <- function(data, rule, where) {
  sex <- category_column(data, rule$sex, where)
  limits <- function(of) lapply(rule$thresholds, function(sex_limits) sex_limits[[of]])
  weak <- below(number_column(data, rule$strength, where), sex, limits("strength"))
  little <- below(number_column(data, rule$quantity, where), sex, limits("quantity"))
  labelled(ifelse(is.na(weak) | is.na(little), NA_integer_, 1L + weak * (1L + little)),
           rule$labels %or% list("none", "probable", "confirmed"))
}

# Exclusions and derived columns in their order. Returns the data that are left and the flow's lines.
prepare_cohort <- function(data, file, rows) {
  rules <- file$derive %or% list()
  needed <- unique(unlist(lapply(file$exclusions, function(rule) c(rule$column, unlist(rule$complete)))))
  early <- logical(length(rules))
  for (i in rev(seq_along(rules))) {
    early[i] <- isTRUE(rules[[i]]$column %in% needed)
    if (early[i]) needed <- c(needed, unlist(rules[[i]][c("of", "by", "adjust_for", "strength", "quantity", "sex")]))
  }
  for (rule in rules[early]) data <- derive_column(data, rule)
  excluded <- apply_exclusions(data, file$exclusions, rows)
  data <- subset_rows(data, excluded$kept)
  if (rows && !any(excluded$kept)) item_fault("leave no row", "analyses, exclusions",
                                              "check their conditions against the table")
  for (rule in rules[!early]) data <- derive_column(data, rule)
  list(data = data, rows = sum(excluded$kept), lines = excluded$lines)
}
