"""Two independent means: Welch's and the pooled t test, from data or from summary statistics.

Welch, Biometrika 34:28 (1947), degrees of freedom by Satterthwaite (Biometrics Bulletin 2:110, 1946).
"""

import math
from dataclasses import dataclass
from typing import Literal

from scipy.special import stdtrit

from containers.toolkit.tables.cohort import tails

Variances = Literal["welch", "pooled"]


@dataclass(frozen=True)
class Summary:
    """A group of values."""

    mean: float
    """Mean of the values."""
    sd: float
    """Standard deviation of the values (n - 1)."""
    n: int
    """Number of values."""


@dataclass(frozen=True)
class TTest:
    """first - second, with interval and test."""

    difference: float
    """Difference of the means."""
    low: float
    """Lower end of its interval."""
    high: float
    """Upper end of its interval."""
    t: float
    """Statistic of the test."""
    df: float
    """Degrees of freedom; not whole by Welch."""
    p: float
    """Two-sided p."""
    log10_p: float
    """Logarithm of p to base 10, which does not underflow."""


def t_test(first: Summary, second: Summary, variances: Variances, level: float = 0.95) -> TTest:
    """Test of equal means. Raises ValueError for fewer than two values in a group, or when neither group varies."""
    if min(first.n, second.n) < 2:
        raise ValueError("a t test needs two values in each group")
    a, b = first.sd**2 / first.n, second.sd**2 / second.n
    if a + b == 0.0:
        raise ValueError("neither group varies")
    if variances == "welch":
        squared = a + b
        # Shares of the sum, whose squares cannot underflow.
        df = 1.0 / ((a / squared) ** 2 / (first.n - 1) + (b / squared) ** 2 / (second.n - 1))
    else:
        df = float(first.n + second.n - 2)
        pooled = ((first.n - 1) * first.sd**2 + (second.n - 1) * second.sd**2) / df
        squared = pooled * (1 / first.n + 1 / second.n)
    error = math.sqrt(squared)
    difference = first.mean - second.mean
    t = difference / error
    half = float(stdtrit(df, 0.5 + level / 2)) * error
    return TTest(difference, difference - half, difference + half, t, df, *tails.student(t, df))
