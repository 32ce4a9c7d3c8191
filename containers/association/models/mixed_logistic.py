"""Mixed-effects logistic regression with a random intercept per group, by maximum likelihood.

The likelihood is Laplace's approximation (nodes = 1) or adaptive Gauss-Hermite quadrature (see `quadrature`), and the
reported point is its exact optimum: Newton's method on exact derivatives, in the fixed effects and the intercept's
standard deviation sigma. Not its logarithm: the boundary sigma = 0 is a point of this scale, near which the
likelihood is smooth (it is even in sigma), while on the log scale it lies at minus infinity.

Boundary: at sigma = 0 the model is the plain logistic regression, and the second derivative along sigma is twice the
derivative by the variance. Where that is not positive, sigma = 0 is a local maximum; the fit is reported as singular
unless the search from the inside finds a higher one. Information at the boundary has no covariance between sigma and
the fixed effects (evenness again), so their covariance is that of the plain regression.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from containers.association.models.mixed_newton import SIGMA_LARGEST, Point, climb
from containers.association.models.mixed_rows import prepare_rows
from containers.association.models.quadrature import GroupedRows, NodeRule, node_rule
from containers.toolkit.tables.cohort.arrays import FloatArray

LATENT_RESIDUAL_VARIANCE = math.pi**2 / 3.0
"""Variance of the standard logistic distribution: the residual of the latent scale."""

LEADING_GOAL = 1e-3
"""How far Laplace's approximation is followed when more nodes come after it."""
POOR_INFORMATION = 20.0
LARGE_SIGMA = 2.0
FURTHER_STARTS = (0.3, 1.5, 6.0)
"""Where groups have less information than this on average, or sigma is larger than this, the approximated likelihood
can have several maxima; the search then also starts from these values of sigma."""
VANISHING = 1e-8
"""A variance is taken as running into 0 when it moves no group's log-likelihood by more than about this."""


@dataclass(frozen=True)
class MixedLogisticFit:
    """Maximum likelihood fit. Fixed effects in the order of the columns of x, groups in the order of their labels."""

    coefficients: FloatArray
    """Fixed effects, (p,), as log odds ratios."""
    covariance: FloatArray
    """Their covariance, (p, p), from the inverse observed information of all p + 1 parameters."""
    sigma: float
    """Standard deviation of the random intercepts."""
    sigma_standard_error: float | None
    """Its standard error; None where the fit is singular, as there is no information there."""
    log_likelihood: float
    """Log-likelihood at the maximum, without binomial coefficients."""
    ungrouped_log_likelihood: float
    """Log-likelihood of the regression without groups."""
    gradient_max: float
    """sqrt(g' I^-1 g), the steepest slope of the log-likelihood in any direction, per standard error along it; it
    bounds the distance of every estimate from the optimum in standard errors (sigma excepted where singular)."""
    iterations: int
    """Newton steps that were taken."""
    converged: bool
    """Whether the search ended at an optimum."""
    singular: bool
    """Whether the variance is estimated as 0."""
    diverging: bool
    """Whether sigma ran over SIGMA_LARGEST; then `converged` is False."""
    nodes: int
    """Points of the quadrature; 1 is Laplace's approximation."""
    labels: npt.NDArray[np.generic]
    """The groups, (groups,)."""
    intercepts: FloatArray
    """Conditional mode of each group's intercept, sigma u, (groups,)."""

    @property
    def variance(self) -> float:
        """Variance of the intercepts."""
        return self.sigma**2

    @property
    def icc(self) -> float:
        """Intraclass correlation on the latent scale: variance / (variance + pi^2 / 3)."""
        return self.variance / (self.variance + LATENT_RESIDUAL_VARIANCE)


