"""Standardised mean differences from summary statistics, combined groups and bilateral averages.

All functions are elementwise on equally long float64 arrays; the caller checks that n >= 2 and sd > 0.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

Floats = npt.NDArray[np.float64]
VarianceType = Literal["LS", "LS2", "UB", "AV"]


@dataclass(frozen=True)
class Arm:
    """Summaries of one arm."""

    mean: Floats
    """Mean, (rows,)."""
    sd: Floats
    """Standard deviation with n - 1, (rows,)."""
    n: Floats
    """Number of persons, (rows,)."""


@dataclass(frozen=True)
class StandardisedDifferences:
    """Standardised mean differences."""

    effect: Floats
    """Hedges' g, (rows,)."""
    variance: Floats
    """Its sampling variance, (rows,)."""
    correction: Floats
    """The correction factor J, (rows,)."""


def exact_correction(df: Floats) -> Floats:
    """Hedges' exact J(m) = gamma(m/2) / (sqrt(m/2) gamma((m-1)/2)) for m >= 2 (Hedges 1981, eq. 6e)."""
    return np.asarray(np.exp(gammaln(df / 2) - 0.5 * np.log(df / 2) - gammaln((df - 1) / 2)))


def hedges_g(first: Arm, second: Arm, variance_type: VarianceType = "LS") -> StandardisedDifferences:
    """Hedges' g of first minus second, with the variance as metafor's escalc names it.

    LS: large-sample; LS2: J^2 times that of d (Borenstein 2009); UB: unbiased (Hedges 1983); AV: LS with the
    sample-size weighted mean of all g.
    """
    total = first.n + second.n
    m = total - 2
    pooled = np.sqrt(((first.n - 1) * first.sd**2 + (second.n - 1) * second.sd**2) / m)
    d = (first.mean - second.mean) / pooled
    j = exact_correction(m)
    g = j * d
    harmonic = 1 / first.n + 1 / second.n
    if variance_type == "LS2":
        variance = j**2 * (harmonic + d**2 / (2 * total))
    elif variance_type == "UB":
        variance = harmonic + (1 - (m - 2) / (m * j**2)) * g**2
    else:
        centre = np.sum(total * g) / np.sum(total) if variance_type == "AV" and len(g) else g
        variance = harmonic + centre**2 / (2 * total)
    return StandardisedDifferences(g, np.asarray(variance), j)


def combine(first: Arm, second: Arm) -> Arm:
    """One group from two (Cochrane Handbook 6.5.2.10). Where one is missing (NaN) it is the other."""
    n = first.n + second.n
    mean = (first.n * first.mean + second.n * second.mean) / n
    between = first.n * second.n / n * (first.mean - second.mean) ** 2
    variance = ((first.n - 1) * first.sd**2 + (second.n - 1) * second.sd**2 + between) / (n - 1)
    both = Arm(mean, np.sqrt(variance), n)
    no_first, no_second = np.isnan(first.n), np.isnan(second.n)
    pick = [no_first, no_second]
    return Arm(
        np.select(pick, [second.mean, first.mean], both.mean),
        np.select(pick, [second.sd, first.sd], both.sd),
        np.select(pick, [second.n, first.n], both.n),
    )


def average_sides(left: Arm, right: Arm, correlation: float) -> Arm:
    """Mean of two measurements on the same persons, whose correlation is given; sizes are those of `left`."""
    variance = (left.sd**2 + right.sd**2 + 2 * correlation * left.sd * right.sd) / 4
    return Arm((left.mean + right.mean) / 2, np.sqrt(variance), left.n)
