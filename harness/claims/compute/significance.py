"""p values, test statistics, degrees of freedom, correlations and heterogeneity.

Statistics are computed as intervals first; p falls with the size of the statistic, so its ends are at theirs.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import harness.claims.relations as kinds
from harness.claims.compute.base import ONE, Terms, ratio_log
from harness.claims.compute.spread import half_width, level_of, quantile_text
from harness.claims.distributions import chi2_p, f_p, normal_p, t_p, t_quantile
from harness.claims.interval import Interval, corners, total
from harness.claims.source import Source

NONNEGATIVE = Interval.at_least(Fraction(0))


def statistic_p(relation: kinds.PFromStatistic, source: Source, sides: int) -> Terms:
    """p of the printed statistic; `sides` counts for the symmetric distributions."""
    value, text = source.interval(relation.statistic), source.text(relation.statistic)
    df = source.interval(relation.df) if relation.df else ONE
    df2 = source.interval(relation.df2) if relation.df2 else ONE
    texts = [source.text(key) for key in (relation.df, relation.df2) if key]
    degrees = f", df {' and '.join(texts)}" if texts else ""
    tail = "" if relation.distribution in ("chi2", "f") else f", {'two' if sides == 2 else 'one'}-sided"
    name = {"normal": "z", "t": "t", "chi2": "χ²", "f": "F"}[relation.distribution]
    found = {
        "normal": lambda: normal_p(value, sides),
        "t": lambda: t_p(value, df, sides),
        "chi2": lambda: chi2_p(value, df),
        "f": lambda: f_p(value, df, df2),
    }[relation.distribution]()
    return [(f"p of {name} = {text}{degrees}{tail}", found)]


def _p_from_statistic(relation: kinds.PFromStatistic, source: Source) -> Terms:
    return statistic_p(relation, source, relation.sides)


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


def limits_of(relation: kinds.PFromInterval, source: Source, scale: str) -> Limits:
    """Raises ValueError for limits that have no logarithm on the log scale."""
    keys = (relation.estimate, relation.low, relation.high)
    values = source.intervals(list(keys))
    texts = [source.text(key) for key in keys]
    if scale == "log":
        values = [ratio_log(value) for value in values]
        texts = [f"ln {text}" for text in texts]
    return Limits(values[0], values[1], values[2], (texts[0], texts[1], texts[2]))


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


def interval_p(relation: kinds.PFromInterval, source: Source, scale: str, level: str, df: Interval | None) -> Terms:
    """Two-sided p by the normal distribution, or by Student's t when df is given."""
    limits = limits_of(relation, source, scale)
    z = interval_z(limits, t_quantile(level_of(level), df))
    found = t_p(z, df) if df else normal_p(z)
    name = "t" if df else "z"
    return [(f"p of {name} = {quantile_text(level)} × {limits.statistic}", found)]


def _p_from_interval(relation: kinds.PFromInterval, source: Source) -> Terms:
    return interval_p(relation, source, relation.scale, relation.level, None)


@dataclass(frozen=True)
class Groups:
    """Two groups of which summaries are printed."""

    means: Sequence[Interval]
    """Mean of each group."""
    sds: Sequence[Interval]
    """Standard deviation (n - 1) of each group."""
    counts: Sequence[Interval]
    """Number of persons in each group."""

    @property
    def difference(self) -> Interval:
        return self.means[0] - self.means[1]

    @property
    def variances(self) -> tuple[Interval, Interval]:
        """Squared standard errors of the means."""
        first, second = (sd.square() / n for sd, n in zip(self.sds, self.counts, strict=True))
        return first, second

    def welch(self) -> tuple[Interval, Interval]:
        """Welch's t and its degrees of freedom."""
        a, b = self.variances
        return over(self.difference, (a + b).root()), self._welch_df(a, b)

    def _welch_df(self, a: Interval, b: Interval) -> Interval:
        """1 / df = r^2 / (n1 - 1) + (1 - r)^2 / (n2 - 1), r = a / (a + b): convex in r, least at (n1 - 1) / (n1 + n2
        - 2), where df is n1 + n2 - 2. So the range over r is at its ends and, when it holds that point, there."""
        low, high = (x / (x + y) if x + y else Fraction(0) for x, y in ((a.low, b.high), (a.high, b.low)))
        ends = []
        for n1 in (self.counts[0].low, self.counts[0].high):
            for n2 in (self.counts[1].low, self.counts[1].high):
                if n1 <= 1 or n2 <= 1:
                    raise ValueError("a group of one has no standard deviation")
                turn = (n1 - 1) / (n1 + n2 - 2)
                for r in (low, high, *([turn] if low <= turn <= high else [])):
                    ends.append(1 / (r**2 / (n1 - 1) + (1 - r) ** 2 / (n2 - 1)))
        return Interval.hull(ends)

    def pooled_sd(self) -> Interval:
        """Root of the variance within the groups."""
        weights = [n - ONE for n in self.counts]
        squares = total(w * sd.square() for w, sd in zip(weights, self.sds, strict=True))
        return (squares / total(weights)).root()

    def student(self) -> tuple[Interval, Interval]:
        """Student's t with the pooled standard deviation, and its degrees of freedom."""
        spread = self.pooled_sd() * total(ONE / n for n in self.counts).root()
        return over(self.difference, spread), total(self.counts) - Interval.point(2)


