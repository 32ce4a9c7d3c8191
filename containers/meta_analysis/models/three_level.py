"""Three-level meta-regression: y = X b + study effect + effect within study + sampling error.

The marginal covariance is block-diagonal by study, M_j = V_j + sigma2_between 11' + sigma2_within I. V_j is
diagonal, or has one correlation between the effects of a study. The coefficients are profiled out exactly; gradient
and Hessian of the (restricted) log-likelihood in the two variances are analytic. Studies of equal size are one stack.
Model: Konstantopoulos 2011; log-likelihoods as metafor's rma.mv (REML with + 1/2 log|X'X|).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

GRID = np.array([0.0, 1e-3, 1e-2, 0.05, 0.2, 0.5, 1.0, 2.5])
"""Start values, in units of a rough total variance: fine enough to part two maxima, which are never close."""

CONVERGED = 1e-11
"""Largest derivative of the log-likelihood by log variance at which Newton steps end."""

MAX_STEPS = 200

UNIDENTIFIED = 1e-8
"""Information about the variances is singular below this (smallest over largest eigenvalue, scaled)."""


class UnidentifiedError(ValueError):
    """The data cannot tell the variances apart, or not from the moderators."""


@dataclass(frozen=True)
class Criteria:
    """Information criteria as metafor counts them."""

    aic: float
    """Akaike's criterion."""
    bic: float
    """Schwarz's criterion."""
    aicc: float
    """Akaike's criterion for few effects."""


@dataclass(frozen=True)
class Block:
    """All studies of one size m."""

    rows: Ints
    """Places of their effects in the data, (s, m)."""
    v: Floats
    """Their sampling covariances, (s, m, m)."""


@dataclass(frozen=True)
class ThreeLevelFit:
    """The optimum of a three-level model."""

    coefficients: Floats
    """Coefficients, (p,)."""
    covariance: Floats
    """Their covariance, (p, p)."""
    between: float
    """Variance between studies."""
    within: float
    """Variance of effects within studies."""
    log_likelihood: float
    """Log-likelihood, restricted for REML."""
    criteria: Criteria
    """Information criteria."""
    gradient_max: float
    """Largest slope of the log-likelihood in the log-variances where the search ended; see README."""
    boundary: tuple[str, ...]
    """Names of the variances that are 0."""
    blocks: tuple[Block, ...]
    """The studies by size, with their sampling covariances."""

    def weights(self) -> list[Floats]:
        """Inverse marginal covariances, one stack (s, m, m) per block."""
        return [_inverse(_marginal(block, self.between, self.within)) for block in self.blocks]


def criteria(log_likelihood: float, k: int, p: int, variances: int, reml: bool) -> Criteria:
    """AIC, BIC and AICc with p + variances parameters; k - p stands for k under REML."""
    count, n = p + variances, k - p if reml else k
    base, large = -2 * log_likelihood, max(n, p + variances + 2)
    return Criteria(base + 2 * count, base + count * np.log(n), base + 2 * count * large / (large - count - 1))


def make_blocks(v: Floats, study: Ints, correlation: float = 0.0) -> tuple[Block, ...]:
    """Sampling covariances by study: v on the diagonal, correlation * sqrt(v_i v_j) off it. study: codes (k,)."""
    order = np.argsort(study, kind="stable")
    _, starts = np.unique(study[order], return_index=True)
    members = np.split(order, starts[1:])
    blocks = []
    for size in sorted({len(rows) for rows in members}):
        rows = np.array([one for one in members if len(one) == size])
        root = np.sqrt(v[rows])
        covariance = correlation * root[:, :, None] * root[:, None, :]
        covariance[:, np.arange(size), np.arange(size)] = v[rows]
        blocks.append(Block(rows, covariance))
    return tuple(blocks)


def _marginal(block: Block, between: float, within: float) -> Floats:
    size = block.rows.shape[1]
    return np.asarray(block.v + between + within * np.eye(size))


def _inverse(matrix: Floats) -> Floats:
    return np.asarray(np.linalg.inv(matrix), dtype=np.float64)


