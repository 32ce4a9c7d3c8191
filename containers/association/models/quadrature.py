"""Log-likelihood of a logistic model with one random intercept per group, by adaptive Gauss-Hermite quadrature.

The model: logit P(y = 1) = x . beta + sigma u, u standard normal, one u per group. A group's likelihood is the
integral over u of exp(g(u)) / sqrt(2 pi), g(u) = sum of the rows' log-likelihoods - u^2 / 2. With the mode m of g,
the curvature k = -g''(m) and nodes z_q, weights w_q of the standard normal distribution (Liu & Pierce, Biometrika
81:624, 1994; Pinheiro & Bates, J Comput Graph Stat 4:12, 1995, section 2.3)

    log L = -log(k) / 2 + log sum_q w_q exp(g(m + z_q / sqrt(k)) + z_q^2 / 2);

one node is Laplace's approximation. Value, gradient and Hessian are exact for this approximation: mode and
curvature move with the parameters (implicit function theorem), so nothing is differenced.

Invariants: every g is strictly concave with curvature of at least 1, so a mode exists and is unique; log L is an
even function of sigma, so its gradient along sigma is 0 at sigma = 0, and its second derivative there is twice the
derivative by the variance sigma^2. Rows of a group are contiguous. Binomial coefficients are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.toolkit.tables.cohort.arrays import FloatArray

MAX_NODES = 25
BLOCK_ROWS = 2048
"""Rows worked on at a time, where groups are small: temporary arrays stay in the processor's cache."""
BLOCK_VALUES = 8192
"""Rows times nodes worked on at a time, for the same reason and to stay under the size of the table."""
MODE_STEPS = 100
MODE_TOLERANCE = 1e-9
"""Newton steps of the modes end below this; convergence is quadratic, so the last step leaves only rounding."""


@dataclass(frozen=True)
class GroupedRows:
    """Rows sorted by group."""

    x: FloatArray
    """Covariates, (n, p)."""
    trials: FloatArray
    """Sum of the weights of each row, (n,)."""
    events: FloatArray
    """Sum of the weights of its events, (n,)."""
    starts: npt.NDArray[np.intp]
    """Offset of each group's first row, and n, (groups + 1,)."""

    @property
    def groups(self) -> int:
        """Number of groups."""
        return len(self.starts) - 1


@dataclass(frozen=True)
class NodeRule:
    """Gauss-Hermite rule for the standard normal distribution."""

    nodes: FloatArray
    """Places, (q,)."""
    log_weights: FloatArray
    """Logarithms of their weights, (q,)."""


def node_rule(nodes: int) -> NodeRule:
    """The rule with 1 to 25 nodes. Raises ValueError outside."""
    if not 1 <= nodes <= MAX_NODES:
        raise ValueError(f"nodes must be 1 to {MAX_NODES}, not {nodes}")
    z, w = np.polynomial.hermite_e.hermegauss(nodes)
    return NodeRule(z, np.log(w / w.sum()))


@dataclass(frozen=True)
class Expansion:
    """Log-likelihood at (beta, sigma), with its derivatives in all p + 1 parameters."""

    log_likelihood: float
    """Its value."""
    gradient: FloatArray
    """First derivatives, (p + 1,), sigma last."""
    hessian: FloatArray
    """Second derivatives, (p + 1, p + 1), sigma last."""
    modes: FloatArray
    """Mode of each group's standardised intercept u, (groups,)."""