def over(value: Interval, spread: Interval) -> Interval:
    """value / spread for a spread that is not negative; where it may be zero, up to a thousand times the value."""
    if spread.high <= 0:
        raise ValueError("the standard deviations are zero")
    return value / Interval(max(spread.low, spread.high / 1000), spread.high)


def groups_of(relation: kinds.DifferenceTest, source: Source) -> Groups:
    """Standard deviations are not negative, whatever their rounding allows."""
    sds = [source.count(key) for key in relation.sds]
    return Groups(source.intervals(relation.means), sds, source.intervals(relation.counts))


def group_texts(relation: kinds.DifferenceTest, source: Source) -> tuple[str, str, str]:
    """The difference, the squared standard errors and the degrees of freedom, as text."""
    difference = f"({source.text(relation.means[0])} − {source.text(relation.means[1])})"
    parts = [f"{source.text(s)}²/{source.text(n)}" for s, n in zip(relation.sds, relation.counts, strict=True)]
    return difference, " + ".join(parts), " and ".join(source.text(n) for n in relation.counts)


def _difference_test(relation: kinds.DifferenceTest, source: Source) -> Terms:
    groups = groups_of(relation, source)
    difference, squares, _ = group_texts(relation, source)
    if relation.part == "difference":
        return [(difference, groups.difference)]
    if relation.part == "d":
        return [(f"{difference} / pooled SD (Cohen's d)", over(groups.difference, groups.pooled_sd()))]
    t, df = groups.welch()
    formula = f"{difference} / √({squares})"
    if relation.part == "t":
        return [(f"{formula} (Welch)", t)]
    if relation.part == "df":
        return [(f"degrees of freedom of {formula} (Welch–Satterthwaite)", df)]
    return [(f"p of t = {formula}, two-sided (Welch)", t_p(t, df))]


def _correlation_of(relation: kinds.Correlation, source: Source) -> tuple[Interval, Interval]:
    r = source.interval(relation.r).cut(Interval(Fraction(-1), Fraction(1)))
    n = source.interval(relation.n)
    if n.low <= 3:
        raise ValueError("a correlation's limits need more than three pairs")
    # Just inside: the transform has no value at ±1.
    inner = Interval(Fraction(-999999, 10**6), Fraction(999999, 10**6))
    return r.cut(inner), n


def fisher_limit(relation: kinds.Correlation, source: Source, quantile: Interval, said: str, part: str) -> Terms:
    """tanh(artanh r -+ quantile / sqrt(n - 3)): monotone in r, n and the quantile."""
    r, n = _correlation_of(relation, source)
    sign = 1 if part == "upper" else -1
    found = corners(lambda x, k, q: math.tanh(math.atanh(x) + sign * q / math.sqrt(k - 3)), r, n, quantile)
    text_r, text_n = source.text(relation.r), source.text(relation.n)
    return [(f"tanh(artanh {text_r} {'+' if sign > 0 else '−'} {said} / √({text_n} − 3))", found)]


def correlation_t(relation: kinds.Correlation, source: Source) -> tuple[Interval, Interval]:
    """t = r sqrt((n - 2) / (1 - r^2)) and its degrees of freedom."""
    r, n = _correlation_of(relation, source)
    return corners(lambda x, k: x * math.sqrt((k - 2) / (1 - x * x)), r, n), n - Interval.point(2)


def _correlation(relation: kinds.Correlation, source: Source) -> Terms:
    if relation.part != "p":
        return fisher_limit(relation, source, t_quantile(Fraction(95, 100), None), "1.96", relation.part)
    text_r, text_n = source.text(relation.r), source.text(relation.n)
    return [(f"p of t = {text_r} × √(({text_n} − 2) / (1 − {text_r}²))", t_p(*correlation_t(relation, source)))]


def i2(q: Interval, df: Interval) -> Interval:
    """100 max(0, (Q - df) / Q): rises with Q, falls with df."""
    ends = [max(Fraction(0), 1 - d / x) if x > 0 else Fraction(0) for x, d in ((q.low, df.high), (q.high, df.low))]
    return Interval(*ends).scaled(100)


def _i2_from_q(relation: kinds.I2FromQ, source: Source) -> Terms:
    q, df = source.text(relation.q), source.text(relation.df)
    return [(f"100 × ({q} − {df}) / {q}", i2(source.count(relation.q), source.count(relation.df)))]


def likelihood_ratio(relation: kinds.LrP, source: Source) -> Interval:
    """Twice the difference of the log-likelihoods, which is not negative for nested models."""
    small, large = source.intervals(relation.log_likelihoods)
    twice = (large - small).scaled(2)
    if twice.high < 0:
        raise ValueError("the larger model has the smaller log-likelihood")
    return twice.cut(NONNEGATIVE)


def _lr_p(relation: kinds.LrP, source: Source) -> Terms:
    small, large = (source.text(key) for key in relation.log_likelihoods)
    formula = f"p of χ² = 2 × ({large} − {small}), df {source.text(relation.df)}"
    return [(formula, chi2_p(likelihood_ratio(relation, source), source.interval(relation.df)))]


COMPUTE: dict[str, Callable[[Any, Source], Terms]] = {
    "p_from_statistic": _p_from_statistic,
    "p_from_interval": _p_from_interval,
    "difference_test": _difference_test,
    "correlation": _correlation,
    "i2_from_q": _i2_from_q,
    "lr_p": _lr_p,
}