class ThreeLevelLikelihood:
    """(Restricted) log-likelihood of the two variances for fixed data, with gradient and Hessian."""

    def __init__(self, y: Floats, x: Floats, blocks: tuple[Block, ...], reml: bool) -> None:
        self.y, self.x, self.blocks, self.reml = y, x, blocks, reml
        k, p = x.shape
        self.constant = -0.5 * (k - p if reml else k) * np.log(2 * np.pi)
        if reml:
            self.constant += 0.5 * float(np.linalg.slogdet(x.T @ x)[1])

    def coefficients(self, theta: Floats) -> tuple[Floats, Floats, list[Floats], float]:
        """Generalised least squares at theta: b (p,), (X'AX)^-1 (p, p), A by block, log|M|."""
        p = self.x.shape[1]
        xax, xay, log_det, inverses = np.zeros((p, p)), np.zeros(p), 0.0, []
        for block in self.blocks:
            marginal = _marginal(block, *theta)
            log_det += float(np.sum(np.linalg.slogdet(marginal)[1]))
            inverse = _inverse(marginal)
            ax = inverse @ self.x[block.rows]
            xax += np.einsum("smp,smq->pq", self.x[block.rows], ax)
            xay += np.einsum("smp,sm->p", ax, self.y[block.rows])
            inverses.append(inverse)
        covariance = _inverse(xax)
        return covariance @ xay, covariance, inverses, log_det

    def value(self, theta: Floats) -> float:
        """Log-likelihood at theta = (between, within)."""
        b, covariance, inverses, log_det = self.coefficients(theta)
        residual = self.y - self.x @ b
        quadratic = sum(
            float(np.einsum("sm,smn,sn->", residual[block.rows], a, residual[block.rows]))
            for block, a in zip(self.blocks, inverses, strict=True)
        )
        total: float = self.constant - 0.5 * log_det - 0.5 * quadratic
        return total + 0.5 * float(np.linalg.slogdet(covariance)[1]) if self.reml else total

    def derivatives(self, theta: Floats) -> tuple[Floats, Floats, Floats]:
        """Gradient (2,), Hessian (2, 2) and expected information (2, 2) in the natural variances."""
        b, c, inverses, _ = self.coefficients(theta)
        p = len(b)
        residual = self.y - self.x @ b
        trace, trace_2, square, square_2 = np.zeros(2), np.zeros((2, 2)), np.zeros(2), np.zeros((2, 2))
        first, second = np.zeros((2, p, p)), np.zeros((2, 2, p, p))
        xau = np.zeros((p, 2))
        for block, a in zip(self.blocks, inverses, strict=True):
            ax = a @ self.x[block.rows]
            e = np.einsum("smn,sn->sm", a, residual[block.rows])
            one_a, one_ax, one_e = a.sum(axis=1), ax.sum(axis=1), e.sum(axis=1)
            s = one_a.sum(axis=1)
            trace += [s.sum(), np.trace(a, axis1=1, axis2=2).sum()]
            mixed = np.sum(one_a**2)
            trace_2 += [[np.sum(s**2), mixed], [mixed, np.sum(a**2)]]
            square += [np.sum(one_e**2), np.sum(e**2)]
            first[0] += one_ax.T @ one_ax
            first[1] += np.einsum("smp,smq->pq", ax, ax)
            second[0, 0] += (one_ax * s[:, None]).T @ one_ax
            cross = np.einsum("smp,sm,sq->pq", ax, one_a, one_ax)
            second[0, 1] += (cross + cross.T) / 2
            second[1, 1] += np.einsum("smp,smn,snq->pq", ax, a, ax)
            ones = np.broadcast_to(one_e[:, None], e.shape)
            for i, u in enumerate((ones, e)):
                xau[:, i] += np.einsum("smp,sm->p", ax, u)
                for j, w in enumerate((ones, e)):
                    square_2[i, j] += np.einsum("sm,smn,sn->", u, a, w)
        second[1, 0] = second[0, 1]
        square_2 -= xau.T @ c @ xau
        if self.reml:
            trace = trace - np.einsum("pq,iqp->i", c, first)
            cf = np.einsum("pq,iqr->ipr", c, first)
            trace_2 = trace_2 - 2 * np.einsum("pq,ijqp->ij", c, second) + np.einsum("ipq,jqp->ij", cf, cf)
        return 0.5 * (square - trace), 0.5 * trace_2 - square_2, 0.5 * trace_2


def _climb(
    likelihood: ThreeLevelLikelihood, theta: Floats, free: npt.NDArray[np.bool_], unit: float
) -> tuple[Floats, float]:
    """Projected Newton ascent from theta within theta >= 0; `free` variances move. Returns optimum and value.

    unit: a rough total variance, which limits how far a step may go.
    """
    value = likelihood.value(theta)
    for _ in range(MAX_STEPS):
        gradient, hessian, information = likelihood.derivatives(theta)
        active = free & ~((theta <= 0) & (gradient <= 0))
        if not active.any() or _slope(theta, gradient, active) < CONVERGED:
            break
        index = np.flatnonzero(active)
        curvature = -hessian[np.ix_(index, index)]
        if np.linalg.eigvalsh(curvature)[0] <= 0:
            curvature = information[np.ix_(index, index)]
        step = np.zeros(2)
        step[index] = np.linalg.solve(curvature, gradient[index])
        step *= min(1.0, 2 * (unit + float(theta.max())) / max(float(np.abs(step).max()), unit))
        for halving in range(60):
            candidate = np.maximum(theta + step * 0.5**halving, 0.0)
            candidate_value = likelihood.value(candidate)
            if candidate_value > value or (halving == 0 and candidate_value >= value - 1e-12 * abs(value)):
                break
        else:
            break
        moved = float(np.max(np.abs(candidate - theta)))
        theta, value = candidate, candidate_value
        if moved <= 1e-16 * float(np.max(theta)):
            break
    return theta, value


