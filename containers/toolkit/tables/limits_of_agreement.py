"""Bias and limits of agreement of two measurements (Bland and Altman, Lancet 327:307, 1986; SMMR 8:135, 1999)."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

Interval = tuple[float, float]

LIMIT = 1.96
"""The limits are mean -/+ 1.96 SD as Bland and Altman print it, not the longer 1.959964; only intervals follow the
level."""


@dataclass(frozen=True)
class LimitsOfAgreement:
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


def limits_of_agreement(differences: npt.NDArray[np.float64], level: float = 0.95) -> LimitsOfAgreement:
    """Limits of (n,) differences of pairs, with intervals of that confidence level.

    SE of the mean: s / sqrt(n); of a limit: s sqrt(1 / n + 1.96^2 / (2 (n - 1))) (1999, section 2). Raises ValueError
    for fewer than two pairs.
    """
    n = len(differences)
    if n < 2:
        raise ValueError("limits of agreement need at least two pairs")
    mean, sd = float(differences.mean()), float(differences.std(ddof=1))
    t = float(stdtrit(n - 1, 0.5 + level / 2))
    of_mean = t * sd / math.sqrt(n)
    of_limit = t * sd * math.sqrt(1 / n + LIMIT**2 / (2 * (n - 1)))
    low, high = mean - LIMIT * sd, mean + LIMIT * sd
    return LimitsOfAgreement(
        mean,
        sd,
        low,
        high,
        (mean - of_mean, mean + of_mean),
        (low - of_limit, low + of_limit),
        (high - of_limit, high + of_limit),
    )
