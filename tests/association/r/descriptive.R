# Values of test_correlation.py, test_concordance.py, test_linear.py, test_proportions.py and test_ttest.py, by base R.
show <- function(name, x) cat(name, sprintf("%.15g", x), "\n")
# Bland and Altman, Lancet 327:307 (1986), table 1: first readings of two peak flow meters, l/min.
wright <- c(494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427)
mini <- c(512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451)

r <- cor.test(wright, mini)
show("r, low, high, t, p", c(r$estimate, r$conf.int, r$statistic, r$p.value))
for (case in list(c(0.96, 5000), c(0.936, 37004), c(0.5, 100000), c(-0.3, 60))) {
  t <- case[1] * sqrt((case[2] - 2) / (1 - case[1]^2))
  show(paste("log10 p of r, n:", paste(case, collapse = " ")),
       (log(2) + pt(-abs(t), case[2] - 2, log.p = TRUE)) / log(10))
}

d <- wright - mini
n <- length(d)
show("mean, sd, limits", c(mean(d), sd(d), mean(d) - 1.96 * sd(d), mean(d) + 1.96 * sd(d)))
show("interval of the mean", t.test(d)$conf.int)
half <- qt(0.975, n - 1) * sd(d) * sqrt(1 / n + 1.96^2 / (2 * (n - 1)))
show("interval of the limits", c(mean(d) - 1.96 * sd(d) + c(-1, 1) * half, mean(d) + 1.96 * sd(d) + c(-1, 1) * half))
# Lin, Biometrics 45:255 (1989) and 56:324 (2000), from the covariance matrix with 1 / n.
s <- cov(cbind(wright, mini)) * (n - 1) / n
shift <- mean(wright) - mean(mini)
ccc <- 2 * s[1, 2] / (s[1, 1] + s[2, 2] + shift^2)
rho <- s[1, 2] / sqrt(s[1, 1] * s[2, 2]); u <- shift / (s[1, 1] * s[2, 2])^0.25
v <- ((1 - rho^2) * ccc^2 * (1 - ccc^2) / rho^2 + 2 * ccc^3 * (1 - ccc) * u^2 / rho - ccc^4 * u^4 / (2 * rho^2)) / (n - 2)
show("ccc, se, low, high", c(ccc, sqrt(v), tanh(atanh(ccc) + c(-1, 1) * qnorm(0.975) * sqrt(v) / (1 - ccc^2))))

i <- 1:400
age <- 40 + (i * 37) %% 41; bmi <- 20 + ((i * i * 13) %% 151) / 10; sex <- as.numeric((i * 7) %% 11 > 5)
u <- ((i^3 * 31 + 17 * i) %% 1009) / 1009
y <- as.numeric(u < plogis(-7 + 0.06 * age + 0.05 * bmi + 0.5 * sex + 0.4 * ((i * 5) %% 3 == 2)))
tmv <- 9000 - 35 * age + 2500 * sex + 12 * age * sex + 40 * bmi + 900 * u
f <- lm(tmv ~ age + sex + bmi + age:sex)
show("coefficients", coef(f)); show("standard errors", sqrt(diag(vcov(f))))
show("t", summary(f)$coefficients[, 3]); show("p", summary(f)$coefficients[, 4]); show("intervals", confint(f))
show("sigma", summary(f)$sigma)
for (level in 0:1) {
  g <- lm(tmv[sex == level] ~ age[sex == level])
  show(paste("sex", level, "slope per decade, t interval, 1.96-like interval"),
       10 * c(coef(g)[2], confint(g)[2, ], coef(g)[2] + c(-1, 1) * qnorm(0.975) * sqrt(vcov(g)[2, 2])))
}

smokers <- c(83, 90, 129, 70); patients <- c(86, 93, 136, 82)   # Fleiss (1981), the example of ?prop.trend.test
show("prop.trend.test", unlist(prop.trend.test(smokers, patients)[c("statistic", "p.value")]))
show("scores 0, 0, 1, 3", prop.trend.test(smokers, patients, c(0, 0, 1, 3))$statistic)
for (case in list(c(0, 20), c(20, 20), c(1, 30), c(83, 86), c(6003, 27518)))
  show(paste("Wilson", paste(case, collapse = "/")), prop.test(case[1], case[2], correct = FALSE)$conf.int)

for (equal in c(FALSE, TRUE)) {
  t <- t.test(bmi ~ y, var.equal = equal)
  show("t.test: difference, interval, t, df, p",
       c(t$estimate[1] - t$estimate[2], t$conf.int, t$statistic, t$parameter, t$p.value))
}
show("means, sds, n", c(tapply(bmi, y, mean), tapply(bmi, y, sd), table(y)))
