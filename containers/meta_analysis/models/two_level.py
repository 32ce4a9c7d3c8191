"""Fixed- and random-effects models with one heterogeneity variance: y = X b + u + e, var(u) = tau2, var(e) = v.

Invariants: v > 0, X has full column rank and at least one row more than columns. Results follow metafor's `rma`
(Viechtbauer 2010), but tau2 is the exact root or the global maximum, not the end of an iteration.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from containers.meta_analysis.models.three_level import Block, Criteria, criteria, fit_three_level
from containers.toolkit.tables.cohort import tails

Floats = npt.NDArray[np.float64]
Method = Literal["REML", "ML", "DL", "PM", "FE"]

ROOT_TOLERANCE = 4 * float(np.finfo(float).eps)


@dataclass(frozen=True)
class TwoLevelFit:
    """One fitted model."""

    method: Method
    """Estimator of the variance between effects."""
    coefficients: Floats
    """Coefficients, (p,)."""
    covariance: Floats
    """Their covariance, (p, p), without the Knapp-Hartung factor."""
    scale: float
    """The Knapp-Hartung factor; 1 for the normal distribution."""
    tau2: float | None
    """Variance between effects; None for the fixed-effect model."""
    tau2_se: float | None
    """Its standard error; None for the fixed-effect model."""
    q: float
    """Cochran's Q of the residuals."""
    df: int
    """Degrees of freedom of Q, k - p."""
    typical_variance: float
    """Typical sampling variance v, which I2 compares tau2 with."""
    log_likelihood: float | None
    """Log-likelihood, restricted for REML; None for methods without one."""

    @property
    def i2_percent(self) -> float:
        """Share of heterogeneity in percent (metafor: from tau2; for FE from Q)."""
        if self.tau2 is None:
            return max(0.0, 100 * (self.q - self.df) / self.q) if self.q > 0 else 0.0
        return 100 * self.tau2 / (self.tau2 + self.typical_variance)

    @property
    def h2(self) -> float:
        """Total over sampling variability (for FE Q / df)."""
        return self.q / self.df if self.tau2 is None else self.tau2 / self.typical_variance + 1

    @property
    def criteria(self) -> Criteria | None:
        """AIC, BIC, AICc; None for methods without a likelihood."""
        if self.log_likelihood is None:
            return None
        p = len(self.coefficients)
        return criteria(self.log_likelihood, self.df + p, p, 1, self.method == "REML")


def weighted_fit(y: Floats, x: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Coefficients (p,), (X'WX)^-1 (p, p) and residuals (k,) of weighted least squares."""
    root = np.sqrt(weights)
    q, r = np.linalg.qr(x * root[:, None])
    coefficients = np.linalg.solve(r, q.T @ (y * root))
    inverse = np.linalg.inv(r)
    return coefficients, inverse @ inverse.T, y - x @ coefficients


def generalised_q(y: Floats, x: Floats, v: Floats, tau2: float) -> float:
    """Weighted residual sum of squares with weights 1 / (v + tau2)."""
    weights = 1 / (v + tau2)
    return float(np.sum(weights * weighted_fit(y, x, weights)[2] ** 2))


def residual_q(y: Floats, x: Floats, v: Floats, blocks: Sequence[Block]) -> float:
    """Cochran's Q of the residuals from the sampling covariances alone; y, v: (k,), x: (k, p)."""
    if all(np.all(np.count_nonzero(block.v, axis=(1, 2)) == block.v.shape[1]) for block in blocks):
        return generalised_q(y, x, v, 0.0)
    inverses = [(block.rows, np.linalg.inv(block.v)) for block in blocks]
    xwx = sum(np.einsum("smp,smn,snq->pq", x[rows], w, x[rows]) for rows, w in inverses)
    xwy = sum(np.einsum("smp,smn,sn->p", x[rows], w, y[rows]) for rows, w in inverses)
    e = y - x @ np.linalg.solve(xwx, xwy)
    return float(sum(np.einsum("sm,smn,sn->", e[rows], w, e[rows]) for rows, w in inverses))


def _traces(x: Floats, weights: Floats) -> tuple[float, float]:
    """tr(P) and tr(P P) of P = W - W X (X'WX)^-1 X'W."""
    root = np.sqrt(weights)
    q, _ = np.linalg.qr(x * root[:, None])
    leverage = np.sum(q**2, axis=1)
    cross = q.T @ (weights[:, None] * q)
    first = float(np.sum(weights * (1 - leverage)))
    second = float(np.sum(weights**2) - 2 * np.sum(weights**2 * leverage) + np.sum(cross**2))
    return first, second


def fit_two_level(y: Floats, x: Floats, v: Floats, method: Method, knha: bool = False) -> TwoLevelFit:
    """Fit y (k,), x (k, p), v (k,). DerSimonian and Laird 1986, Paule and Mandel 1982, REML and ML.

    knha: Hartung-Knapp-Sidik-Jonkman scale of the covariance, sum w e^2 / (k - p), without a lower limit.
    """
    k, p = x.shape
    df = k - p
    trace, trace_2 = _traces(x, 1 / v)
    q = generalised_q(y, x, v, 0.0)
    tau2: float | None = None
    tau2_se: float | None = None
    log_likelihood: float | None = None
    if method == "DL":
        tau2 = max(0.0, (q - df) / trace)
        tau2_se = np.sqrt(2 * df + 4 * tau2 * trace + 2 * tau2**2 * trace_2) / trace
    elif method == "PM":
        tau2 = _q_root(y, x, v, float(df))
        tau2_se = np.sqrt(2 * k**2 / df) / np.sum(1 / (v + tau2))
    elif method in ("REML", "ML"):
        fit = fit_three_level(y, x, v, np.arange(k), reml=method == "REML", between=False)
        tau2, log_likelihood = fit.within, fit.log_likelihood
        weights = 1 / (v + tau2)
        tau2_se = np.sqrt(2 / (_traces(x, weights)[1] if method == "REML" else np.sum(weights**2)))
    weights = 1 / (v + (tau2 or 0.0))
    coefficients, covariance, residuals = weighted_fit(y, x, weights)
    scale = float(np.sum(weights * residuals**2)) / df if knha else 1.0
    return TwoLevelFit(
        method,
        coefficients,
        covariance,
        scale,
        tau2,
        None if tau2_se is None else float(tau2_se),
        q,
        df,
        df / trace,
        log_likelihood,
    )


def _q_root(y: Floats, x: Floats, v: Floats, target: float) -> float:
    """The tau2 >= 0 with Q(tau2) = target (Q falls with tau2); 0 where Q(0) is below it."""
    if generalised_q(y, x, v, 0.0) <= target:
        return 0.0
    high = float(np.mean(v) + np.var(y))
    while generalised_q(y, x, v, high) > target:
        high *= 4
    root = brentq(lambda t: generalised_q(y, x, v, t) - target, 0.0, high, xtol=1e-300, rtol=ROOT_TOLERANCE)
    return float(root)


def q_profile(y: Floats, x: Floats, v: Floats, level: float) -> tuple[float, float, bool]:
    """Q-profile interval of tau2 (Viechtbauer 2007), and whether it is null (Q(0) below the lower quantile)."""
    df = x.shape[0] - x.shape[1]
    upper_tail = (1 - level) / 2
    high_q = tails.chi_square_quantile(upper_tail, df)
    low_q = tails.chi_square_quantile(1 - upper_tail, df)
    null = generalised_q(y, x, v, 0.0) < low_q
    return _q_root(y, x, v, high_q), _q_root(y, x, v, low_q), null