def fit_mixed_logistic(
    x: FloatArray,
    y: FloatArray,
    groups: npt.NDArray[np.generic],
    nodes: int = 1,
    weights: FloatArray | None = None,
) -> MixedLogisticFit:
    """Fit logit P(y = 1) = x . beta + sigma u_group.

    x: (n, p) with the intercept column, of full column rank. y: (n,) of 0 and 1. groups: (n,) labels.
    weights: (n,) how many observations a row stands for. nodes: 1 (Laplace) to 25.
    Raises ValueError for fewer than two groups or nodes outside 1 to 25. Separation is not looked for here:
    a fit that runs away comes back with `converged` False.
    """
    rule = node_rule(nodes)
    table = prepare_rows(x, y, groups, weights)
    rows, p = table.rows, x.shape[1]
    ungrouped = climb(rows, node_rule(1), np.zeros(p), 0.0, np.zeros(rows.groups), free_sigma=False)
    information = _scores(rows, ungrouped.beta)[1]
    # A variance is gone when it moves no group's log-likelihood by more than about VANISHING.
    gone = math.sqrt(VANISHING / max(float(information.max()), np.finfo(float).tiny))
    inner = _search_inside(rows, rule, ungrouped, gone) if ungrouped.settled else ungrouped
    # Curvature along sigma at sigma = 0: positive means that some variance raises the likelihood.
    rising = ungrouped.expansion.hessian[-1, -1] > 0
    lower = inner.expansion.log_likelihood <= ungrouped.expansion.log_likelihood
    singular = inner.sigma <= gone or (lower and not rising)
    best = ungrouped if singular else inner
    covariance = _inverse(-best.expansion.hessian[: best.free, : best.free])
    diverging = best.sigma > SIGMA_LARGEST
    return MixedLogisticFit(
        coefficients=table.change @ best.beta,
        covariance=table.change @ covariance[:p, :p] @ table.change.T,
        sigma=best.sigma,
        sigma_standard_error=None if singular else math.sqrt(max(covariance[-1, -1], 0.0)),
        log_likelihood=best.expansion.log_likelihood,
        ungrouped_log_likelihood=ungrouped.expansion.log_likelihood,
        gradient_max=best.decrement,
        iterations=ungrouped.iterations + inner.iterations,
        converged=best.settled and not diverging,
        singular=singular,
        diverging=diverging,
        nodes=nodes,
        labels=table.labels,
        intercepts=best.sigma * best.expansion.modes,
    )


def _search_inside(rows: GroupedRows, rule: NodeRule, ungrouped: Point, gone: float) -> Point:
    """The highest point over beta and sigma > 0 that the searches find; sigma <= gone: the variance ran into 0."""
    score, information = _scores(rows, ungrouped.beta)
    points = [_search_led(rows, rule, ungrouped, _start_sigma(score, information), gone)]
    if information.mean() < POOR_INFORMATION or points[0].sigma > LARGE_SIGMA:
        points += [_search_from(rows, rule, ungrouped, start, gone) for start in FURTHER_STARTS]
    return max(points, key=lambda point: point.expansion.log_likelihood)


def _search_led(rows: GroupedRows, rule: NodeRule, ungrouped: Point, start: float, gone: float) -> Point:
    """Laplace's approximation is cheap and near, so it leads the search; where it fails, the rule starts afresh."""
    one, zero = node_rule(1), np.zeros(rows.groups)
    first = climb(rows, one, ungrouped.beta, start, zero, sigma_least=gone, goal=LEADING_GOAL)
    if gone < first.sigma < SIGMA_LARGEST and first.settled:
        return climb(rows, rule, first.beta, first.sigma, first.expansion.modes, sigma_least=gone)
    return climb(rows, rule, ungrouped.beta, start, zero, sigma_least=gone)


def _search_from(rows: GroupedRows, rule: NodeRule, ungrouped: Point, start: float, gone: float) -> Point:
    """From a value of sigma and the best beta there."""
    zero = np.zeros(rows.groups)
    first = climb(rows, rule, ungrouped.beta, start, zero, free_sigma=False, goal=LEADING_GOAL)
    return climb(rows, rule, first.beta, start, first.expansion.modes, sigma_least=gone)


def _scores(rows: GroupedRows, beta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Each group's score and information (groups,) about a shift of its intercept, at sigma = 0."""
    p = special.expit(rows.x @ beta)
    score = np.add.reduceat(rows.events - rows.trials * p, rows.starts[:-1])
    return score, np.add.reduceat(rows.trials * p * (1.0 - p), rows.starts[:-1])


def _start_sigma(score: FloatArray, information: FloatArray) -> float:
    """Moment estimate from the groups' shifts score / information (DerSimonian and Laird's)."""
    informed = information > 0
    score, information = score[informed], information[informed]
    total = float(information.sum())
    shift = score / information - score.sum() / total
    excess = float(information @ shift**2) - (len(score) - 1)
    spread = total - float(information @ information) / total
    noise = len(score) / total
    return math.sqrt(min(max(excess / max(spread, 1.0 / noise), noise / 4.0), LARGE_SIGMA**2))


def _inverse(information: FloatArray) -> FloatArray:
    """Inverse by way of a unit diagonal, since units of columns may differ widely; nan where it does not exist."""
    scale = 1.0 / np.sqrt(np.abs(np.diag(information)))
    try:
        return np.asarray(np.linalg.inv(information * np.outer(scale, scale)) * np.outer(scale, scale))
    except np.linalg.LinAlgError:
        return np.full_like(information, np.nan)
