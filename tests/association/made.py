"""Cohorts made by arithmetic that R does digit for digit, so that values computed there hold here."""

import numpy as np

N = 400


def cohort() -> dict[str, np.ndarray]:
    """400 rows. In R:

    i <- 1:400; age <- 40 + (i * 37) %% 41; bmi <- 20 + ((i * i * 13) %% 151) / 10
    sex <- as.numeric((i * 7) %% 11 > 5); g <- factor((i * 5) %% 3); u <- ((i^3 * 31 + 17 * i) %% 1009) / 1009
    y <- as.numeric(u < plogis(-7 + 0.06 * age + 0.05 * bmi + 0.5 * sex + 0.4 * (g == 2)))
    """
    i = np.arange(1, N + 1, dtype=np.int64)
    age, bmi = 40.0 + (i * 37) % 41, 20.0 + ((i * i * 13) % 151) / 10.0
    sex, g = ((i * 7) % 11 > 5).astype(float), (i * 5) % 3
    u = ((i**3 * 31 + 17 * i) % 1009) / 1009.0
    logit = -7 + 0.06 * age + 0.05 * bmi + 0.5 * sex + 0.4 * (g == 2)
    return {"age": age, "bmi": bmi, "sex": sex, "g": g, "y": (u < 1 / (1 + np.exp(-logit))).astype(float)}


def design(rows: int = N) -> tuple[np.ndarray, np.ndarray]:
    """x (rows, 6), as R's model.matrix(~ age + bmi + sex + g), and y (rows,)."""
    c = cohort()
    columns = [np.ones(N), c["age"], c["bmi"], c["sex"], c["g"] == 1, c["g"] == 2]
    return np.column_stack(columns).astype(float)[:rows], c["y"][:rows]
