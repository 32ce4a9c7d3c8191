"""Profile-likelihood interval of the random intercept's standard deviation.

With few groups the likelihood is far from a parabola along sigma, and a Wald interval of it means little; the profile
has the boundary in it: the lower end is 0 where the likelihood ratio does not exclude a variance of 0. The limit is
the chi-square quantile with one degree of freedom, as in lme4's `confint`; near 0 that is conservative.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from containers.association.models.mixed_logistic import MixedLogisticFit
from containers.association.models.mixed_newton import SIGMA_LARGEST, climb
from containers.association.models.mixed_rows import prepare_rows
from containers.association.models.quadrature import node_rule
from containers.toolkit.tables.cohort.arrays import FloatArray

PROFILE_GOAL = 1e-6
"""Newton decrement of the fits along the profile: it leaves an error of its half square in the log-likelihood."""
END_TOLERANCE = 1e-10
"""Ends are found to this, relative to themselves."""


def sigma_interval(
    fit: MixedLogisticFit,
    x: FloatArray,
    y: FloatArray,
    groups: npt.NDArray[np.generic],
    weights: FloatArray | None = None,
    level: float = 0.95,
) -> tuple[float, float | None]:
    """Lower and upper end of sigma. Arguments as given to `fit_mixed_logistic`, and its converged fit.

    The upper end is None where the likelihood ratio excludes no value, however large.
    """
    table = prepare_rows(x, y, groups, weights)
    rows = table.rows
    rule = node_rule(fit.nodes)
    root = math.sqrt(float(stats.chi2.isf(1.0 - level, 1)))
    beta: FloatArray = np.linalg.solve(table.change, fit.coefficients).astype(np.float64)
    modes = fit.intercepts / fit.sigma if fit.sigma > 0 else np.zeros(rows.groups)

    def excess(sigma: float) -> float:
        """Root of the likelihood-ratio chi-square at sigma, less that of the limit: nearly linear in sigma."""
        nonlocal beta, modes
        if sigma == 0.0:
            best = fit.ungrouped_log_likelihood
        else:
            point = climb(rows, rule, beta, sigma, modes, free_sigma=False, goal=PROFILE_GOAL)
            beta, modes, best = point.beta, point.expansion.modes, point.expansion.log_likelihood
        return math.sqrt(max(0.0, 2.0 * (fit.log_likelihood - best))) - root

    low = 0.0
    if fit.sigma > 0 and excess(0.0) > 0:
        low = optimize.brentq(excess, 0.0, fit.sigma, xtol=END_TOLERANCE * fit.sigma, rtol=END_TOLERANCE)
    inside, outside = fit.sigma, max(2.0 * fit.sigma, 0.1)
    while excess(outside) < 0:
        inside, outside = outside, 2.0 * outside
        if inside > SIGMA_LARGEST:
            return float(low), None
    high = optimize.brentq(excess, inside, outside, xtol=END_TOLERANCE * outside, rtol=END_TOLERANCE)
    return float(low), float(high)
