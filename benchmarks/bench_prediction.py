"""Bootstrap validation and calibration of a logistic model at the size of nako_cbp: the association stage against rms.

Ten covariates, five continuous and five binary. Both sides take the same table and the same rows of every resample, so
that the corrected c-index, calibration slope and calibration curve must be the same. One thread.
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

LIMIT = 1e-6
SEED = 1

Array = npt.NDArray[np.float64]

PEER = """
suppressMessages(library(rms))
d <- read.csv(file.path(arguments[1], "table.csv"))
n <- nrow(d)
resamples <- as.integer(arguments[2])
draws <- matrix(readBin(file.path(arguments[1], "draws.bin"), "integer", n * resamples, size = 4), n)
turn <- 0
unlockBinding("sample", baseenv())
assign("sample", function(...) { turn <<- turn + 1; draws[, turn] }, envir = baseenv())
f <- lrm(reformulate(setdiff(names(d), "y"), "y"), data = d, x = TRUE, y = TRUE)
"""
VALIDATE = """
work <- function() { turn <<- 0; validate(f, B = resamples) }
values <- function(v) list(c_index = (v["Dxy", "index.corrected"] + 1) / 2, slope = v["Slope", "index.corrected"])
"""
CALIBRATE = """
work <- function() { turn <<- 0; calibrate(f, B = resamples) }
values <- function(k) list(curve = unname(k[, "calibrated.corrected"]))
"""


def make_cohort(rows: int) -> tuple[Array, Array]:
    """x (rows, 11) with the intercept column, columns contiguous, and y (rows,) with about 22 % events."""
    draw = np.random.default_rng(0)
    x = np.ones((11, rows))
    x[1:6], x[6:] = draw.standard_normal((5, rows)), draw.random((5, rows)) < 0.3
    beta = [-1.75, 0.2, -0.15, 0.3, 0.1, -0.1, 0.4, 0.3, 0.2, -0.2, 0.1]
    return x.T, (draw.random(rows) < 1 / (1 + np.exp(-np.array(beta) @ x))).astype(np.float64)


def ours(rows: int, resamples: int, calibrate: bool) -> Prepared:
    """The stage's functions; the model is fitted before, as R's."""
    from containers.association.measures.calibration import calibration_curve
    from containers.association.measures.resampling import harrell_optimism
    from containers.association.models.logistic import fit_logistic

    x, y = make_cohort(rows)
    full = fit_logistic(x, y).coefficients

    def values(found: Any) -> Values:
        if calibrate:
            return {"curve": np.asarray(found.corrected, dtype=float)}
        return {"c_index": np.array([found.corrected]), "slope": np.array([found.slope])}

    work = calibration_curve if calibrate else harrell_optimism
    return Prepared(lambda: work(x, y, full, SEED, resamples), values)


def by_r(rows: int, resamples: int, calibrate: bool) -> Prepared:
    """rms on the rows that are handed over."""
    from containers.association.measures.draws import draw_rows

    x, y = make_cohort(rows)
    draws = np.array([draw_rows(SEED, k, rows) + 1 for k in range(resamples)], dtype=np.int32)
    columns = {"y": y, **{f"x{k}": x[:, k] for k in range(1, x.shape[1])}}
    tables = {"table.csv": r_peer.table(columns), "draws.bin": draws.tobytes()}
    return r_peer.prepare(PEER + (CALIBRATE if calibrate else VALIDATE), tables, [str(resamples)])


def check(outputs: Mapping[str, Values]) -> Iterator[Check]:
    """Every number of both."""
    for peer in list(outputs)[1:]:
        for quantity, own in outputs["ours"].items():
            yield difference(peer, quantity, outputs[peer][quantity].reshape(own.shape), own, LIMIT)


def rows(asked: Asked) -> list[Work]:
    """Validation and calibration."""
    if asked.device == "cuda":
        return []
    n, resamples = (2000, 10) if asked.quick else (27518, 40)
    return [
        Work(
            f"prediction.{name}", f"bootstrap {name} by {resamples} resamples", "model",
            [
                Method("ours", partial(ours, n, resamples, calibrate)),
                Method(f"R rms {name}", partial(by_r, n, resamples, calibrate), r_peer.missing("rms"), target=20.0),
            ],
            check, {"rows": n, "resamples": resamples}, threads=1,
        )
        for name, calibrate in (("validate", False), ("calibrate", True))
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(rows))
