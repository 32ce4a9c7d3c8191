"""Mixed-effects logistic regression: the association stage against glmer (lme4), by Laplace and by 25 nodes.

The size of nako_cbp: 27,518 rows, five sites, ten covariates, four of them continuous. glmer has its default settings;
its inner iterations stop early, so that coefficients may differ by 0.02 standard errors. Our log-likelihood must not be
below glmer's, our memory not over two tables; with 25 nodes glmer counts its own from the saturated model, which for
single rows is 0. One thread.
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

LIMIT = 0.02
"""Between our coefficients and glmer's, in standard errors."""
SITES = 5

Array = npt.NDArray[np.float64]

PEER = """
suppressMessages(library(lme4))
frame <- read.csv(file.path(arguments[1], "cohort.csv"))
frame$site <- factor(frame$site)
formula <- as.formula(paste("y ~", paste(setdiff(names(frame), c("y", "site")), collapse = " + "), "+ (1 | site)"))
nodes <- as.integer(arguments[2])
work <- function() suppressWarnings(glmer(formula, frame, binomial, nAGQ = nodes))
values <- function(fit) list(beta = unname(fixef(fit)), sigma = unname(getME(fit, "theta")),
                             log_likelihood = as.numeric(logLik(fit)))
"""


def make_cohort(rows: int) -> tuple[Array, Array, npt.NDArray[np.int64]]:
    """x (rows, 11) with the intercept, y, site: four continuous covariates, six of two values."""
    draw = np.random.default_rng(0)
    x = np.column_stack([np.ones(rows), draw.standard_normal((rows, 4)), draw.random((rows, 6)) < 0.3]).astype(float)
    site = draw.integers(0, SITES, rows)
    beta = np.array([-1.2, 0.2, -0.15, 0.3, 0.1, *[0.2] * 6])
    predictor = x @ beta + 0.4 * draw.standard_normal(SITES)[site]
    return x, (draw.random(rows) < 1 / (1 + np.exp(-predictor))).astype(float), site


def ours(rows: int, nodes: int) -> Prepared:
    """The stage's fit."""
    from containers.association.models.mixed_logistic import fit_mixed_logistic

    x, y, site = make_cohort(rows)
    fit_mixed_logistic(x[:200], y[:200], site[:200] % 2, nodes)

    def values(fit: Any) -> Values:
        errors = np.sqrt(np.diag(fit.covariance))
        return {
            "beta": fit.coefficients, "errors": errors, "sigma": np.array(fit.sigma),
            "log_likelihood": np.array(fit.log_likelihood if fit.converged else np.nan),
        }  # fmt: skip

    return Prepared(lambda: fit_mixed_logistic(x, y, site, nodes), values)


def by_r(rows: int, nodes: int) -> Prepared:
    """glmer."""
    x, y, site = make_cohort(rows)
    columns = {**{f"x{k}": x[:, k] for k in range(1, x.shape[1])}, "y": y, "site": site}
    return r_peer.prepare(PEER, {"cohort.csv": r_peer.table(columns)}, [str(nodes)])


def check(outputs: Mapping[str, Values]) -> Iterator[Check]:
    """Coefficients in standard errors, sigma, and what our log-likelihood lacks."""
    if "R glmer" not in outputs:
        return
    own, other = outputs["ours"], outputs["R glmer"]
    yield difference("R glmer", "coefficients", other["beta"] / own["errors"], own["beta"] / own["errors"], LIMIT, "SE")
    yield difference("R glmer", "sigma", other["sigma"].reshape(()), own["sigma"], None)
    lack = np.maximum(0, other["log_likelihood"] - own["log_likelihood"])
    yield difference("R glmer", "log-likelihood lacks", lack, 0 * lack, 1e-6 * float(abs(own["log_likelihood"])))


def rows(asked: Asked) -> list[Work]:
    """Laplace, and 25 nodes."""
    if asked.device == "cuda":
        return []
    n = 3000 if asked.quick else 27518
    return [
        Work(
            f"mixed_logistic.{name}", f"mixed logistic model, {name}", "model",
            [
                Method("ours", partial(ours, n, nodes)),
                Method("R glmer", partial(by_r, n, nodes), r_peer.missing("lme4"), target=50.0),
            ],
            check, {"rows": n, "sites": SITES, "nodes": nodes}, threads=1, memory_limit=2 * 13 * 8 * n,
        )
        for name, nodes in (("laplace", 1), ("quadrature", 25))
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(rows))
