"""Levels, quantiles and widths of confidence limits."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from harness.claims.distributions import t_quantile
from harness.claims.interval import Interval
from harness.claims.mathematics.ratio import ratio_log

Scale = Literal["log", "linear"]
"""Scale on which limits are symmetric."""
LEVELS = ("90", "95", "99")
"""Confidence levels that papers use."""
NORMAL_975 = t_quantile(Fraction(95, 100), None)
"""The 97.5th percentile of the normal distribution, as it is or rounded to 1.96 as papers use it."""
SMALL_DF = Interval(Fraction(10), Fraction(10**6))
"""Degrees of freedom that a paper may have used without saying so: Student's quantile is then up to 2.23."""


def level_of(text: str) -> Fraction:
    """Confidence level as a share."""
    return Fraction(text) / 100


def quantile_text(level: str, df: str = "") -> str:
    """How the quantile is written in a formula."""
    known = {"95": "1.96", "90": "1.645", "99": "2.576"}.get(level, f"z({level} %)")
    return f"t({level} %, df {df})" if df else known


def student(level: str) -> tuple[Interval, str]:
    """Quantiles of Student's t with ten or more degrees of freedom, and their text."""
    return t_quantile(level_of(level), SMALL_DF), quantile_text(level, "10 or more")


def half_width(low: Interval, high: Interval, scale: Scale) -> Interval:
    """Half the width of limits; of their logarithms on the log scale. Raises ValueError when they are exchanged."""
    width = ratio_log(high) - ratio_log(low) if scale == "log" else high - low
    if width.high < 0:
        raise ValueError("the upper limit is below the lower one")
    return width.cut(Interval.at_least(Fraction(0))).scaled(Fraction(1, 2))


@dataclass(frozen=True)
class Limits:
    """An estimate with its limits, on the scale where zero means no effect."""

    estimate: Interval
    """The estimate."""
    low: Interval
    """Its lower limit."""
    high: Interval
    """Its upper limit."""
    texts: tuple[str, str, str]
    """Estimate, lower and upper limit as they stand in formulas."""

    @property
    def statistic(self) -> str:
        """estimate / half-width, as text."""
        estimate, low, high = self.texts
        width = f"{high} + {low[1:]}" if low.startswith("−") else f"{high} − {low}"
        return f"2 × {estimate} / ({width})"


def interval_z(limits: Limits, quantile: Interval) -> Interval:
    """|estimate| over SE, SE = width / (2 quantile).

    The estimate and the limits are rounded apart from each other, so the range is that of the quotient.
    """
    half = half_width(limits.low, limits.high, "linear")
    if half.high <= 0:
        raise ValueError("the limits have no width")
    size = limits.estimate.absolute()
    low = size.low * quantile.low / half.high
    # Limits that are equal as printed leave the statistic without an upper end that a p could show.
    high = size.high * quantile.high / half.low if half.low > 0 else max(Fraction(1000), low)
    return Interval(low, high)
