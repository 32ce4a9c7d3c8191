"""Firth's penalised-likelihood logistic regression, which has finite estimates under separation too.

The penalised log-likelihood is l(b) + log det I(b) / 2, Jeffreys' prior: Firth, Biometrika 1993;80:27-38; for logistic
regression with profile intervals and likelihood-ratio tests: Heinze and Schemper, Statistics in Medicine
2002;21:2409-2419. The covariance is the inverse of the (unpenalised) information at the estimate.
"""

from functools import partial

import numpy as np
import scipy.special

from containers.association.models.logistic import LogisticFit, LogisticLikelihood, inverse, solve, weighted_products
from containers.association.models.profile import ProfileProblem, ends_of
from containers.toolkit.tables.cohort.arrays import FloatArray, IntArray

ITERATIONS = 200
DECREMENT = 1e-13
"""Modified score' inverse-curvature modified score at which the step in hand is the last: Newton's steps square it."""
REACH = 5.0
"""A step changes no row's linear predictor by more: beyond it the curvature says little."""


class PenalisedLikelihood:
    """Of rows x (n, p), y (n,) of 0 and 1 and weights (n,), frequencies above 0, or None."""

    def __init__(self, x: FloatArray, y: FloatArray, weights: FloatArray | None = None) -> None:
        self.unpenalised = LogisticLikelihood(x, y, weights)

    def at(self, beta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Penalised log-likelihood, its gradient (p,) and minus its matrix of second derivatives (p, p).

        With M = I^-1 and S_r = half the derivative of I by b_r, the penalty log det I / 2 has the gradient tr(M S_r)
        and the second derivatives (sum of h_i (1 - 6 p_i (1 - p_i)) x_ir x_is) / 2 - 2 tr(M S_r M S_s), h the leverage.
        The value is -inf, and the rest NaN, where the information is singular.
        """
        value, wrong, variance = self.unpenalised.rows(beta)
        columns = self.unpenalised.columns
        information = weighted_products(columns, variance)
        inverted = inverse(information)
        sign, log_determinant = np.linalg.slogdet(information)
        if sign <= 0 or not np.isfinite(inverted).all():
            return -np.inf, np.full(len(beta), np.nan), np.full_like(information, np.nan)
        leverage = np.einsum("ij,ij->j", columns, inverted @ columns) * variance
        # In rows with the sign of 2 y - 1, 1/2 - p is the probability of the other outcome less 1/2.
        share = wrong if self.unpenalised.weights is None else wrong / self.unpenalised.weights
        tilt = variance * (share - 0.5)
        halves = [inverted @ weighted_products(columns, tilt * column) for column in columns]
        traces = np.array([[float(np.sum(one * other.T)) for other in halves] for one in halves])
        bend = weighted_products(columns, leverage * (1.0 - 6.0 * share * (1.0 - share)))
        score = columns @ wrong + np.array([float(np.trace(half)) for half in halves])
        return value + float(log_determinant) / 2.0, score, information - bend / 2.0 + 2.0 * traces

    def information(self, beta: FloatArray) -> FloatArray:
        """(p, p) information of the plain likelihood."""
        return self.unpenalised.at(beta)[2]


def fit_firth(x: FloatArray, y: FloatArray, weights: FloatArray | None = None) -> LogisticFit:
    """Fit y (n,) of 0 and 1 on x (n, p) of full rank, which includes the intercept's column of ones.

    weights: (n,) frequencies above 0, or None. `log_likelihood` of the result is the penalised one.
    """
    rows, triangle = _orthogonal(x)
    p = x.shape[1]
    fit = _maximise(PenalisedLikelihood(rows, y, weights), np.zeros(p), np.arange(p))
    back = np.linalg.inv(triangle)
    # The information in x is triangle' information triangle, and its determinant is in the likelihood.
    log_likelihood = fit.log_likelihood + float(np.log(np.abs(np.diag(triangle))).sum())
    return LogisticFit(
        back @ fit.coefficients, back @ fit.covariance @ back.T, log_likelihood, fit.iterations, fit.converged
    )


def _orthogonal(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """x (n, p) = rows (n, p) triangle (p, p), the rows' columns orthonormal: Jeffreys' prior is the same in any
    coordinates, and in these a column far from zero (a year) costs no digits. The triangle's last entry is above 0."""
    rows, triangle = np.linalg.qr(x)
    sign = -1.0 if triangle[-1, -1] < 0 else 1.0
    rows[:, -1] *= sign
    triangle[-1] *= sign
    return rows, triangle


def _maximise(likelihood: PenalisedLikelihood, start: FloatArray, free: IntArray) -> LogisticFit:
    """Maximum over the coefficients `free` (positions); the others stay as in `start` (p,)."""
    beta = start.copy()
    value, score, curvature = likelihood.at(beta)
    converged = False
    iterations = 0
    while iterations < ITERATIONS and not converged and np.isfinite(value):
        iterations += 1
        step = np.zeros(len(beta))
        step[free] = _uphill(likelihood, beta, score, curvature, free)
        converged = float(score @ step) <= DECREMENT
        step = step / max(1.0, float(np.abs(step @ likelihood.unpenalised.columns).max()) / REACH)
        for _ in range(40):
            new = likelihood.at(beta + step)
            if new[0] >= value - 1e-12 * (1.0 + abs(value)):
                beta, (value, score, curvature) = beta + step, new
                break
            step = step / 2.0
    return LogisticFit(beta, inverse(likelihood.information(beta)), float(value), iterations, converged)


def _uphill(
    likelihood: PenalisedLikelihood, beta: FloatArray, score: FloatArray, curvature: FloatArray, free: IntArray
) -> FloatArray:
    """Newton's step in the free coefficients; by the plain information where the curvature is not positive."""
    inside = np.ix_(free, free)
    if np.linalg.eigvalsh(curvature[inside])[0] <= 0.0:
        curvature = likelihood.information(beta)
    return solve(curvature[inside], score[free])


def firth_intervals(
    x: FloatArray, y: FloatArray, fit: LogisticFit, level: float = 0.95, weights: FloatArray | None = None
) -> FloatArray:
    """(p, 2) ends of the penalised profile-likelihood intervals of a `fit_firth` on the same rows; NaN: unbounded."""
    root = float(scipy.special.ndtri(0.5 + level / 2.0))
    ends = np.empty((x.shape[1], 2))
    for j in range(x.shape[1]):
        likelihood, turned, unit = _turned(x, y, fit, j, weights)
        problem = ProfileProblem(likelihood.at, partial(_held, likelihood, turned), turned.log_likelihood, root)
        ends[j] = np.array(ends_of(problem, turned, x.shape[1] - 1)) / unit
    return ends


def _turned(
    x: FloatArray, y: FloatArray, fit: LogisticFit, j: int, weights: FloatArray | None
) -> tuple[PenalisedLikelihood, LogisticFit, float]:
    """The likelihood in coordinates whose last is coefficient j times the number returned, and its maximum."""
    order = np.append(np.delete(np.arange(x.shape[1]), j), j)
    rows, triangle = _orthogonal(x[:, order])
    likelihood = PenalisedLikelihood(rows, y, weights)
    turned = _maximise(likelihood, triangle @ fit.coefficients[order], np.arange(x.shape[1]))
    return likelihood, turned, float(triangle[-1, -1])


def _held(likelihood: PenalisedLikelihood, fit: LogisticFit, j: int, value: float) -> float:
    """The largest penalised log-likelihood with coefficient j at `value`; the penalty stays that of all columns."""
    free = np.delete(np.arange(len(fit.coefficients)), j)
    # The other coefficients start where a quadratic likelihood would have them.
    path = fit.covariance[:, j] / fit.covariance[j, j]
    start = fit.coefficients + path * (value - fit.coefficients[j])
    start[j] = value
    return _maximise(likelihood, start, free).log_likelihood if len(free) else likelihood.at(start)[0]


def firth_gains(x: FloatArray, y: FloatArray, fit: LogisticFit, weights: FloatArray | None = None) -> FloatArray:
    """(p,) how much the penalised log-likelihood falls when a coefficient is held at 0 (Heinze and Schemper's test).

    The penalty stays that of all p columns.
    """
    gains = []
    for j in range(x.shape[1]):
        likelihood, turned, _ = _turned(x, y, fit, j, weights)
        gains.append(turned.log_likelihood - _held(likelihood, turned, x.shape[1] - 1, 0.0))
    return np.array(gains)
