"""Two-sided and upper tail probabilities with their base-10 logarithms, which stay finite where p underflows.

Degrees of freedom are above 0 and need not be whole. Where scipy's tail is above 1e-290 its logarithm is taken; below,
logarithms come from continued fractions of the incomplete gamma and beta functions (Abramowitz and Stegun 6.5.31 and
26.5.8; Press et al., Numerical Recipes, 3rd ed., 6.2 and 6.4), which converge fast there.
"""

import math
from typing import NamedTuple

from scipy import special

SMALL = 1e-290
"""Below this a tail probability loses digits to underflow."""
TINY = 1e-300
STEPS = 10_000
LN10 = math.log(10.0)


class Tail(NamedTuple):
    """A p value that may underflow."""

    p: float
    """The p value; 0 where it underflows."""
    log10_p: float
    """Its logarithm to base 10, which does not."""


def normal(z: float) -> Tail:
    """Two-sided tail of the standard normal; the logarithm is finite for any finite z."""
    log = math.log(2.0) + float(special.log_ndtr(-abs(z)))
    return Tail(float(special.erfc(abs(z) / math.sqrt(2.0))), min(log / LN10, 0.0))


def student(t: float, df: float) -> Tail:
    """Two-sided tail of Student's t with df degrees of freedom; the logarithm of p = 0 at infinite t is -inf."""
    p = 2.0 * float(special.stdtr(df, -abs(t)))
    if math.isinf(t):
        return Tail(p, -math.inf)
    if p > SMALL:
        return Tail(p, math.log10(p))
    # log(t^2 / df), which does not overflow as t^2 does.
    log_ratio = 2.0 * math.log(abs(t)) - math.log(df)
    return Tail(p, _log_beta(df / 2.0, 0.5, log_ratio) / LN10)


def chi_square(x: float, df: float) -> Tail:
    """Upper tail of chi-square at x (at least 0) with df degrees of freedom."""
    p = float(special.chdtrc(df, x))
    return Tail(p, (math.log(p) if p > SMALL else _log_gamma(df / 2.0, x / 2.0)) / LN10)


def fisher(f: float, df_1: float, df_2: float) -> Tail:
    """Upper tail of F at f (at least 0)."""
    a, b = df_2 / 2.0, df_1 / 2.0
    p = float(special.betainc(a, b, df_2 / (df_2 + df_1 * f)))
    log = math.log(p) if p > SMALL else _log_beta(a, b, math.log(df_1) - math.log(df_2) + math.log(f))
    return Tail(p, log / LN10)


def normal_quantile(level: float) -> float:
    """c such that a standard normal lies in [-c, c] with probability `level`."""
    return float(-special.ndtri((1 - level) / 2))


def student_quantile(level: float, df: float) -> float:
    """c such that Student's t with df degrees of freedom lies in [-c, c] with probability `level`."""
    return float(-special.stdtrit(df, (1 - level) / 2))


def chi_square_quantile(upper: float, df: float) -> float:
    """x whose upper chi-square tail is `upper`."""
    return float(special.chdtri(df, upper))


def _log_gamma(a: float, x: float) -> float:
    """log Q(a, x) by Lentz's continued fraction; x > a + 1."""
    b = x + 1.0 - a
    c, d = 1.0 / TINY, 1.0 / b
    value = d
    for k in range(1, STEPS):
        step = -k * (k - a)
        b += 2.0
        d = 1.0 / (step * d + b)
        c = b + step / c
        value *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return a * math.log(x) - x - math.lgamma(a) + math.log(value)


def _log_beta(a: float, b: float, log_ratio: float) -> float:
    """log I_x(a, b) by Lentz's continued fraction; log_ratio = log((1 - x) / x), x < (a + 1) / (a + b + 2)."""
    # log x = -log(1 + r) and log(1 - x) = log r - log(1 + r) with r the ratio, which may be beyond floats.
    log_whole = max(log_ratio, 0.0) + math.log1p(math.exp(-abs(log_ratio)))
    x = math.exp(-log_whole)
    front = -a * log_whole + b * (log_ratio - log_whole) - math.log(a) - float(special.betaln(a, b))
    c, d = 1.0, 1.0 / _off_zero(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, STEPS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0)),
        ):
            d = 1.0 / _off_zero(1.0 + term * d)
            c = _off_zero(1.0 + term / c)
            value *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return front + math.log(value)


def _off_zero(value: float) -> float:
    return value if abs(value) > TINY else TINY
