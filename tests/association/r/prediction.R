# Values of test_resampling.py, test_calibration.py, test_c_index.py and test_nomogram.py, by rms, Hmisc and pROC on the very rows that the stage draws.
#
#   python -c "
#   import numpy as np; from containers.association.measures.draws import draw_rows
#   np.savetxt('draws.csv', [draw_rows(7, k, 400) + 1 for k in range(60)], fmt='%d', delimiter=',')"
#   Rscript prediction.R draws.csv
#
# rms draws by sample() and stops fitting at a change of the deviance below 0.025: here sample() hands out the rows of
# draws.csv, and lrm.fit goes on to 1e-8. Everything else is rms' own code.
suppressMessages({library(rms); library(pROC)})
draws <- as.matrix(read.csv(commandArgs(TRUE)[1], header = FALSE))
show <- function(name, x) cat(name, sprintf("%.14g", x), "\n")

i <- 1:400
d <- data.frame(age = 40 + (i * 37) %% 41, bmi = 20 + ((i * i * 13) %% 151) / 10,
                sex = as.numeric((i * 7) %% 11 > 5), g = factor((i * 5) %% 3))
u <- ((i^3 * 31 + 17 * i) %% 1009) / 1009
d$y <- as.numeric(u < plogis(-7 + 0.06 * d$age + 0.05 * d$bmi + 0.5 * d$sex + 0.4 * (d$g == 2)))
dd <- datadist(d); options(datadist = "dd")

space <- asNamespace("rms")
tight <- space$lrm.fit
formals(tight)$eps <- 1e-8; formals(tight)$maxit <- 50
unlockBinding("lrm.fit", space); assign("lrm.fit", tight, envir = space)
turn <- 0
unlockBinding("sample", baseenv())
assign("sample", function(...) { turn <<- turn + 1; draws[turn, ] }, envir = baseenv())

f <- lrm(y ~ age + bmi + sex + g, data = d, x = TRUE, y = TRUE, eps = 1e-8, maxit = 50)
score <- f$linear.predictors

cat("== c-index\n")
r <- roc(d$y, score, direction = "<", quiet = TRUE)
show("pROC auc", as.numeric(auc(r)))
show("pROC delong se", sqrt(var(r, method = "delong")))
show("pROC delong interval", as.numeric(ci.auc(r, method = "delong")))
few <- (i * 3) %% 7
rt <- roc(d$y, few + 2 * d$sex, direction = "<", quiet = TRUE)
show("tied: auc, se", c(as.numeric(auc(rt)), sqrt(var(rt, method = "delong"))))
c.of <- apply(draws, 1, function(s) Hmisc::somers2(score[s], d$y[s])["C"])
show("bootstrap interval", quantile(c.of, c(0.025, 0.975)))

cat("== validate\n")
turn <- 0
v <- validate(f, B = nrow(draws))
for (row in c("Dxy", "Intercept", "Slope")) show(row, v[row, ])
cat("== calibrate\n")
turn <- 0
k <- calibrate(f, B = nrow(draws))
show("places", k[c(1, 25, 50), "predy"])
show("apparent", k[c(1, 2, 13, 25, 40, 50), "calibrated.orig"])
show("corrected", k[c(1, 2, 13, 25, 40, 50), "calibrated.corrected"])
show("used", k[c(1, 2, 13, 25, 40, 50), "n"])
p <- attr(k, "predicted"); s <- !is.na(k[, "predy"] + k[, "calibrated.corrected"])
e <- p - approx(k[s, "predy"], k[s, "calibrated.corrected"], xout = p, ties = mean)$y
show("mean error, mean squared, 90 %", c(mean(abs(e), na.rm = TRUE), mean(e^2, na.rm = TRUE),
                                        quantile(abs(e), 0.9, na.rm = TRUE)))

cat("== nomogram\n")
at <- c(0.1, 0.3, 0.5, 0.7)
n <- nomogram(f, fun = plogis, fun.at = at, fun.lp.at = qlogis(at))
for (name in c("age", "bmi", "sex", "g")) {
  cat(name, format(n[[name]][[1]]), "\n"); show("points", n[[name]]$points)
}
show("total axis", n$total.points$x)
show("lp axis", n$lp$x.real); show("lp points", n$lp$x)
show("probability points", n[["Predicted Value"]]$x)
default <- nomogram(f, fun = plogis)
show("default probabilities", default[["Predicted Value"]]$x.real)

cat("== lowess\n")
for (x in list(d$age, exp((d$age + d$bmi) / 20), d$age + d$bmi / 100)) {
  l <- lowess(x, d$y, iter = 0)
  cat(sprintf("%.17g", l$y[c(1, 2, 50, 200, 350, 399, 400)]), "\n")
}
l <- lowess(d$age + d$bmi / 100, d$bmi, f = 0.2, iter = 0)
cat(sprintf("%.17g", l$y[c(1, 2, 50, 200, 350, 399, 400)]), "\n")
cat("== pretty\n")
for (ends in list(c(0, 222.7), c(-3.4, 0.43), c(0.0123, 0.0124), c(5, 5), c(0, 0), c(-1e6, 3), c(18, 73), c(-7, 0)))
  cat(sprintf("%.15g", pretty(ends, n = 10)), "\n")
