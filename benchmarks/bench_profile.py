"""Profile-likelihood intervals of logistic models: the association stage against R's confint (MASS).

At the size of ukb_thigh (24,670 rows), a rare and a common outcome, all seven intervals of each. R interpolates the
profile by a spline, so that ends may differ by 0.001 standard errors. One thread.
"""

import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.bench import r_peer
from harness.bench.results import Check
from harness.bench.suite import Asked, Method, Prepared, Values, Work, difference, main

LIMIT = 1e-3
"""Between our ends and those of confint, in standard errors."""

Array = npt.NDArray[np.float64]

PEER = """
suppressMessages(library(MASS))
frame <- read.csv(file.path(arguments[1], "cohort.csv"))
formula <- reformulate(setdiff(names(frame), "y"), "y")
work <- function() suppressMessages(confint(glm(formula, binomial, frame)))
values <- function(ends) list(ends = as.vector(t(ends)))
"""

SHARES = {"rare": -4.4, "common": -1.5}
"""Log odds of the outcome at the covariates' means: as sarcopenia, and as falls."""
NAMES = ("high", "age", "sex", "bmi", "activity1", "activity2")


def make_model(rows: int, log_odds: float) -> tuple[Array, Array]:
    """x (rows, 7) with the intercept, and y (rows,)."""
    draw = np.random.default_rng(0)
    activity = draw.integers(0, 3, rows)
    columns = [np.ones(rows), draw.random(rows) < 0.5, draw.normal(64.5, 7.9, rows).round(1)]
    columns += [draw.random(rows) < 0.48, draw.normal(26.5, 4.4, rows), activity == 1, activity == 2]
    x = np.column_stack(columns).astype(float)
    logit = log_odds + 0.3 * x[:, 1] + 0.06 * (x[:, 2] - 64.5) + 0.1 * x[:, 3]
    return x, (draw.random(rows) < 1 / (1 + np.exp(-logit))).astype(float)


def ours(rows: int, log_odds: float) -> Prepared:
    """Fit and all seven intervals."""
    from containers.association.models.logistic import fit_logistic
    from containers.association.models.profile import profile_intervals

    x, y = make_model(rows, log_odds)

    def call() -> Any:
        fit = fit_logistic(x, y)
        return fit.standard_errors, profile_intervals(x, y, fit)

    return Prepared(call, lambda found: {"errors": found[0], "ends": np.asarray(found[1]).reshape(-1)})


def by_r(rows: int, log_odds: float) -> Prepared:
    """glm and confint."""
    x, y = make_model(rows, log_odds)
    columns = {**dict(zip(NAMES, x[:, 1:].T, strict=True)), "y": y}
    return r_peer.prepare(PEER, {"cohort.csv": r_peer.table(columns)})


def check(outputs: Mapping[str, Values]) -> Iterator[Check]:
    """Interval ends in standard errors."""
    if "R confint" in outputs:
        errors = np.repeat(outputs["ours"]["errors"], 2)
        theirs, own = outputs["R confint"]["ends"] / errors, outputs["ours"]["ends"] / errors
        yield difference("R confint", "ends", theirs, own, LIMIT, "SE")


def rows(asked: Asked) -> list[Work]:
    """A rare and a common outcome."""
    if asked.device == "cuda":
        return []
    n = 2000 if asked.quick else 24670
    return [
        Work(
            f"profile.{name}", "logistic model with seven profile intervals", "model",
            [
                Method("ours", partial(ours, n, log_odds)),
                Method("R confint", partial(by_r, n, log_odds), r_peer.missing("MASS"), target=10.0),
            ],
            check, {"rows": n, "log_odds": log_odds}, threads=1, memory_limit=2 * 8 * 8 * n,
        )
        for name, log_odds in SHARES.items()
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(rows))