def _slope(theta: Floats, gradient: Floats, active: npt.NDArray[np.bool_]) -> float:
    """Largest derivative by log variance of the active ones; by the variance itself for one that sits at 0."""
    return float(np.max(np.where(active, np.abs(np.where(theta > 0, theta * gradient, gradient)), 0.0)))


def fit_three_level(
    y: Floats,
    x: Floats,
    v: Floats,
    study: Ints,
    *,
    reml: bool = True,
    between: bool = True,
    within: bool = True,
    correlation: float = 0.0,
) -> ThreeLevelFit:
    """Maximise the (restricted) likelihood. y, v: (k,); x: (k, p) of full rank, p < k; study: integer codes (k,).

    A variance that is switched off is 0. The global maximum is taken over the local maxima of a grid of start values.
    Raises UnidentifiedError.
    """
    blocks = make_blocks(v, study, correlation)
    # An orthonormal basis of the columns has the same likelihood, and does not lose the digits of a year or a volume.
    basis, triangle = np.linalg.qr(x)
    back = _inverse(triangle)
    likelihood = ThreeLevelLikelihood(y, basis, blocks, reml)
    k, p = x.shape
    residual = y - basis @ (basis.T @ y)
    unit = max(float(residual @ residual) / (k - p), 1e-8 * float(np.mean(v)))
    free = np.array([between, within])
    _check_identified(ThreeLevelLikelihood(y, basis, blocks, True), unit + float(np.mean(v)), free)
    axes = [GRID * unit if on else np.zeros(1) for on in (between, within)]
    values = np.array([[likelihood.value(np.array([b, w])) for w in axes[1]] for b in axes[0]])
    best, best_value = np.zeros(2), -np.inf
    for start in _local_maxima(values):
        theta, value = _climb(likelihood, np.array([axes[0][start[0]], axes[1][start[1]]]), free, unit)
        if value > best_value:
            best, best_value = theta, value
    coefficients, covariance, _, _ = likelihood.coefficients(best)
    gradient = likelihood.derivatives(best)[0]
    open_ends = free & ~((best <= 0) & (gradient <= 0))
    names = [name for name, on, at in zip(("between", "within"), free, best, strict=True) if on and at <= 0]
    return ThreeLevelFit(
        back @ coefficients,
        back @ covariance @ back.T,
        float(best[0]),
        float(best[1]),
        best_value,
        criteria(best_value, k, p, int(free.sum()), reml),
        _slope(best, gradient, open_ends) if open_ends.any() else 0.0,
        tuple(names),
        blocks,
    )


def _check_identified(likelihood: ThreeLevelLikelihood, scale: float, free: npt.NDArray[np.bool_]) -> None:
    """Raise UnidentifiedError when the expected information about the variances is singular.

    likelihood: the restricted one; what the moderators absorb tells nothing of a variance under ML either.
    """
    names = [name for name, on in zip(("between studies", "within studies"), free, strict=True) if on]
    information = likelihood.derivatives(np.full(2, scale))[2][np.ix_(free, free)] * scale**2
    absorbed = np.diag(information) <= UNIDENTIFIED
    if absorbed.any():
        name = names[int(np.flatnonzero(absorbed)[0])]
        raise UnidentifiedError(f"the moderators leave nothing to tell the variance {name} by")
    root = np.sqrt(np.diag(information))
    if np.linalg.eigvalsh(information / np.outer(root, root))[0] <= UNIDENTIFIED:
        raise UnidentifiedError("the variances between and within studies cannot be distinguished")


def _local_maxima(values: Floats) -> list[tuple[int, int]]:
    """Cells of a grid that no neighbour (of eight) exceeds."""
    padded = np.pad(values, 1, constant_values=-np.inf)
    rows, columns = values.shape
    around = np.stack([padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3)])
    return [(int(i), int(j)) for i, j in np.argwhere(values >= around.max(axis=0))]
