"""Tests of two proportions, profile limits of a ratio of odds, and heterogeneity between subgroups."""

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from scipy import optimize, special, stats

import harness.claims.relations as kinds
from harness.claims.compute.base import Terms, ratio_log
from harness.claims.compute.ratios import Table
from harness.claims.compute.spread import half_width, level_of
from harness.claims.distributions import chi2_p, t_quantile
from harness.claims.interval import Interval, corners
from harness.claims.source import Source

_MOST_TABLES = 400
"""Tables inside the printed roundings that are tried one by one."""
_WIDER = Fraction(1, 10**6)


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
    return float(stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue)


def likelihood(a: int, n: int, b: int, m: int) -> float:
    """p of the likelihood-ratio chi-squared (G)."""
    cells = (a, n - a, b, m - b)
    margins = ((n, a + b), (n, n + m - a - b), (m, a + b), (m, n + m - a - b))
    g = 2 * sum(o * math.log(o * (n + m) / (r * c)) for o, (r, c) in zip(cells, margins, strict=True) if o)
    return float(special.chdtrc(1, max(0.0, g)))


def counts_of(relation: kinds.PFromCounts, source: Source) -> list[Interval]:
    """events, size, events, size."""
    keys = (relation.events_a, relation.size_a, relation.events_b, relation.size_b)
    return [source.count(key) for key in keys]


def table_text(relation: kinds.PFromCounts, source: Source) -> str:
    """`215 of 17,920 against 202 of 19,084`."""
    first = f"{source.text(relation.events_a)} of {source.text(relation.size_a)}"
    return f"{first} against {source.text(relation.events_b)} of {source.text(relation.size_b)}"


def _p_from_counts(relation: kinds.PFromCounts, source: Source) -> Terms:
    found = each_table(counts_of(relation, source), pearson)
    return [(f"p of Pearson's χ² for {table_text(relation, source)}", found)]


def _profile(a: float, b: float, n: float, m: float, upper: bool) -> float:
    """Limit of the odds ratio where twice the drop of the profile log-likelihood is 3.841 (95 %).

    At a given log odds ratio the second group's probability follows from the score equation, a quadratic.
    """
    drop = float(special.chdtri(1, 0.05)) / 2
    estimate = math.log(a / (n - a)) - math.log(b / (m - b))

    def profile(log_ratio: float) -> float:
        ratio = math.exp(log_ratio)

        def surplus(p: float) -> float:
            return n * ratio * p / (1 - p + ratio * p) + m * p - a - b

        p = float(optimize.brentq(surplus, 1e-300, 1 - 1e-16, xtol=1e-15))
        high = ratio * p / (1 - p + ratio * p)
        return float(
            special.xlogy(a, high) + special.xlog1py(n - a, -high) + special.xlogy(b, p) + special.xlog1py(m - b, -p)
        )

    top = profile(estimate)
    error = math.sqrt(1 / a + 1 / (n - a) + 1 / b + 1 / (m - b))
    far = estimate + (10 if upper else -10) * error
    return math.exp(float(optimize.brentq(lambda x: top - profile(x) - drop, *sorted((estimate, far)), xtol=1e-12)))


def profile_limit(table: Table, part: str) -> Interval:
    """Profile-likelihood limit of the odds ratio, at the corners of the counts: it rises with the first group's
    events, and turns with each count at most where a cell is below two. Raises ValueError for an empty cell."""
    boxes = (*table.events, *table.sizes)
    try:
        return corners(lambda a, b, n, m: _profile(a, b, n, m, part == "upper"), *boxes)
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise ValueError("profile limits have no value for these counts") from error


def between_q(estimates: Sequence[Interval], halves: Sequence[Interval], quantile: Interval) -> Interval:
    """Q = min over mu of sum (quantile / half)^2 (estimate - mu)^2, ranged over the intervals.

    For every value inside the intervals Q lies between the least sum with the nearest estimates and smallest weights,
    and the least sum with the farthest estimates and largest weights: two convex functions of mu.
    """
    if any(half.high <= 0 for half in halves):
        raise ValueError("limits without width")
    smallest = [float(quantile.low / half.high) ** 2 for half in halves]
    # Limits that are printed equal leave the weight without an upper end.
    largest = [float(quantile.high / max(half.low, half.high / 1000)) ** 2 for half in halves]
    ends = [(float(e.low), float(e.high)) for e in estimates]

    def nearest(mu: float) -> float:
        gaps = (max(0.0, low - mu, mu - high) for low, high in ends)
        return sum(w * gap**2 for w, gap in zip(smallest, gaps, strict=True))

    def farthest(mu: float) -> float:
        return sum(w * max(abs(mu - low), abs(mu - high)) ** 2 for w, (low, high) in zip(largest, ends, strict=True))

    span = (min(low for low, _ in ends), max(high for _, high in ends))
    least, most = (
        Fraction(float(optimize.minimize_scalar(f, bounds=span, method="bounded", options={"xatol": 1e-12}).fun))
        for f in (nearest, farthest)
    )
    return Interval(least * (1 - _WIDER), most * (1 + _WIDER))


def subgroup_q(relation: kinds.SubgroupTest, source: Source, scale: kinds.Scale, level: str = "95") -> Interval:
    """Q between the subgroups' estimates."""
    lows, highs = source.intervals(relation.lows), source.intervals(relation.highs)
    estimates = source.intervals(relation.estimates)
    halves = [half_width(low, high, scale) for low, high in zip(lows, highs, strict=True)]
    if scale == "log":
        estimates = [ratio_log(estimate) for estimate in estimates]
    return between_q(estimates, halves, t_quantile(level_of(level), None))


def subgroup_terms(relation: kinds.SubgroupTest, source: Source, q: Interval) -> Terms:
    """Q, or its p with one degree of freedom less than subgroups."""
    logs = "ln " if relation.scale == "log" else ""
    text = f"Q between {', '.join(logs + source.text(e) for e in relation.estimates)} with their limits"
    if relation.part == "q":
        return [(text, q)]
    df = len(relation.estimates) - 1
    return [(f"p of {text}, df {df}", chi2_p(q, Interval.point(df)))]


def _subgroup_test(relation: kinds.SubgroupTest, source: Source) -> Terms:
    return subgroup_terms(relation, source, subgroup_q(relation, source, relation.scale))


COMPUTE: dict[str, Callable[[Any, Source], Terms]] = {
    "p_from_counts": _p_from_counts,
    "subgroup_test": _subgroup_test,
}
