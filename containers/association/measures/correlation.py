"""Pearson's correlation with Fisher's interval (ukb_thigh, Statistical analysis; Fisher, Metron 1:3, 1921)."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from containers.toolkit.tables.cohort import tails
from containers.toolkit.tables.cohort.arrays import FloatArray


@dataclass(frozen=True)
class Correlation:
    """Pearson's correlation with interval and test."""

    r: float
    """The correlation."""
    low: float | None
    """Lower end of its interval; None with three pairs, or when |r| is 1."""
    high: float | None
    """Upper end of its interval; None with three pairs, or when |r| is 1."""
    t: float | None
    """Statistic of Student's t test; None when |r| is 1."""
    df: int
    """Degrees of freedom, n - 2."""
    p: float | None
    """Two-sided p; None when |r| is 1."""
    log10_p: float | None
    """Logarithm of p to base 10, which does not underflow; None when |r| is 1."""


def pearson(x: FloatArray, y: FloatArray, level: float = 0.95) -> Correlation:
    """Correlation of (n,) x and y.

    Interval: tanh(atanh r -/+ z / sqrt(n - 3)). Test: t = r sqrt((n - 2) / (1 - r^2)). Raises ValueError for fewer than
    three pairs and for an x or y that is constant.
    """
    n = len(x)
    if n < 3:
        raise ValueError("a correlation needs at least three pairs")
    u, v = _direction(x), _direction(y)
    # |u - v|^2 = 2 (1 - r): without the cancellation that 1 - r has for r near 1; likewise 1 + r.
    below_one, above_minus_one = float(((u - v) ** 2).sum()) / 2, float(((u + v) ** 2).sum()) / 2
    r = 1.0 - below_one if below_one < above_minus_one else above_minus_one - 1.0
    rest = below_one * above_minus_one
    if rest < 4 * np.finfo(float).eps ** 2:
        return Correlation(math.copysign(1.0, r), None, None, None, n - 2, None, None)
    t = r * math.sqrt((n - 2) / rest)
    p, log10_p = tails.student(t, n - 2)
    low = high = None
    if n > 3:
        z = 0.5 * math.log(above_minus_one / below_one)
        half = float(ndtri(0.5 + level / 2)) / math.sqrt(n - 3)
        low, high = math.tanh(z - half), math.tanh(z + half)
    return Correlation(r, low, high, t, n - 2, p, log10_p)


def _direction(x: FloatArray) -> FloatArray:
    """x centred and scaled to length 1. Raises ValueError when nothing is left of it."""
    centred = x - x.mean()
    centred -= centred.mean()
    length = float(np.sqrt((centred**2).sum()))
    if length <= 1e-14 * math.sqrt(len(x)) * float(np.abs(x).max()):
        raise ValueError("has the same value in every row")
    direction: FloatArray = centred / length
    return direction
