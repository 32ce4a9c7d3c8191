"""Intervals for times, without assuming how they are distributed.

The interval of a median is that of order statistics (W. J. Conover, Practical Nonparametric Statistics, 3rd ed.,
section 3.2). The interval of a ratio is the Hodges-Lehmann one of two samples on the log scale, from the distribution
of the Mann-Whitney statistic, exact up to EXACT calls a side (the same book, section 5.4): the ratio is the median of
all ratios of a call on one side to a call on the other. Both take the calls as independent. Sampling goes on until the
interval is narrow, so that its coverage is approximate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, ndtri

CONFIDENCE = 0.95
EXACT = 50
"""Calls a side up to which the Mann-Whitney statistic has its exact distribution here."""


@dataclass(frozen=True)
class Interval:
    """A value with its limits."""

    value: float
    """The estimate: a median, or a ratio of times."""
    low: float
    """Lower limit, in the unit of the value."""
    high: float
    """Upper limit, in the unit of the value."""
    coverage: float
    """Probability that the limits enclose the true value, as a share."""

    @property
    def half_width(self) -> float:
        """Half the length of the interval as a share of the value."""
        return (self.high - self.low) / 2 / self.value


def median_interval(seconds: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """The median of one or more calls, with the narrowest pair of order statistics of at least this confidence.

    Under 6 calls no pair has 95 %: then the limits are the fastest and the slowest, and `coverage` says what they have.
    """
    ordered = np.sort(np.asarray(seconds, dtype=np.float64))
    n = len(ordered)
    ranks = np.arange(1, (n + 1) // 2 + 1)
    coverage = 1 - 2 * bdtr(ranks - 1, n, 0.5)
    enough = ranks[coverage >= confidence]
    rank = int(enough[-1]) if len(enough) else 1
    return Interval(
        float(np.median(ordered)),
        float(ordered[rank - 1]),
        float(ordered[n - rank]),
        max(0.0, float(coverage[rank - 1])),
    )


def ratio_interval(above: Sequence[float], below: Sequence[float], confidence: float = CONFIDENCE) -> Interval | None:
    """How many times longer the calls `above` take than those `below`. None where too few calls have no interval.

    All seconds must be over zero.
    """
    n, m = len(above), len(below)
    logs = np.sort(np.subtract.outer(np.log(above), np.log(below)).reshape(-1))
    alpha = 1 - confidence
    if max(n, m) <= EXACT:
        below_or_at = np.cumsum(_mann_whitney(n, m))
        rank = int(np.searchsorted(below_or_at, alpha / 2 - 1e-12))
        if rank == 0:
            return None
        coverage = float(1 - 2 * below_or_at[rank - 1])
    else:
        rank = int(n * m / 2 - ndtri(1 - alpha / 2) * np.sqrt(n * m * (n + m + 1) / 12))
        coverage = confidence
    low, high = np.exp(logs[rank - 1]), np.exp(logs[n * m - rank])
    return Interval(float(np.exp(np.median(logs))), float(low), float(high), coverage)


def _mann_whitney(n: int, m: int) -> npt.NDArray[np.float64]:
    """Probabilities of the Mann-Whitney statistic 0 to n m when both samples come from one distribution.

    By the recursion of Mann and Whitney (1947): the largest of all is of one sample or of the other.
    """
    rows = [np.ones(1) for _ in range(m + 1)]
    for i in range(1, n + 1):
        grown = [np.ones(1)]
        for j in range(1, m + 1):
            counts = np.zeros(i * j + 1)
            counts[j:] += rows[j] * (i / (i + j))
            counts[: i * (j - 1) + 1] += grown[j - 1] * (j / (i + j))
            grown.append(counts)
        rows = grown
    return rows[m]
