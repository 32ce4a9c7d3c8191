# Design matrices. Columns are named by term: `age_years`, `sex:male` (against the factor's first level), and
# `z_lmm*sex:male` for products, in the order given. The attribute `span` says which term each column is of.

# terms: column names. interactions: list of lists of column names. intercept: whether to put it first.
design_matrix <- function(data, terms, interactions = list(), where = "", intercept = TRUE) {
  parts <- lapply(terms, function(name) term_columns(data, name, where))
  names(parts) <- unlist(terms)
  products <- lapply(interactions, function(names) product_columns(data, unlist(names), where))
  names(products) <- vapply(interactions, function(names) paste(unlist(names), collapse = "*"), "")
  parts <- c(if (intercept) list(intercept = cbind(intercept = rep(1, length(data[[1]])))), parts, products)
  if (!length(parts)) return(structure(matrix(0, length(data[[1]]), 0L), span = character()))
  structure(do.call(cbind, unname(parts)), span = rep(names(parts), vapply(parts, ncol, 1L)))
}

term_columns <- function(data, name, where) {
  column <- column_of(data, name, where)
  if (is.numeric(column)) return(matrix(column, ncol = 1L, dimnames = list(NULL, name)))
  if (!is.factor(column)) item_fault(sprintf("column '%s' cannot be a term", name), where,
                                     "name a number or a category")
  levels <- levels(column)[-1]
  matrix(vapply(levels, function(level) as.numeric(column == level), numeric(length(column))),
         ncol = length(levels), dimnames = list(NULL, paste0(name, ":", levels)))
}

product_columns <- function(data, names, where) {
  if (length(names) < 2L) item_fault("an interaction needs two columns or more", where, "name its columns")
  Reduce(function(left, right) {
    # The last part varies fastest.
    pairs <- expand.grid(right = seq_len(ncol(right)), left = seq_len(ncol(left)))
    made <- left[, pairs$left, drop = FALSE] * right[, pairs$right, drop = FALSE]
    colnames(made) <- paste(colnames(left)[pairs$left], colnames(right)[pairs$right], sep = "*")
    made
  }, lapply(names, function(name) term_columns(data, name, where)))
}

# Columns that are linear combinations of those before them, by pivoted QR with R's own tolerance of glm.
dependent_columns <- function(x) {
  decomposition <- qr(x, tol = 1e-7, LAPACK = FALSE)
  if (decomposition$rank == ncol(x)) return(character())
  colnames(x)[decomposition$pivot[-seq_len(decomposition$rank)]]
}

require_full_rank <- function(x, where) {
  dependent <- dependent_columns(x)
  if (length(dependent)) {
    item_fault(sprintf("%s is constant or a linear combination of the terms before it", dependent[1]), where,
               "leave one of them out")
  }
}