def expand(rows: GroupedRows, beta: FloatArray, sigma: float, rule: NodeRule, modes: FloatArray) -> Expansion:
    """Value and exact derivatives at (beta (p,), sigma >= 0). modes: (groups,) where the search for them starts."""
    size = rows.x.shape[1] + 1
    value, gradient, hessian = 0.0, np.zeros(size), np.zeros((size, size))
    new_modes = np.empty(rows.groups)
    for first, last in _blocks(rows.starts, max(1, min(BLOCK_ROWS, BLOCK_VALUES // len(rule.nodes)))):
        part = slice(rows.starts[first], rows.starts[last])
        block = _Block(
            rows.x[part],
            rows.trials[part],
            rows.events[part],
            rows.starts[first : last + 1] - rows.starts[first],
            rows.x[part] @ beta,
            sigma,
        )
        new_modes[first:last] = block.modes(modes[first:last])
        value += block.add_derivatives(new_modes[first:last], rule, gradient, hessian)
    return Expansion(value, gradient, hessian, new_modes)


def _blocks(starts: npt.NDArray[np.intp], rows: int) -> Iterator[tuple[int, int]]:
    """Ranges of groups with at most so many rows together, or a single larger group."""
    first, groups = 0, len(starts) - 1
    while first < groups:
        last = int(np.searchsorted(starts, starts[first] + rows, side="right")) - 1
        last = min(max(last, first + 1), groups)
        yield first, last
        first = last


def _symmetric(a: FloatArray, b: FloatArray, weights: FloatArray) -> FloatArray:
    """Sum over groups of weights * (a b' + b a'); a, b: (groups, size)."""
    half = (a * weights[:, None]).T @ b
    return np.asarray(half + half.T)


class _Block:
    """Some whole groups, at one (beta, sigma). Vectors by parameter have p entries for beta, then one for sigma."""

    def __init__(
        self,
        x: FloatArray,
        trials: FloatArray,
        events: FloatArray,
        starts: npt.NDArray[np.intp],
        offset: FloatArray,
        sigma: float,
    ) -> None:
        self.x, self.trials, self.events, self.starts = x, trials, events, starts
        self.offset, self.sigma = offset, sigma
        self.groups = len(starts) - 1
        self.group = np.repeat(np.arange(self.groups), np.diff(starts))

    def _sum(self, values: FloatArray) -> FloatArray:
        """Sums by group of values with one row per table row."""
        return np.asarray(np.add.reduceat(values, self.starts[:-1], axis=0))

    def modes(self, start: FloatArray) -> FloatArray:
        """Maxima of g, (groups,): Newton's method, with a bisection where a step leaves the bracket or fails to be half
        as long as the one before (Press et al., Numerical Recipes, section 9.4, rtsafe)."""
        u = start
        low, high = np.full(self.groups, -np.inf), np.full(self.groups, np.inf)
        length = np.full(self.groups, np.inf)
        for _ in range(MODE_STEPS):
            p, q = _probability(self.offset + self.sigma * u[self.group])
            slope = self.sigma * self._sum(self.events - self.trials * p) - u
            curvature = 1.0 + self.sigma**2 * self._sum(self.trials * p * q)
            # The slope falls by at least 1 per unit of u, so the mode is within |slope| of u.
            low = np.maximum(low, np.where(slope >= 0, u, u + slope))
            high = np.minimum(high, np.where(slope <= 0, u, u + slope))
            step = slope / curvature
            last = np.abs(step) <= MODE_TOLERANCE * (1.0 + np.abs(u))
            good = (u + step >= low) & (u + step <= high) & (np.abs(step) <= length / 2)
            after = np.where(last | good, u + step, (low + high) / 2)
            length = np.abs(after - u)
            u = after
            if last.all():
                break
        return u

    def add_derivatives(self, mode: FloatArray, rule: NodeRule, gradient: FloatArray, hessian: FloatArray) -> float:
        """Add the block's gradient and Hessian to the arrays given; returns its log-likelihood.

        Names: dN_t is a derivative of g, N times along u, at the mode; `_theta` one more along the parameters.
        """
        sigma, size = self.sigma, self.x.shape[1] + 1
        p, q = _probability(self.offset + sigma * mode[self.group])
        level2 = -self.trials * p * q
        level3 = level2 * (q - p)
        level4 = level2 * (1.0 - 6.0 * p * q)
        s1 = self._sum(self.events - self.trials * p)
        (s2, v2), (s3, v3), (s4, v4) = (self._sums(level, mode) for level in (level2, level3, level4))
        last = np.zeros(size)
        last[-1] = 1.0

        k = 1.0 - sigma**2 * s2
        d3_t, d4_t = sigma**3 * s3, sigma**4 * s4
        d1_theta = sigma * v2 + s1[:, None] * last
        d2_theta = sigma**2 * v3 + 2.0 * sigma * s2[:, None] * last
        d3_theta = sigma**3 * v4 + 3.0 * sigma**2 * s3[:, None] * last
        mode_theta = d1_theta / k[:, None]
        k_theta = -(d2_theta + d3_t[:, None] * mode_theta)

        # The nodes, their share of the integral, and the first derivative of each node's log term.
        z = rule.nodes
        t = mode[:, None] + z / np.sqrt(k)[:, None]
        t_theta = mode_theta[:, None, :] - 0.5 * z[:, None] * (k_theta / k[:, None] ** 1.5)[:, None, :]
        g, n1, n2, w1, w2 = self._node_sums(t)
        log_terms = rule.log_weights + g - t**2 / 2 + z**2 / 2
        top = log_terms.max(axis=1)
        share = np.exp(log_terms - top[:, None])
        total = share.sum(axis=1)
        share /= total[:, None]
        slope = sigma * n1 - t
        first = w1 + slope[:, :, None] * t_theta
        mean = np.einsum("gq,gqs->gs", share, first)
        gradient += (mean - 0.5 * k_theta / k[:, None]).sum(axis=0)

        # Second derivatives at the nodes, without the beta-beta block of g (added below in one product).
        centred = first - mean[:, None, :]
        slope_theta = sigma * w2 + n1[:, :, None] * last
        flat_share = share.reshape(-1)
        flat_t = t_theta.reshape(-1, size)
        bend = (sigma**2 * n2 - 1.0).reshape(-1)
        hessian += _symmetric(centred.reshape(-1, size), centred.reshape(-1, size), flat_share / 2)
        hessian += _symmetric(slope_theta.reshape(-1, size), flat_t, flat_share)
        hessian += _symmetric(flat_t, flat_t, flat_share * bend / 2)
        cross = (flat_share * t.reshape(-1)) @ w2.reshape(-1, size)

        # How mode and curvature bend: c_k multiplies the second derivative of k, c_m that of the mode.
        c_kk = 1.0 / (2.0 * k**2) + 0.75 * (share * slope * z).sum(axis=1) / k**2.5
        c_k = -1.0 / (2.0 * k) - 0.5 * (share * slope * z).sum(axis=1) / k**1.5
        c_m = ((share * slope).sum(axis=1) - c_k * d3_t) / k
        hessian += _symmetric(k_theta, k_theta, c_kk / 2)
        hessian += _symmetric(d3_theta, mode_theta, -c_k)
        hessian += _symmetric(mode_theta, mode_theta, (c_m * d3_t - c_k * d4_t) / 2)
        hessian += _symmetric(d2_theta, mode_theta, c_m)
        on_last = 2.0 * sigma * (-c_k @ v3) + c_m @ v2
        hessian[-1] += on_last
        hessian[:, -1] += on_last
        hessian[-1, -1] -= 2.0 * (c_k @ s2)
        cross += (-c_k * sigma**2 * mode) @ v4 + (c_m * sigma * mode) @ v3
        hessian[-1] += cross
        hessian[:-1, -1] += cross[:-1]
        per_row = (-c_k * sigma**2)[self.group] * level4 + (c_m * sigma)[self.group] * level3
        per_row += self._shared_level2(t, share) if len(z) > 1 else level2
        for chunk in self._chunks(BLOCK_ROWS):
            hessian[:-1, :-1] += self.x[chunk].T @ (self.x[chunk] * per_row[chunk, None])
        return float((top + np.log(total) - 0.5 * np.log(k)).sum())

    def _sums(self, level: FloatArray, mode: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Sums by group of `level` (rows,) and of level * (x, mode): (groups,) and (groups, p + 1)."""
        total = self._sum(level)
        by_column = level[None, :] @ self.x if self.groups == 1 else self._sum(level[:, None] * self.x)
        return total, np.column_stack([by_column, mode * total])

    def _chunks(self, step: int) -> Iterator[slice]:
        """Row ranges of at most `step` rows; a range shares a group with the next one at most."""
        for first in range(0, len(self.x), step):
            yield slice(first, min(first + step, len(self.x)))

    def _node_sums(self, t: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        """Sums by group and node (groups, q): log-likelihood, its first and second derivative along the linear
        predictor, and both times (x, t): (groups, q, p + 1)."""
        shape = t.shape
        g, n1, n2 = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        w1, w2 = np.zeros((*shape, self.x.shape[1] + 1)), np.zeros((*shape, self.x.shape[1] + 1))
        for chunk in self._chunks(max(1, BLOCK_VALUES // shape[1])):
            group = self.group[chunk]
            x, trials, events = self.x[chunk], self.trials[chunk, None], self.events[chunk, None]
            predictor = self.offset[chunk, None] + self.sigma * t[group]
            tail = np.exp(-np.abs(predictor))
            log_one_plus = np.maximum(predictor, 0.0) + np.log(1.0 + tail)
            p = np.where(predictor >= 0, 1.0, tail) / (1.0 + tail)
            first = events - trials * p
            second = -trials * tail / (1.0 + tail) ** 2
            here, starts = np.unique(group, return_index=True)
            for total, values in (
                (g, events * predictor - trials * log_one_plus),
                (n1, first),
                (n2, second),
            ):
                total[here] += np.add.reduceat(values, starts, axis=0)
            for by_column, values in ((w1, first), (w2, second)):
                if len(here) == 1:
                    by_column[here[0], :, :-1] += values.T @ x
                    continue
                for node in range(shape[1]):
                    by_column[here, node, :-1] += np.add.reduceat(values[:, node, None] * x, starts, axis=0)
        w1[:, :, -1], w2[:, :, -1] = t * n1, t * n2
        return g, n1, n2, w1, w2

    def _shared_level2(self, t: FloatArray, share: FloatArray) -> FloatArray:
        """Second derivative of the log-likelihood along the linear predictor, averaged over nodes by `share`."""
        averaged = np.empty(len(self.x))
        for chunk in self._chunks(max(1, BLOCK_VALUES // t.shape[1])):
            group = self.group[chunk]
            tail = np.exp(-np.abs(self.offset[chunk, None] + self.sigma * t[group]))
            averaged[chunk] = -self.trials[chunk] * (share[group] * tail / (1.0 + tail) ** 2).sum(axis=1)
        return averaged


def _probability(predictor: FloatArray) -> tuple[FloatArray, FloatArray]:
    """P and 1 - P of a linear predictor, each without cancellation."""
    tail = np.exp(-np.abs(predictor))
    large, small = 1.0 / (1.0 + tail), tail / (1.0 + tail)
    positive = predictor >= 0
    return np.where(positive, large, small), np.where(positive, small, large)
