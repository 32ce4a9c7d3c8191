"""Maximum-likelihood logistic regression by Newton's method with step halving.

The information is the observed one, which for the logit link is also the expected one: X' diag(w p (1 - p)) X.
Source: McCullagh and Nelder, Generalized Linear Models, 2nd ed., section 4.4. Whether a maximum exists at all is
not asked here (see `separation.py`); a diverging fit approaches the supremum of the log-likelihood.
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from containers.toolkit.tables.cohort.arrays import FloatArray

ITERATIONS = 100
DECREMENT = 1e-13
"""Newton decrement (score' inverse-information score, that is about twice the log-likelihood still to gain) at which
the step in hand is the last: the next one would be of its square."""

BLOCK = 4096
REACH = 20.0
"""A step changes no row's linear predictor by more."""


@dataclass(frozen=True)
class LogisticFit:
    """Maximum likelihood of a logistic regression."""

    coefficients: FloatArray
    """Log odds ratios, (p,)."""
    covariance: FloatArray
    """Inverse information, (p, p); NaN where it is singular."""
    log_likelihood: float
    """Log-likelihood at the maximum."""
    iterations: int
    """Newton steps that were taken."""
    converged: bool
    """Whether the steps became small and the information is not singular."""

    @property
    def standard_errors(self) -> FloatArray:
        """(p,) square roots of the covariance's diagonal."""
        errors: FloatArray = np.sqrt(np.diag(self.covariance))
        return errors


class LogisticLikelihood:
    """The log-likelihood of rows x (n, p), y (n,) of 0 and 1, with weights (frequencies) and offset, both (n,).

    Rows are held with the sign of 2 y - 1, so that the log-likelihood is -sum w log(1 + exp(-s)) of one linear
    predictor s, and one exponential and one logarithm per row give all of it.
    """

    def __init__(
        self, x: FloatArray, y: FloatArray, weights: FloatArray | None = None, offset: FloatArray | None = None
    ) -> None:
        sign = 2.0 * y - 1.0
        self.x, self.y, self.weights, self.offset = x, y, weights, offset
        self.columns: FloatArray = np.multiply(x.T, sign, out=np.empty(x.shape[::-1]))
        self._signed_offset = None if offset is None else offset * sign

    def at(self, beta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Log-likelihood, score (p,) and information (p, p) at beta (p,)."""
        value, wrong, variance = self.rows(beta)
        return value, self.columns @ wrong, weighted_products(self.columns, variance)

    def rows(self, beta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Log-likelihood, w times the probability of the other outcome, and w p (1 - p), both (n,)."""
        small, total, value = self._exponentials(beta)
        wrong = small / total
        variance = wrong / total
        if self.weights is not None:
            wrong, variance = wrong * self.weights, variance * self.weights
        return value, wrong, variance

    def value(self, beta: FloatArray) -> float:
        """Log-likelihood at beta (p,)."""
        return self._exponentials(beta)[2]

    def _exponentials(self, beta: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        """exp(-s), 1 + exp(-s) and the log-likelihood."""
        s = beta @ self.columns
        if self._signed_offset is not None:
            s = s + self._signed_offset
        small = np.exp(-np.maximum(s, -700.0))
        total = 1.0 + small
        terms = np.log(total)
        return small, total, -float(terms.sum() if self.weights is None else terms @ self.weights)


def weighted_products(columns: FloatArray, weights: FloatArray) -> FloatArray:
    """(p, p) columns diag(weights) columns' of columns (p, n), by blocks of rows that stay in the cache."""
    total = np.zeros((len(columns), len(columns)))
    for start in range(0, columns.shape[1], BLOCK):
        block = columns[:, start : start + BLOCK]
        total += (block * weights[start : start + BLOCK]) @ block.T
    return total


def fit_logistic(
    x: FloatArray,
    y: FloatArray,
    weights: FloatArray | None = None,
    offset: FloatArray | None = None,
    start: FloatArray | None = None,
) -> LogisticFit:
    """Fit y (n,) of 0 and 1 on x (n, p), which includes the intercept's column of ones.

    weights: (n,) frequencies, as if each row were there so many times. offset: (n,), added to the linear predictor.
    start: (p,), zero unless given. Raises ValueError for arrays that do not fit together.
    """
    if x.ndim != 2 or y.shape != x.shape[:1] or any(a is not None and a.shape != y.shape for a in (weights, offset)):
        raise ValueError(f"x {x.shape}, y {y.shape}, weights and offset do not fit together")
    likelihood = LogisticLikelihood(x, y, weights, offset)
    beta = np.zeros(x.shape[1]) if start is None else np.array(start, dtype=np.float64)
    value, score, information = likelihood.at(beta)
    converged = False
    iterations = 0
    while iterations < ITERATIONS:
        iterations += 1
        step = solve(information, score)
        decrement = float(score @ step)
        if not np.isfinite(decrement):
            break
        # Where the probabilities are all but 0 and 1 the step is far too long: it says little beyond this reach.
        step = step / max(1.0, float(np.abs(step @ likelihood.columns).max()) / REACH)
        beta, value = _improved(likelihood, beta, step, value)
        value, score, information = likelihood.at(beta)
        if decrement <= DECREMENT:
            converged = True
            break
    covariance = inverse(information)
    converged = converged and bool(np.isfinite(covariance).all())
    return LogisticFit(beta, covariance, value, iterations, converged)


def _improved(
    likelihood: LogisticLikelihood, beta: FloatArray, step: FloatArray, value: float
) -> tuple[FloatArray, float]:
    """beta + step, or the largest half, quarter, ... of the step that does not lower the log-likelihood."""
    slack = 1e-12 * (1.0 + abs(value))
    for _ in range(40):
        new = likelihood.value(beta + step)
        if new >= value - slack:
            return beta + step, new
        step = step / 2.0
    return beta, value


def _scale(information: FloatArray) -> FloatArray:
    """(p,) factors that bring the diagonal to one: units of the columns no longer matter."""
    diagonal = np.diag(information)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale: FloatArray = np.where(diagonal > 0.0, 1.0 / np.sqrt(diagonal), np.nan)
    return scale


def solve(information: FloatArray, right: FloatArray) -> FloatArray:
    """information^-1 right, for a symmetric positive matrix (p, p); least squares where it is singular."""
    scale = _scale(information)
    if not np.isfinite(scale).all():
        return np.full(right.shape, np.nan)
    scaled = information * np.outer(scale, scale)
    try:
        solution: FloatArray = scipy.linalg.cho_solve(scipy.linalg.cho_factor(scaled), scale * right)
    except np.linalg.LinAlgError:
        solution = np.linalg.lstsq(scaled, scale * right, rcond=1e-14)[0].astype(np.float64)
    return scale * solution


def inverse(information: FloatArray) -> FloatArray:
    """Inverse of a symmetric positive matrix (p, p), symmetric; NaN where it is singular."""
    scale = _scale(information)
    outer = np.outer(scale, scale)
    try:
        inverted = scipy.linalg.cho_solve(scipy.linalg.cho_factor(information * outer), np.eye(len(scale)))
    except (np.linalg.LinAlgError, ValueError):
        return np.full_like(information, np.nan)
    result: FloatArray = (inverted + inverted.T) / 2.0 * outer
    return result
