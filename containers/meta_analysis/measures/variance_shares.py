"""How the variance of effects divides between sampling, within studies and between studies."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.meta_analysis.models.three_level import ThreeLevelFit

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shares:
    """Shares of the variance of an effect; they add to 100 %."""

    sampling: float
    """Share of the sampling variance, in %."""
    between: float
    """Share of the variance between studies, in %."""
    within: float
    """Share of the variance within studies, in %."""


def _shares(typical: float, fit: ThreeLevelFit) -> Shares:
    total = typical + fit.between + fit.within
    return Shares(100 * typical / total, 100 * fit.between / total, 100 * fit.within / total)


def cheung_shares(v: Floats, fit: ThreeLevelFit) -> Shares:
    """With Higgins and Thompson's typical sampling variance of the effects v (k,) (Cheung 2014, eq. 14 to 16)."""
    w = 1 / v
    return _shares(float((len(v) - 1) * w.sum() / (w.sum() ** 2 - np.sum(w**2))), fit)


def design_shares(x: Floats, fit: ThreeLevelFit) -> Shares:
    """With (k - p) / tr(P), P = W - W X (X'WX)^-1 X'W and W the inverse sampling covariance; x: (k, p)."""
    k, p = x.shape
    xwx, xwwx, trace = np.zeros((p, p)), np.zeros((p, p)), 0.0
    for block in fit.blocks:
        w = np.linalg.inv(block.v)
        wx = w @ x[block.rows]
        trace += float(np.trace(w, axis1=1, axis2=2).sum())
        xwx += np.einsum("smp,smq->pq", x[block.rows], wx)
        xwwx += np.einsum("smp,smq->pq", wx, wx)
    return _shares((k - p) / (trace - float(np.trace(np.linalg.solve(xwx, xwwx)))), fit)
