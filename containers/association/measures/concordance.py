"""Lin's concordance correlation of two measurements of the same thing.

Lin, Biometrics 45:255 (1989), with the corrected variance of Biometrics 56:324 (2000).
"""

import math
from dataclasses import dataclass

from scipy.special import ndtri

from containers.association.measures.correlation import pearson
from containers.toolkit.tables.cohort.arrays import FloatArray


@dataclass(frozen=True)
class LinConcordance:
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


def lin_concordance(x: FloatArray, y: FloatArray, level: float = 0.95) -> LinConcordance:
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
        return LinConcordance(c, None, None, r, accuracy)
    square = shift**2 / (sd_x * sd_y)
    variance = (
        (1 - r**2) * accuracy**2 * (1 - c**2)
        + 2 * c**2 * accuracy * (1 - c) * square
        - (c * accuracy * square) ** 2 / 2
    ) / (n - 2)
    half = float(ndtri(0.5 + level / 2)) * math.sqrt(max(0.0, variance)) / (1 - c**2)
    z = math.atanh(c)
    return LinConcordance(c, math.tanh(z - half), math.tanh(z + half), r, accuracy)
