# One item: the table, its dictionary, and the analyses of one family: effects of studies, or a cohort of people.

# Kind -> the function that answers it, and the fields it knows in addition to those that all kinds of the family have.
ROWS_FIELDS <- c("restrict", "strata", "level")
COHORT_KINDS <- list(
  logistic = list(run = kind_logistic, fields = LOGISTIC_FIELDS),
  firth_logistic = list(run = kind_firth_logistic, fields = LOGISTIC_FIELDS),
  mixed_logistic = list(run = kind_mixed_logistic, fields = MIXED_FIELDS),
  combined_odds = list(run = kind_combined_odds, fields = c("model", "of", "grid")),
  vif = list(run = kind_vif, fields = "model"),
  c_index = list(run = kind_c_index, fields = RESAMPLED_FIELDS),
  optimism = list(run = kind_optimism, fields = RESAMPLED_FIELDS),
  calibration = list(run = kind_calibration, fields = RESAMPLED_FIELDS),
  nomogram = list(run = kind_nomogram, fields = c("model", "probabilities")),
  correlation = list(run = kind_correlation, fields = c(ROWS_FIELDS, "of")),
  concordance = list(run = kind_concordance, fields = c(ROWS_FIELDS, "of", "factor")),
  linear = list(run = kind_linear, fields = c(ROWS_FIELDS, "outcome", "terms", "interactions", "slope_of", "per",
                                              "interval")),
  prevalence = list(run = kind_prevalence, fields = c(ROWS_FIELDS, "outcome", "by")),
  trend = list(run = kind_trend, fields = c(ROWS_FIELDS, "outcome", "by", "weights")),
  ttest = list(run = kind_ttest, fields = c(ROWS_FIELDS, "outcome", "by", "variances")),
  ttest_summary = list(run = kind_ttest_summary, fields = c("groups", "variances", "level")),
  bonferroni = list(run = kind_bonferroni, fields = c("of", "tests")))
META_KINDS <- list(
  effects = list(run = kind_effects, fields = character()),
  pooled = list(run = kind_pooled, fields = c(POOLED_FIELDS, "strata")),
  subgroups = list(run = kind_subgroups, fields = c(POOLED_FIELDS, "by", "tau2")),
  meta_regression = list(run = kind_meta_regression, fields = c("method", "test", "moderators", "interactions", "scale",
                                                                "strata")),
  three_level = list(run = kind_three_level, fields = c(THREE_LEVEL_FIELDS, "strata")),
  likelihood_ratio = list(run = kind_likelihood_ratio, fields = c("full", "reduced")),
  vif = list(run = kind_meta_vif, fields = "model"),
  robust = list(run = kind_robust, fields = ROBUST_FIELDS),
  egger = list(run = kind_egger, fields = c(EGGER_FIELDS, "strata")),
  trim_and_fill = list(run = kind_trim_and_fill, fields = c(FILL_FIELDS, "strata")))

process_item <- function(item, parameters, result) {
  dictionary <- read_dictionary(item$inputs$dictionary)
  file <- read_spec(item$inputs$analyses, "input analyses")
  # The file's own mark: `effects` says that the rows are effects of studies, and not people.
  meta <- !is.null(file$effects)
  known_or_fault(file, c("schema_version", "exclusions", "analyses", if (meta) "effects" else "derive"),
                 "input analyses")
  kinds <- if (meta) META_KINDS else COHORT_KINDS
  analyses <- checked_analyses(file$analyses %or% list(), kinds, if (meta) COMMON_FIELDS else c("id", "kind"))
  table <- read_csv_text(item$inputs$table)
  columns <- typed_columns(table, dictionary)
  ignored <- setdiff(names(table), names(dictionary))
  if (meta) {
    answer_meta(columns, dictionary, file, analyses, kinds, result, nrow(table), ignored)
  } else {
    answer_cohort(columns, file, analyses, kinds, parameters, result, nrow(table), ignored)
  }
  result$details$r <- versions()
}

