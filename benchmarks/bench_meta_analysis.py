"""Random effects, three levels and CR2 errors: the meta_analysis stage against metafor and clubSandwich.

Drawn effects of 14 studies, 1 to 15 per study, four moderators. metafor works with whole k x k matrices, and its
optimiser stops earlier than ours: variances, errors and degrees of freedom may differ by 1e-4 of themselves. One
thread.
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

LIMIT = 1e-4

Floats = npt.NDArray[np.float64]

PEER = """
suppressMessages({library(metafor); library(clubSandwich)})
d <- read.csv(file.path(arguments[1], "table.csv"))
d$row <- seq_len(nrow(d))
three <- function() rma.mv(y, v, mods = ~ a + b + c + e, random = ~ 1 | study/row, data = d)
"""
PARTS = {
    "two_level": "work <- function() rma(y, v, data = d)\nvalues <- function(m) list(found = m$tau2)",
    "three_level": "work <- three\nvalues <- function(m) list(found = m$sigma2)",
    "cr2": """fitted <- three()
work <- function() coef_test(fitted, vcov = "CR2", cluster = d$study)
values <- function(r) list(found = c(r$SE, r$df_Satt))""",
}
PACKAGES = {"two_level": "metafor rma", "three_level": "metafor rma.mv", "cr2": "clubSandwich"}


def draw(studies: int) -> tuple[Floats, Floats, Floats, npt.NDArray[np.int64]]:
    """Effects (k,), design (k, 5), variances (k,) and study codes (k,)."""
    rng = np.random.default_rng(studies)
    study = np.repeat(np.arange(studies), rng.integers(1, 16, studies)).astype(np.int64)
    k = len(study)
    moderators = np.column_stack([rng.normal(size=studies)[study], rng.normal(size=(k, 3))])
    v = rng.uniform(0.02, 0.15, k)
    effect = 0.4 + moderators @ [0.1, 0.2, 0.0, -0.1]
    noise = rng.normal(0, 0.35, studies)[study] + rng.normal(0, 0.25, k) + rng.normal(0, np.sqrt(v))
    return effect + noise, np.column_stack([np.ones(k), moderators]), v, study


def ours(studies: int, part: str) -> Prepared:
    """The stage's estimators."""
    from containers.meta_analysis.models.robust import cr2
    from containers.meta_analysis.models.three_level import fit_three_level
    from containers.meta_analysis.models.two_level import fit_two_level

    y, x, v, study = draw(studies)
    if part == "two_level":
        ones = np.ones((len(y), 1))
        return Prepared(lambda: fit_two_level(y, ones, v, "REML"), lambda fit: {"found": np.array([fit.tau2])})
    if part == "three_level":
        return Prepared(lambda: fit_three_level(y, x, v, study), lambda m: {"found": np.array([m.between, m.within])})
    three = fit_three_level(y, x, v, study)

    def values(robust: Any) -> Values:
        return {"found": np.array([*robust.se, *robust.df])}

    return Prepared(lambda: cr2(y, x, three.blocks, three.weights()), values)


def by_r(studies: int, part: str) -> Prepared:
    """metafor and clubSandwich."""
    y, x, v, study = draw(studies)
    columns = {"y": y, "v": v, "study": study, **dict(zip("abce", x[:, 1:].T, strict=True))}
    return r_peer.prepare(PEER + PARTS[part], {"table.csv": r_peer.table(columns)})


def check(outputs: Mapping[str, Values]) -> Iterator[Check]:
    """Each number, relative to ours."""
    for peer in list(outputs)[1:]:
        own = outputs["ours"]["found"]
        yield difference(peer, "relative", outputs[peer]["found"] / own, np.ones_like(own), LIMIT)


def rows(asked: Asked) -> list[Work]:
    """Two levels, three levels, robust errors."""
    if asked.device == "cuda":
        return []
    studies = 6 if asked.quick else 14
    missing = r_peer.missing("metafor", "clubSandwich")
    return [
        Work(
            f"meta_analysis.{part}", part.replace("_", " "), "model",
            [
                Method("ours", partial(ours, studies, part)),
                Method(PACKAGES[part], partial(by_r, studies, part), missing),
            ],
            check, {"studies": studies}, threads=1,
        )
        for part in PARTS
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(rows))
