"""Profile-likelihood intervals.

The end of the interval of coefficient j is where twice the drop of the profile log-likelihood equals the chi-square
quantile. Ends are found by Newton's method on the whole system at once (likelihood drop, and zero scores of the other
coefficients): Venzon and Moolgavkar, Applied Statistics 1988;37:87-94. The drop enters as its signed root, which is
nearly linear. Where that fails to arrive, the root is bracketed on refits with coefficient j held.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.optimize
import scipy.special

from containers.association.models.logistic import LogisticFit, LogisticLikelihood, fit_logistic
from containers.toolkit.tables.cohort.arrays import FloatArray

NEWTON_STEPS = 15
TOLERANCE = 1e-10
"""Of the signed root, and of the scores in units of the standard errors: an end is off by that many standard errors."""
DOUBLINGS = 40


@dataclass(frozen=True)
class ProfileProblem:
    """A log-likelihood (penalised or not) and the height of the interval's ends below its maximum."""

    at: Callable[[FloatArray], tuple[float, FloatArray, FloatArray]]
    """Gives value, score (p,) and information (p, p) at coefficients (p,)."""
    held: Callable[[int, float], float]
    """Gives the largest value with coefficient j held at a number."""
    maximum: float
    """The largest value (its supremum where there is no maximum)."""
    root: float
    """Square root of the chi-square quantile, 1.96 for 95 %."""


def profile_intervals(
    x: FloatArray,
    y: FloatArray,
    fit: LogisticFit,
    level: float = 0.95,
    weights: FloatArray | None = None,
) -> FloatArray:
    """(p, 2) low and high end for every coefficient of a converged `fit` of y (n,) on x (n, p).

    Raises ValueError when the fit has not converged; its ends need not exist.
    """
    if not fit.converged:
        raise ValueError("profile intervals need a converged fit")
    return interval_ends(logistic_problem(x, y, fit, level, weights), fit)


def logistic_problem(
    x: FloatArray,
    y: FloatArray,
    fit: LogisticFit,
    level: float,
    weights: FloatArray | None = None,
) -> ProfileProblem:
    """The problem of a logistic regression. fit: its maximum, or a diverging fit next to the supremum."""
    likelihood = LogisticLikelihood(x, y, weights)

    def held(j: int, value: float) -> float:
        others = np.delete(x, j, axis=1)
        shifted = x[:, j] * value
        if others.shape[1] == 0:
            return likelihood.value(np.array([value]))
        start = np.delete(fit.coefficients, j)
        # Newton's steps from a start that lies far off may not arrive. Next to a supremum, coefficients grow together.
        largest = -np.inf
        for near in (start, start * (value / fit.coefficients[j]) if fit.coefficients[j] else start, 0.0 * start):
            refit = fit_logistic(others, y, weights, shifted, near)
            largest = max(largest, refit.log_likelihood)
            if refit.converged:
                break
        return largest

    return ProfileProblem(likelihood.at, held, fit.log_likelihood, float(scipy.special.ndtri(0.5 + level / 2.0)))


def interval_ends(problem: ProfileProblem, fit: LogisticFit) -> FloatArray:
    """(p, 2) ends for every coefficient of a fit at the problem's maximum; NaN for one that is unbounded."""
    return np.array([ends_of(problem, fit, j) for j in range(len(fit.coefficients))])


def ends_of(problem: ProfileProblem, fit: LogisticFit, j: int) -> tuple[float, float]:
    """Ends for coefficient j, as `interval_ends`."""
    errors = fit.standard_errors
    ends = []
    for side in (-1, 1):
        start = fit.coefficients + side * problem.root * fit.covariance[:, j] / errors[j]
        end = _newton(problem, j, side, start, fit, errors)
        if end is None:
            end = bracketed_end(problem, j, side, float(fit.coefficients[j]), float(errors[j]))
        ends.append(end)
    return ends[0], ends[1]


def _newton(
    problem: ProfileProblem, j: int, side: int, start: FloatArray, fit: LogisticFit, errors: FloatArray
) -> float | None:
    """The end by Newton's method from `start` (p,), or None when it does not arrive on its side."""
    theta = start
    for _ in range(NEWTON_STEPS):
        value, score, information = problem.at(theta)
        drop = 2.0 * (problem.maximum - value)
        if not 0.0 < drop < np.inf:
            return None
        signed = float(np.sqrt(drop))
        # Rows and columns in units of the standard errors.
        equations = score * errors
        equations[j] = signed - problem.root
        if np.abs(equations).max() <= TOLERANCE:
            return float(theta[j]) if side * (theta[j] - fit.coefficients[j]) > 0 else None
        jacobian = -information * np.outer(errors, errors)
        jacobian[j] = -score * errors / signed
        try:
            step = np.linalg.solve(jacobian, equations)
        except np.linalg.LinAlgError:
            return None
        if not np.abs(step).max() < 10.0 * problem.root:
            return None
        theta = theta - errors * step
    return None


def bracketed_end(problem: ProfileProblem, j: int, side: int, inside: float, width: float) -> float:
    """The end on `side` (-1 or 1) of coefficient j, from a value `inside` the interval, by refits with it held.

    width: a first guess of the distance over the root. NaN when the likelihood does not drop far enough.
    """

    def excess(value: float) -> float:
        drop = 2.0 * (problem.maximum - problem.held(j, value))
        return float(np.sqrt(max(0.0, drop))) - problem.root

    near, far = inside, inside + side * problem.root * width
    for _ in range(DOUBLINGS):
        if excess(far) > 0.0:
            return float(scipy.optimize.brentq(excess, near, far, xtol=1e-12 * width, rtol=1e-15))
        near, far = far, far + 2.0 * (far - near)
    return float("nan")