checked_analyses <- function(analyses, kinds, common) {
  ids <- character()
  for (i in seq_along(analyses)) {
    analysis <- analyses[[i]]
    where <- sprintf("input analyses, analyses.%d", i - 1L)
    if (!is_object(analysis) || !is_text(analysis$id) || !grepl("^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", analysis$id)) {
      item_fault("id must be letters, digits, _ and -", where, "name every analysis")
    }
    where <- sprintf("%s (%s)", where, analysis$id)
    kind <- if (is_text(analysis$kind)) analysis$kind else "?"
    if (is.null(kinds[[kind]])) {
      if (!is.null(META_KINDS[[kind]])) item_fault(sprintf("kind '%s' needs effects", kind), where,
                                                   "say in `effects` what the rows are")
      item_fault(sprintf("kind is '%s'", kind), where, paste("known:", paste(sort(names(kinds)), collapse = ", ")))
    }
    known_or_fault(analysis, c(common, kinds[[kind]]$fields), where)
    if (analysis$id %in% ids) item_fault(sprintf("id '%s' is given twice", analysis$id), where, "give each its own")
    ids <- c(ids, analysis$id)
  }
  analyses
}

run_analyses <- function(analyses, kinds, data, result, threshold) {
  told <- list()
  flows <- list()
  for (analysis in analyses) {
    report <- new_report(result, analysis$id, threshold)
    kinds[[analysis$kind]]$run(analysis, data, report)
    told[[analysis$id]] <- c(list(kind = analysis$kind), structured(report))
    flows[[analysis$id]] <- report$flow %or% empty_object()
  }
  list(told = as_object(told), flows = as_object(flows))
}

answer_cohort <- function(columns, file, analyses, kinds, parameters, result, rows, ignored) {
  threshold <- parameters$disclosure_threshold
  prepared <- prepare_cohort(columns, file, rows)
  answer <- run_analyses(analyses, kinds, prepared$data, result, threshold)
  write_output(result, "results", "results.json", list(schema_version = SCHEMA_VERSION, analyses = answer$told))
  hide <- function(count) if (count > 0L && count < threshold) NULL else count
  flows <- lapply(answer$flows, function(flow) as_object(lapply(flow, hide)))
  lines <- lapply(prepared$lines, function(line) list(id = line$id, rows_left_out = hide(line$left_out),
                                                      rows_kept = hide(line$rows)))
  write_output(result, "flow", "flow.json", list(
    schema_version = SCHEMA_VERSION, disclosure_threshold = threshold, rows_read = hide(rows),
    ignored_columns = as_array(ignored), exclusions = as_array(lines), analyses = as_object(flows)))
}

answer_meta <- function(columns, dictionary, file, analyses, kinds, result, rows, ignored) {
  id_column <- names(dictionary)[vapply(dictionary, function(column) column$type == "id", TRUE)]
  if (length(id_column) != 1L) item_fault("exactly one column must be of type id", "dictionary",
                                          "name the effects' identifier")
  excluded <- apply_exclusions(columns, file$exclusions, rows)
  effects <- compute_effects(subset_rows(columns, excluded$kept), file$effects, id_column)
  if (anyDuplicated(effects$data$.id)) item_fault("an effect's identifier is given twice",
                                                  sprintf("column %s", id_column), "name each once")
  if (!length(effects$data$.yi)) item_fault("no row has an effect", "analyses, effects",
                                            "see the columns that it names")
  answer <- run_analyses(analyses, kinds, effects$data, result, 0L)
  table <- list(id = as_array(effects$data$.id), effect = as_numbers(effects$data$.yi),
                variance = as_numbers(effects$data$.vi))
  write_output(result, "results", "results.json", list(schema_version = SCHEMA_VERSION, effects = table,
                                                       analyses = answer$told))
  write_output(result, "flow", "flow.json", list(
    schema_version = SCHEMA_VERSION, rows_read = rows, ignored_columns = as_array(ignored),
    exclusions = as_array(excluded$lines), effects = as_object(effects$flow), analyses = answer$flows))
}

# What computed the numbers: part of the record, since the packages are the host's or the image's.
versions <- function() {
  loaded <- c("lme4", "rms", "pROC", "metafor", "clubSandwich")
  c(list(R = paste(R.version$major, R.version$minor, sep = ".")),
    stats::setNames(lapply(loaded, function(p) as.character(utils::packageVersion(p))), loaded))
}
