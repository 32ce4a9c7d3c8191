"""Tests of two proportions, over all tables of whole numbers inside the printed roundings."""

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from scipy import special

from harness.claims.interval import Interval

_MOST_TABLES = 400
"""Tables inside the printed roundings that are tried one by one."""


def _whole(count: Interval) -> range:
    return range(max(0, math.ceil(count.low)), math.floor(count.high) + 1)


def each_table(counts: Sequence[Interval], test: Callable[[int, int, int, int], float]) -> Interval:
    """Range of a test's p over the tables of whole numbers (events, size, events, size) inside the roundings.

    All of them when they are few. Else those at the corners, and 1 when the proportions may be equal: p falls as they
    part. Raises ValueError when no table has at most as many events as members.
    """
    choices: list[Sequence[int]] = [_whole(count) for count in counts]
    many = math.prod(len(choice) for choice in choices) > _MOST_TABLES
    if many:
        choices = [sorted({choice[0], choice[-1]}) for choice in choices if choice]
    known = [t for t in itertools.product(*choices) if len(t) == 4 and t[0] <= t[1] and t[2] <= t[3]]
    if not known:
        raise ValueError("no table of whole numbers has at most as many events as members")
    values = [Fraction(test(*t)) for t in known]
    gaps = [a * m - b * n for a, n, b, m in known]
    highest = Fraction(1) if many and min(gaps) <= 0 <= max(gaps) else max(values)
    margin = Fraction(1, 10**9)
    return Interval(min(values) * (1 - margin), min(Fraction(1), highest * (1 + margin)))


def _chi2(a: int, n: int, b: int, m: int, yates: float) -> float:
    """n (|ad - bc| - n/2)^2 over the product of the margins; 1 when a margin is empty."""
    c, d = n - a, m - b
    margins = n * m * (a + b) * (c + d)
    if margins == 0:
        return 1.0
    excess = max(0.0, abs(a * d - b * c) - yates * (n + m) / 2)
    return float(special.chdtrc(1, (n + m) * excess**2 / margins))


def pearson(a: int, n: int, b: int, m: int) -> float:
    """p of Pearson's chi-squared without correction."""
    return _chi2(a, n, b, m, 0)


def yates(a: int, n: int, b: int, m: int) -> float:
    """p of chi-squared with Yates' correction."""
    return _chi2(a, n, b, m, 1)


def fisher(a: int, n: int, b: int, m: int) -> float:
    """Two-sided p of Fisher's exact test: all tables that are no likelier than the one seen."""
    # Loaded here: it takes half a second, which every command would wait for.
    from scipy import stats

    return float(stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue)


def likelihood(a: int, n: int, b: int, m: int) -> float:
    """p of the likelihood-ratio chi-squared (G)."""
    cells = (a, n - a, b, m - b)
    margins = ((n, a + b), (n, n + m - a - b), (m, a + b), (m, n + m - a - b))
    g = 2 * sum(o * math.log(o * (n + m) / (r * c)) for o, (r, c) in zip(cells, margins, strict=True) if o)
    return float(special.chdtrc(1, max(0.0, g)))


def unpooled(a: int, n: int, b: int, m: int) -> float:
    """p of Wald's test: the difference of proportions over its own standard error."""
    p, q = a / n, b / m
    error = math.sqrt(p * (1 - p) / n + q * (1 - q) / m)
    return float(2 * special.ndtr(-abs(p - q) / error)) if error else 1.0
