"""Cluster-robust covariance CR2 (Bell and McCaffrey 2002) with Satterthwaite degrees of freedom.

The working model is the inverse of the weights, as clubSandwich takes it (`inverse_var = TRUE`; Pustejovsky and Tipton
2018): M_j = W_j^-1. Clusters are studies; weight matrices are block-diagonal by study.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.meta_analysis.models.three_level import Block

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

EIGENVALUE_FLOOR = 1e-12
"""Eigenvalues of the adjustment up to this part of the unadjusted trace are taken as 0: the study has leverage 1."""


@dataclass(frozen=True)
class RobustFit:
    """Weighted least squares with CR2."""

    coefficients: Floats
    """Coefficients, (p,)."""
    se: Floats
    """Robust standard errors, (p,); NaN where one study alone determines the coefficient."""
    df: Floats
    """Satterthwaite degrees of freedom, (p,); NaN where one study alone determines the coefficient."""
    saturated: Ints
    """A row of each study that alone determines a coefficient (leverage 1), whose own error is in no se."""


def cr2(y: Floats, x: Floats, blocks: Sequence[Block], weights: Sequence[Floats]) -> RobustFit:
    """y (k,), x (k, p); weights: one stack (s, m, m) of positive definite matrices per block."""
    p = x.shape[1]
    # In an orthonormal basis of the columns no digits are lost; `back` leads to the coefficients of x.
    given, (x, triangle) = x, np.linalg.qr(x)
    back = np.linalg.inv(triangle)
    pairs = list(zip(blocks, weights, strict=True))
    xwx = sum((np.einsum("smp,smn,snq->pq", x[b.rows], w, x[b.rows]) for b, w in pairs), np.zeros((p, p)))
    xwy = sum((np.einsum("smp,smn,sn->p", x[b.rows], w, y[b.rows]) for b, w in pairs), np.zeros(p))
    bread = np.linalg.inv(xwx)
    bread = (bread + bread.T) / 2
    coefficients = back @ bread @ xwy
    residual = y - given @ coefficients
    root_bread = np.linalg.cholesky(bread)
    scores, diagonals, projections, saturated = [], [], [], []
    for block, w in pairs:
        xs, target = x[block.rows], np.linalg.inv(w)
        upper = np.swapaxes(np.linalg.cholesky(target), 1, 2)
        hat = xs @ bread @ np.swapaxes(xs, 1, 2)
        g = upper @ (target - hat) @ np.swapaxes(upper, 1, 2)
        values, vectors = np.linalg.eigh((g + np.swapaxes(g, 1, 2)) / 2)
        unadjusted = np.trace(upper @ target @ np.swapaxes(upper, 1, 2), axis1=1, axis2=2)
        kept = values > EIGENVALUE_FLOOR * unadjusted[:, None]
        saturated.append(block.rows[~kept.all(axis=1), 0])
        power = np.where(kept, np.where(kept, values, 1.0) ** -0.5, 0.0)
        inverse_root = (vectors * power[:, None, :]) @ np.swapaxes(vectors, 1, 2)
        adjusted = back @ bread @ np.swapaxes(xs, 1, 2) @ w @ np.swapaxes(upper, 1, 2) @ inverse_root @ upper
        scores.append(np.einsum("spm,sm->sp", adjusted, residual[block.rows]))
        diagonals.append(np.sum((adjusted @ np.swapaxes(upper, 1, 2)) ** 2, axis=2))
        projections.append(adjusted @ xs @ root_bread)
    score, diagonal, projection = (np.concatenate(part) for part in (scores, diagonals, projections))
    se = np.sqrt(np.sum(score**2, axis=0))
    df, naive = np.empty(p), np.diag(back @ bread @ back.T)
    for i in range(p):
        h = projection[:, i, :]
        gram = -h @ h.T
        gram[np.diag_indices_from(gram)] += diagonal[:, i]
        trace = float(np.trace(gram))
        # Of a coefficient that a single study tells nothing is left to judge its error by.
        if trace <= 1e-8 * naive[i]:
            se[i] = df[i] = np.nan
        else:
            df[i] = trace**2 / float(np.sum(gram**2))
    return RobustFit(coefficients, se, df, np.concatenate(saturated))


def correlated_tau2(y: Floats, x: Floats, v: Floats, blocks: Sequence[Block], rho: float) -> float:
    """Between-study variance by moments under correlated effects; negative values are kept (the caller truncates).

    Hedges, Tipton and Johnson 2010, eq. 15, as robumeta has it: each effect has the mean variance of its study, V_j =
    mean v_j ((1 - rho) I + rho J). Unbiased when the covariance is tau2 J + V.
    """
    weights = correlated_weights(v, blocks, 0.0)
    basis = np.linalg.qr(x)[0]
    p = x.shape[1]
    xwx, xwy, xjx, xvx = np.zeros((p, p)), np.zeros(p), np.zeros((p, p)), np.zeros((p, p))
    for block, stack in zip(blocks, weights, strict=True):
        xs, ys, w, size = basis[block.rows], y[block.rows], stack[:, 0, 0], block.rows.shape[1]
        products = np.einsum("smp,smq->spq", xs, xs)
        sums = xs.sum(axis=1)
        joined = sums[:, :, None] * sums[:, None, :]
        xwx += np.einsum("s,spq->pq", w, products)
        xwy += np.einsum("s,smp,sm->p", w, xs, ys)
        xjx += np.einsum("s,spq->pq", w**2, joined)
        # W V W, of which the mean variance times the weight is 1 / size.
        xvx += np.einsum("s,spq->pq", w / size, (1 - rho) * products + rho * joined)
    inverse = np.linalg.inv(xwx)
    residual = y - basis @ (inverse @ xwy)
    pairs = list(zip(blocks, weights, strict=True))
    q = sum(float(np.sum(w[:, 0, 0, None] * residual[block.rows] ** 2)) for block, w in pairs)
    total = sum(float(np.trace(w, axis1=1, axis2=2).sum()) for w in weights)
    studies = sum(len(block.rows) for block in blocks)
    return float((q - studies + np.sum(inverse * xvx)) / (total - np.sum(inverse * xjx)))


def correlated_weights(v: Floats, blocks: Sequence[Block], tau2: float) -> list[Floats]:
    """Diagonal weights 1 / (k_j (mean v_j + tau2)) as stacks (s, m, m), one per block."""
    stacks = []
    for block in blocks:
        size = block.rows.shape[1]
        w = 1 / (size * (v[block.rows].mean(axis=1) + tau2))
        stacks.append(w[:, None, None] * np.eye(size))
    return stacks
