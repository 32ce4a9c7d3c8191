"""Complete and quasi-complete separation: whether the maximum-likelihood estimate exists, and which part does not.

With the rows written as r_i = (2 y_i - 1) x_i, the estimate exists exactly when no direction d other than 0 has
r_i d >= 0 for all rows (Albert and Anderson, Biometrika 1984;71:1-10). The directions form a cone, explored by linear
programmes (Konis, DPhil thesis, Oxford 2007). Along them the log-likelihood only rises.

- Certificate of overlap: by Stiemke's lemma there is no such d when positive weights with sum weight_i r_i = 0 exist.
  At a maximum the probabilities of the other outcome are such weights, so that a converged fit mostly proves itself.
- At the limit, the separated rows drop out of the likelihood; coefficients that no direction moves are estimated from
  the other rows (Geyer, Electronic Journal of Statistics 2009;3:259-289).
"""

from dataclasses import dataclass

import numpy as np
import scipy.optimize

from containers.association.models.logistic import LogisticFit, LogisticLikelihood, fit_logistic
from containers.toolkit.tables.cohort.arrays import BoolArray, FloatArray

CERTAIN = 1e-9
"""Smallest weight that counts as positive in the certificate; rounding is far below. Else the programmes decide."""
MOVES = 1e-8
"""A standardised coefficient that can move by this much within the unit box is unbounded. Programmes solve to 1e-10."""
FLAT = 1e-10
"""Singular values below this part of the largest are zero."""


@dataclass(frozen=True)
class Separation:
    """Outcomes that a combination of the terms separates."""

    complete: bool
    """Whether every row is separated."""
    rows: BoolArray
    """Which rows are separated, (n,)."""
    up: BoolArray
    """Which coefficients have no upper bound, (p,)."""
    down: BoolArray
    """Which coefficients have no lower bound, (p,)."""

    @property
    def word(self) -> str:
        return "complete separation" if self.complete else "quasi-complete separation"

    @property
    def involved(self) -> BoolArray:
        """(p,) coefficients without a finite estimate."""
        return self.up | self.down


def overlap_is_certain(x: FloatArray, y: FloatArray, coefficients: FloatArray) -> bool:
    """Whether the fit (p,) of y (n,) on x (n, p) proves that the estimate exists. False proves nothing."""
    likelihood = LogisticLikelihood(x, y)
    weights = likelihood.rows(coefficients)[1]
    if not np.isfinite(weights).all() or weights.min() < CERTAIN:
        return False
    # The weights are off by rounding and by what the fit lacks: the least correction that makes the sum zero.
    scale = np.linalg.norm(x, axis=0)
    rows = likelihood.columns / scale[:, None]
    lacking = rows @ weights
    correction = np.linalg.lstsq(rows @ rows.T, lacking, rcond=None)[0] @ rows
    return bool(np.abs(correction).max() < 0.5 * weights.min())


def find_separation(x: FloatArray, y: FloatArray) -> Separation | None:
    """Separation of y (n,) of 0 and 1 by x (n, p) of full rank, its first column the intercept; None for overlap."""
    rows, back = _standardised(x, y)
    separated = _separated_rows(rows)
    if not separated.any():
        return None
    # The cone lies in the directions that leave the overlapping rows alone; there it is what the separated rows allow.
    overlapping = np.vstack([rows[~separated], np.zeros((x.shape[1], x.shape[1]))])
    _, sizes, directions = np.linalg.svd(np.linalg.qr(overlapping, mode="r"))
    flat = directions[sizes <= FLAT * max(1.0, sizes.max())]
    cone = rows[separated] @ flat.T
    cone = np.unique(np.round(cone / np.linalg.norm(cone, axis=1, keepdims=True), 12), axis=0)
    up, down = (np.array([_reach(cone, sign * back[j] @ flat.T) for j in range(x.shape[1])]) for sign in (1.0, -1.0))
    return Separation(bool(separated.all()), separated, up > MOVES, down > MOVES)


def _standardised(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rows r (n, p) in centred and scaled columns, and the matrix (p, p) from such coefficients to those of x.

    The rows of the matrix are scaled to a sum of absolute values of one, so that what moves is judged alike for each.
    """
    means, scales = x[:, 1:].mean(axis=0), x[:, 1:].std(axis=0)
    standard = np.column_stack([np.ones(len(y)), (x[:, 1:] - means) / scales])
    back = np.diag(np.concatenate([[1.0], 1.0 / scales]))
    back[0, 1:] = -means / scales
    return standard * (2.0 * y - 1.0)[:, None], back / np.abs(back).sum(axis=1, keepdims=True)


def _separated_rows(rows: FloatArray) -> BoolArray:
    """(n,) rows with r d > 0 for some direction of the cone.

    A programme finds a direction; the rows that it separates put no bound on further ones (a long enough part of it
    added makes up for them) and leave; until no direction is left for the others.
    """
    left = np.arange(len(rows))
    while len(left):
        distinct, position = np.unique(rows[left], axis=0, return_inverse=True)
        direction = _solve(-distinct.sum(axis=0), -distinct, [(-1.0, 1.0)] * rows.shape[1])
        gain = (distinct @ direction)[position.reshape(-1)]
        if gain.max() <= MOVES:
            break
        left = left[gain <= MOVES]
    separated = np.ones(len(rows), dtype=bool)
    separated[left] = False
    return separated


def _reach(rows: FloatArray, objective: FloatArray) -> float:
    """The largest objective' d over directions d of the cone within the unit box."""
    direction = _solve(-objective, -rows, [(-1.0, 1.0)] * rows.shape[1])
    return float(objective @ direction)


def _solve(cost: FloatArray, upper: FloatArray, bounds: list[tuple[float, float]]) -> FloatArray:
    """min cost' v, upper v <= 0, within bounds; feasible (v = 0) and bounded by construction."""
    done = scipy.optimize.linprog(
        cost,
        A_ub=upper,
        b_ub=np.zeros(len(upper)),
        bounds=bounds,
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if done.x is None:
        raise ArithmeticError(f"linear programme of the separation test: {done.message}")
    solution: FloatArray = done.x
    return solution


def fit_at_limit(x: FloatArray, y: FloatArray, separation: Separation) -> LogisticFit:
    """The fit along the separating directions: the supremum of the log-likelihood, finite coefficients where there
    are any, NaN (coefficient and covariance) for the others."""
    p = x.shape[1]
    coefficients, covariance = np.full(p, np.nan), np.full((p, p), np.nan)
    overlapping = ~separation.rows
    if not overlapping.any():
        return LogisticFit(coefficients, covariance, 0.0, 0, True)
    order = np.argsort(separation.involved, kind="stable")
    inside = x[overlapping][:, order]
    norms = np.linalg.norm(inside, axis=0)
    triangle = np.abs(np.diag(np.linalg.qr(inside / np.where(norms > 0, norms, 1.0), mode="r")))
    independent = np.flatnonzero(triangle > 1e-9)
    fit = fit_logistic(inside[:, independent], y[overlapping])
    finite = int((~separation.involved).sum())
    chosen = order[:finite]
    coefficients[chosen] = fit.coefficients[:finite]
    covariance[np.ix_(chosen, chosen)] = fit.covariance[:finite, :finite]
    return LogisticFit(coefficients, covariance, fit.log_likelihood, fit.iterations, fit.converged)
