"""Trim and fill (Duval and Tweedie 2000), step by step as metafor's `trimfill`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Side = Literal["left", "right"]
MAX_STEPS = 100


@dataclass(frozen=True)
class Filled:
    """The effects with those that are missing."""

    side: Side
    """Side on which effects are missing."""
    k0: int
    """Number of missing effects."""
    k0_se: float
    """Standard error of that number."""
    k0_p: float | None
    """p of no missing effect, by R0; None by L0."""
    effect: Floats
    """Observed and filled effects, (k + k0,)."""
    variance: Floats
    """Their sampling variances, (k + k0,)."""


def trim_and_fill(
    y: Floats, v: Floats, side: Side, estimator: Literal["L0", "R0"], mean: Callable[[Floats, Floats], float]
) -> Filled | None:
    """Fill y (k,) with variances v on `side`. mean: the pooled effect of effects and variances.

    Returns None when the steps do not settle within 100 rounds.
    """
    sign = -1.0 if side == "right" else 1.0
    order = np.argsort(sign * y, kind="stable")
    ys, vs = sign * y[order], v[order]
    k, k0 = len(y), 0
    for _ in range(MAX_STEPS):
        before = k0
        centre = mean(ys[: k - k0], vs[: k - k0])
        deviation = ys - centre
        ranks = np.empty(k)
        ranks[np.argsort(np.abs(deviation), kind="stable")] = np.arange(1, k + 1)
        raw, se = _missing(np.sign(deviation) * ranks, estimator)
        k0 = max(0, int(np.rint(raw)))
        if k0 == before:
            tail = slice(k - k0, k)
            effect = np.concatenate([y, sign * (2 * centre - ys[tail])])
            p = 0.5 ** (k0 + 1) if estimator == "R0" else None
            return Filled(side, k0, max(0.0, se), p, effect, np.concatenate([v, vs[tail]]))
    return None


def _missing(signed: Floats, estimator: Literal["L0", "R0"]) -> tuple[float, float]:
    """The estimate of the number missing and its standard error, from signed ranks."""
    k = len(signed)
    if estimator == "R0":
        k0 = k - float(np.max(-signed[signed < 0], initial=0.0)) - 1
        return k0, float(np.sqrt(2 * max(0.0, k0) + 2))
    total = float(np.sum(signed[signed > 0]))
    k0 = (4 * total - k * (k + 1)) / (2 * k - 1)
    variance = k * (k + 1) * (2 * k + 1) + 10 * k0**3 + 27 * k0**2 + 17 * k0 - 18 * k * k0**2 - 18 * k * k0
    variance = (variance + 6 * k**2 * k0) / 24
    return k0, float(4 * np.sqrt(max(0.0, variance)) / (2 * k - 1))
