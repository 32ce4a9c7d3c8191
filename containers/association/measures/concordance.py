"""Agreement of two measurements of the same thing: limits of agreement, and Lin's concordance correlation.

Bland and Altman, Lancet 327:307 (1986), Stat Methods Med Res 8:135 (1999); Lin, Biometrics 45:255 (1989), with the
corrected variance of Biometrics 56:324 (2000).
"""

import math
from dataclasses import dataclass

from scipy.special import ndtri, stdtrit

from containers.association.measures.correlation import pearson
from containers.toolkit.tables.cohort.arrays import FloatArray

Interval = tuple[float, float]

LIMIT = 1.96
"""The limits are mean -/+ 1.96 SD, as Bland and Altman print it; only their intervals follow the level."""


@dataclass(frozen=True)
class Limits:
    """Differences of two measurements, with limits of agreement; all in the unit of the values."""

    mean: float
    """Mean of the differences."""
    sd: float
    """Standard deviation of the differences (n - 1)."""
    low: float
    """Lower limit of agreement."""
    high: float
    """Upper limit of agreement."""
    mean_interval: Interval
    """Interval of the mean by Student's t."""
    low_interval: Interval
    """Interval of the lower limit by Student's t."""
    high_interval: Interval
    """Interval of the upper limit by Student's t."""


def limits_of_agreement(x: FloatArray, y: FloatArray, level: float = 0.95) -> Limits:
    """Limits of x - y, (n,) each, in their unit.

    SE of the mean: s / sqrt(n); of a limit: s sqrt(1 / n + 1.96^2 / (2 (n - 1))) (1999, section 2). Raises ValueError
    for fewer than two pairs.
    """
    n = len(x)
    if n < 2:
        raise ValueError("limits of agreement need at least two pairs")
    gap = x - y
    mean, sd = float(gap.mean()), float(gap.std(ddof=1))
    t = float(stdtrit(n - 1, 0.5 + level / 2))
    of_mean = t * sd / math.sqrt(n)
    of_limit = t * sd * math.sqrt(1 / n + LIMIT**2 / (2 * (n - 1)))
    low, high = mean - LIMIT * sd, mean + LIMIT * sd
    return Limits(
        mean,
        sd,
        low,
        high,
        (mean - of_mean, mean + of_mean),
        (low - of_limit, low + of_limit),
        (high - of_limit, high + of_limit),
    )


@dataclass(frozen=True)
class Concordance:
    """Lin's concordance coefficient."""

    coefficient: float
    """The coefficient."""
    low: float | None
    """Lower end of its interval; None when undefined."""
    high: float | None
    """Upper end of its interval; None when undefined."""
    r: float
    """Pearson's correlation."""
    accuracy: float
    """Coefficient over r: how near the best line is to equality."""


def lin_concordance(x: FloatArray, y: FloatArray, level: float = 0.95) -> Concordance:
    """2 s_xy / (s_x^2 + s_y^2 + (mean x - mean y)^2) of (n,) x and y, moments with 1 / n, interval by Fisher's z.

    Variance of the coefficient c with u = (mean x - mean y) / sqrt(s_x s_y) (Lin 2000):
    [(1 - r^2) c^2 (1 - c^2) / r^2 + 2 c^3 (1 - c) u^2 / r - c^4 u^4 / (2 r^2)] / (n - 2); of atanh(c): that over
    (1 - c^2)^2. The interval is undefined when r is 0, or |c| is 1. Raises ValueError for fewer than three pairs and
    for an x or y that is constant.
    """
    r, n = pearson(x, y).r, len(x)
    sd_x, sd_y, shift = float(x.std()), float(y.std()), float(x.mean() - y.mean())
    accuracy = 2 * sd_x * sd_y / (sd_x**2 + sd_y**2 + shift**2)
    c = r * accuracy
    if r == 0.0 or abs(c) >= 1.0:
        return Concordance(c, None, None, r, accuracy)
    square = shift**2 / (sd_x * sd_y)
    variance = (
        (1 - r**2) * accuracy**2 * (1 - c**2)
        + 2 * c**2 * accuracy * (1 - c) * square
        - (c * accuracy * square) ** 2 / 2
    ) / (n - 2)
    half = float(ndtri(0.5 + level / 2)) * math.sqrt(max(0.0, variance)) / (1 - c**2)
    z = math.atanh(c)
    return Concordance(c, math.tanh(z - half), math.tanh(z + half), r, accuracy)
