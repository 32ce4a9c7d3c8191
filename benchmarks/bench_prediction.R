# R's side of bench_prediction.py: rms::validate and rms::calibrate on the rows that are handed over.
# Rscript bench_prediction.R FOLDER RESAMPLES REPEATS: reads table.csv and draws.bin (int32, row numbers from 1), writes r.json
# (seconds: the best of the repeats).
suppressMessages(library(rms))
arguments <- commandArgs(TRUE)
folder <- arguments[1]; resamples <- as.integer(arguments[2]); repeats <- as.integer(arguments[3])
d <- read.csv(file.path(folder, "table.csv"))
n <- nrow(d)
draws <- matrix(readBin(file.path(folder, "draws.bin"), "integer", n * resamples, size = 4), n)
turn <- 0
unlockBinding("sample", baseenv())
assign("sample", function(...) { turn <<- turn + 1; draws[, turn] }, envir = baseenv())
f <- lrm(reformulate(setdiff(names(d), "y"), "y"), data = d, x = TRUE, y = TRUE)
seconds <- function(expression) sum(system.time(expression)[c("user.self", "sys.self")])
of.validate <- of.calibrate <- Inf
for (again in seq_len(repeats)) {
  turn <- 0
  of.validate <- min(of.validate, seconds(v <- validate(f, B = resamples)))
  turn <- 0
  of.calibrate <- min(of.calibrate, seconds(k <- calibrate(f, B = resamples)))
}
cat(jsonlite::toJSON(list(
  validate_seconds = of.validate, calibrate_seconds = of.calibrate,
  dxy = v["Dxy", "index.corrected"], slope = v["Slope", "index.corrected"], corrected = k[, "calibrated.corrected"]
), digits = NA, auto_unbox = TRUE, na = "null"), file = file.path(folder, "r.json"))
