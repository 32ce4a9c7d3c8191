# The table: CSV, every field read as text, so that codes stay as they are written ("01", "1e3").

read_csv_text <- function(path) {
  where <- basename(path)
  if (grepl("\\.parquet$", path)) item_fault("is Parquet, which Debian's R does not read", where,
                                             "give the table as CSV")
  text <- read_text(path, where)
  if (!nzchar(trimws(text))) item_fault("is empty", where, "give a CSV with a line of column names")
  table <- tryCatch(
    utils::read.csv(text = text, colClasses = "character", na.strings = character(), check.names = FALSE,
                    fill = FALSE, blank.lines.skip = TRUE, encoding = "UTF-8"),
    error = function(e) item_fault(paste("is not a readable CSV:", conditionMessage(e)), where,
                                   "give equally many fields in every row"))
  if (anyDuplicated(names(table))) {
    item_fault("column name is given twice", sprintf("%s, column %s", where, names(table)[anyDuplicated(names(table))]),
               "name every column once")
  }
  table
}
