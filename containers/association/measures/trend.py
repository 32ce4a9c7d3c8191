"""Trend of proportions over ordered groups: the Cochran-Armitage test, and the formula as ukb_thigh prints it.

Cochran, Biometrics 10:417 (1954); Armitage, Biometrics 11:375 (1955). With weights w_i, r_i events of n_i rows,
P = sum r / N:

    standard    Z = sum w_i (r_i - n_i P) / sqrt[P (1 - P) (sum n_i w_i^2 - (sum n_i w_i)^2 / N)]
    as printed  Z = sum w_i (p_i - P)     / sqrt[P (1 - P) sum w_i^2 / n_i]        (ukb_thigh, Statistical analysis)
"""

import math
from dataclasses import dataclass

from containers.toolkit.tables.cohort import tails
from containers.toolkit.tables.cohort.arrays import FloatArray

DIFFERENCE = (
    "this formula weighs each group's proportion alike, whatever its size, and its variance takes the overall"
    " proportion as known and leaves the weights uncentred: its value changes when a constant is added to all weights"
)


@dataclass(frozen=True)
class Trend:
    """The Cochran-Armitage test."""

    z: float
    """The statistic, positive where the share of events rises."""
    p: float
    """Two-sided p."""
    log10_p: float
    """Logarithm of p to base 10, which does not underflow."""


def cochran_armitage(events: FloatArray, n: FloatArray, weights: FloatArray) -> Trend:
    """The standard test, of (groups,) events among n rows. Z^2 is R's prop.trend.test. Raises as `trend_as_printed`."""
    share, _ = _share(events, n, weights)
    total = n.sum()
    centre = (n * weights).sum() / total
    score = (weights * (events - n * share)).sum()
    spread = (n * (weights - centre) ** 2).sum()
    return _trend(float(score), float(share * (1 - share) * spread))


def trend_as_printed(events: FloatArray, n: FloatArray, weights: FloatArray) -> Trend:
    """The formula as ukb_thigh prints it (see DIFFERENCE).

    Raises ValueError for an empty group, fewer than two different weights, and no event or no non-event in all.
    """
    share, of_group = _share(events, n, weights)
    score = (weights * (of_group - share)).sum()
    return _trend(float(score), float(share * (1 - share) * (weights**2 / n).sum()))


def _share(events: FloatArray, n: FloatArray, weights: FloatArray) -> tuple[float, FloatArray]:
    if (n <= 0).any():
        raise ValueError("a group has no rows")
    if weights.min() == weights.max():
        raise ValueError("a trend needs two different weights")
    share = float(events.sum() / n.sum())
    if not 0.0 < share < 1.0:
        raise ValueError("a trend needs rows with and without the event")
    return share, events / n


def _trend(score: float, variance: float) -> Trend:
    z = score / math.sqrt(variance)
    return Trend(z, *tails.normal(z))
