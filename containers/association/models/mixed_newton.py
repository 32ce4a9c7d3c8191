"""Newton's method for the mixed logistic model, on the exact derivatives of `quadrature`.

Invariant: the log-likelihood never falls from step to step, but for rounding; sigma stays above 0 where it is free.
"""

import math
from dataclasses import dataclass

import numpy as np

from containers.association.models.quadrature import Expansion, GroupedRows, NodeRule, expand
from containers.toolkit.tables.cohort.arrays import FloatArray

GRADIENT_TOLERANCE = 1e-8
"""A fit has converged when the largest standardised gradient (`MixedLogisticFit.gradient_max`) is below this."""
STEP_TOLERANCE = 1e-4
"""A last step moves the linear predictor by no more than about this. It does not shrink where outcomes are separated:
there the likelihood flattens, its gradient vanishes, and the coefficients still run."""
GRADIENT_GOAL = 1e-11
"""Iteration goes on to here where rounding allows it: one Newton step more costs little."""
EIGENVALUE_LEAST = 1e-12
"""Eigenvalues of the information, scaled to a unit diagonal, count as at least this."""
MAX_ITERATIONS = 60
MAX_HALVINGS = 30
SIGMA_FACTOR = 4.0
"""A step changes sigma by at most this factor, so that the search stays inside sigma > 0."""
SIGMA_LARGEST = 50.0
"""Beyond this the latent intraclass correlation is above 0.998: the estimate runs to infinity."""


@dataclass(frozen=True)
class Point:
    """Where a search ended."""

    beta: FloatArray
    """Fixed effects there, (p,)."""
    sigma: float
    """Standard deviation of the intercepts there."""
    expansion: Expansion
    """Log-likelihood with its derivatives there."""
    free: int
    """How many of the p + 1 parameters the search moved."""
    decrement: float
    """Steepest slope per standard error, as `gradient_max` of the fit."""
    settled: bool
    """Whether the decrement is below GRADIENT_TOLERANCE (or the search's own goal) and the step below
    STEP_TOLERANCE."""
    iterations: int
    """Newton steps that were taken."""


def climb(
    rows: GroupedRows,
    rule: NodeRule,
    beta: FloatArray,
    sigma: float,
    modes: FloatArray,
    *,
    free_sigma: bool = True,
    sigma_least: float = 0.0,
    goal: float = GRADIENT_GOAL,
) -> Point:
    """Newton's method with steps made uphill and halved where they do not climb.

    Ends when the decrement is below `goal`, or below GRADIENT_TOLERANCE and no longer falling (rounding), when sigma
    leaves (sigma_least, SIGMA_LARGEST), or when no step climbs.
    """
    free = len(beta) + free_sigma
    here = expand(rows, beta, sigma, rule, modes)
    before, steps = math.inf, 0
    spread = np.sqrt(np.einsum("ij,ij->j", rows.x, rows.x) / len(rows.x))
    while True:
        step, decrement = _uphill(here.gradient[:free], here.hessian[:free, :free])
        still = bool(np.abs(step[: len(beta)]) @ spread < STEP_TOLERANCE)
        enough = decrement < goal or before <= decrement < GRADIENT_TOLERANCE
        outside = free_sigma and not sigma_least < sigma < SIGMA_LARGEST
        if (still and enough) or outside or steps == MAX_ITERATIONS:
            break
        steps += 1
        before = decrement
        if free_sigma:
            step *= _shortened(sigma, step[-1])
        # Rounding of a sum of this size must not look like a fall.
        slack = 1e-13 * abs(here.log_likelihood)
        for _ in range(MAX_HALVINGS):
            tried = (beta + step[: len(beta)], sigma + (step[-1] if free_sigma else 0.0))
            there = expand(rows, *tried, rule, here.modes)
            if there.log_likelihood >= here.log_likelihood - slack:
                break
            step = step / 2
        else:
            break
        (beta, sigma), here = tried, there
    settled = still and decrement < max(goal, GRADIENT_TOLERANCE)
    return Point(beta, float(sigma), here, free, decrement, settled, steps)


def _uphill(gradient: FloatArray, hessian: FloatArray) -> tuple[FloatArray, float]:
    """Newton step, and the decrement sqrt(g' I^-1 g) with I = -hessian.

    Where I is not positive definite the signs of its eigenvalues are turned, so that the step still climbs; the
    decrement is then infinite, because such a point is not a maximum.
    """
    scale = 1.0 / np.sqrt(np.maximum(np.abs(np.diag(hessian)), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(-hessian * np.outer(scale, scale))
    along = vectors.T @ (scale * gradient)
    size = np.maximum(np.abs(values), EIGENVALUE_LEAST)
    step = scale * (vectors @ (along / size))
    decrement = math.sqrt(float(along @ (along / size))) if values[0] > 0 else math.inf
    return step, decrement


def _shortened(sigma: float, change: float) -> float:
    """Share of a step that changes sigma by no more than SIGMA_FACTOR."""
    if change > sigma * (SIGMA_FACTOR - 1.0):
        return sigma * (SIGMA_FACTOR - 1.0) / change
    if change < sigma * (1.0 / SIGMA_FACTOR - 1.0):
        return sigma * (1.0 / SIGMA_FACTOR - 1.0) / change
    return 1.0
