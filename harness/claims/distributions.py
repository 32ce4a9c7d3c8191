"""Tail areas and quantiles over intervals: monotone functions, taken at corners and rounded outwards.

Source of the distributions: scipy.special; every function here is monotone in each argument over its
domain, but for F in its degrees of freedom, which is so on both sides of a flat turning point.
"""

import math
from fractions import Fraction

from scipy import special

from harness.claims.interval import Interval, corners

ZERO, ONE = Fraction(0), Fraction(1)
UNIT = Interval(ZERO, ONE)


def _probability(found: Interval) -> Interval:
    return found.cut(UNIT) if found.meets(UNIT) else Interval.point(0)


def normal_p(z: Interval, sides: int = 2) -> Interval:
    """Two-sided p of a normal statistic, or the smaller tail for sides = 1."""
    return _probability(corners(lambda x: sides * float(special.ndtr(-x)), z.absolute()))


def t_p(t: Interval, df: Interval, sides: int = 2) -> Interval:
    """Two-sided p of Student's t, or the smaller tail for sides = 1. Raises ValueError unless df > 0."""
    _positive(df)
    return _probability(corners(lambda x, nu: sides * float(special.stdtr(nu, -x)), t.absolute(), df))


def chi2_p(statistic: Interval, df: Interval) -> Interval:
    """Upper tail of chi-squared. Raises ValueError unless df > 0."""
    _positive(df)
    kept = statistic.cut(Interval.at_least(ZERO))
    return _probability(corners(lambda x, nu: float(special.chdtrc(nu, x)), kept, df))


def f_p(statistic: Interval, df: Interval, df2: Interval) -> Interval:
    """Upper tail of F. Raises ValueError unless both degrees of freedom are positive."""
    _positive(df)
    _positive(df2)
    kept = statistic.cut(Interval.at_least(ZERO))
    return _probability(corners(lambda x, a, b: float(special.fdtrc(a, b, x)), kept, df, df2))


def _positive(df: Interval) -> None:
    if df.low <= 0:
        raise ValueError("degrees of freedom must be positive")


def t_quantile(level: Fraction, df: Interval | None) -> Interval:
    """Quantile at 1 - (1 - level) / 2 of Student's t; of the normal distribution without df.

    The normal one at 95 % also holds 1.96, as papers round it.
    """
    tail = float((1 - level) / 2)
    if df is not None:
        _positive(df)
        return corners(lambda nu: -float(special.stdtrit(nu, tail)), df)
    exact = -float(special.ndtri(tail))
    rounded = round(exact, 2)
    near = {95: 1.96, 90: 1.645, 99: 2.576}.get(int(level * 100) if (level * 100).denominator == 1 else 0, rounded)
    low, high = sorted((exact, near))
    margin = math.ulp(high) * 16
    return Interval(Fraction(low - margin), Fraction(high + margin))
