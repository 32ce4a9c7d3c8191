"""Tail areas in plain arithmetic, for the made tables.

Continued fractions and series of the incomplete beta and gamma functions (Abramowitz and Stegun 1964, 6.5.29, 6.5.31
and 26.5.8), relative error below 1e-12 over the range used here.
"""

import math
from collections.abc import Callable

_TINY = 1e-300


def normal_p(z: float) -> float:
    """Two-sided."""
    return math.erfc(abs(z) / math.sqrt(2))


def t_p(t: float, df: float) -> float:
    """Two-sided."""
    return _beta(df / 2, 0.5, df / (df + t * t))


def f_p(f: float, df: float, df2: float) -> float:
    """Upper tail."""
    return _beta(df2 / 2, df / 2, df2 / (df2 + df * f))


def chi2_p(x: float, df: float) -> float:
    """Upper tail."""
    a, half = df / 2, x / 2
    if half <= 0:
        return 1.0
    front = math.exp(a * math.log(half) - half - math.lgamma(a))
    if half < a + 1:
        term = total = 1 / a
        n = a
        while abs(term) > total * 1e-16:
            n += 1
            term *= half / n
            total += term
        return 1 - front * total
    return front * _fraction(lambda i: (-i * (i - a), half + 2 * i + 1 - a), half + 1 - a)


def _fraction(step: Callable[[int], tuple[float, float]], start: float) -> float:
    """1 / (start + a1 / (b1 + a2 / (b2 + ...))) by Lentz's method."""
    d = 1 / start
    c, value = 1 / _TINY, d
    for i in range(1, 500):
        a, b = step(i)
        d = 1 / (b + a * d or _TINY)
        c = b + a / c or _TINY
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


def _beta(a: float, b: float, x: float) -> float:
    """Regularised incomplete beta function."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(b, a, 1 - x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))

    def step(i: int) -> tuple[float, float]:
        m, odd = divmod(i, 2)
        if odd:
            return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), 1.0
        return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), 1.0

    return front / a * _fraction(step, 1.0)


def t_quantile(df: float, tail: float = 0.025) -> float:
    """Where the upper tail of Student's t is `tail`, by bisection."""
    low, high = 0.0, 100.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if t_p(middle, df) / 2 > tail else (low, middle)
    return low


def fisher_p(a: int, n: int, b: int, m: int) -> float:
    """Two-sided p of Fisher's exact test: tables no likelier than the one seen."""
    events = a + b

    def log_choose(total: int, chosen: int) -> float:
        return math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)

    logs = [
        log_choose(n, i) + log_choose(m, events - i) - log_choose(n + m, events)
        for i in range(max(0, events - m), min(n, events) + 1)
    ]
    seen = logs[a - max(0, events - m)] + 1e-7
    return min(1.0, math.fsum(math.exp(value) for value in logs if value <= seen))
