"""Means, standard deviations, standard errors and confidence limits."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import harness.claims.relations as kinds
from harness.claims.compute.base import ONE, Terms, ratio_log
from harness.claims.distributions import t_quantile
from harness.claims.interval import Interval, total
from harness.claims.source import Source


def level_of(text: str) -> Fraction:
    """Confidence level as a share."""
    return Fraction(text) / 100


def weighted_mean(relation: kinds.WeightedMean, source: Source) -> Terms:
    counts, means = source.intervals(relation.counts), source.intervals(relation.means)
    weighted = total(n * m for n, m in zip(counts, means, strict=True))
    pairs = zip(relation.counts, relation.means, strict=True)
    formula = " + ".join(f"{source.text(n)} × {source.text(m)}" for n, m in pairs)
    return [(f"({formula}) / ({source.texts(relation.counts, ' + ')})", weighted / total(counts))]


def _pooled_sd(relation: kinds.PooledSd, source: Source) -> Terms:
    """(N - 1) SD^2 = sum (n_i - 1) SD_i^2 + sum_{i<j} n_i n_j (m_i - m_j)^2 / N: exact, and each mean
    difference stands once, so that two groups give a tight interval."""
    counts, means = source.intervals(relation.counts), source.intervals(relation.means)
    sds = source.intervals(relation.sds)
    everyone = total(counts)
    within = total((n - ONE) * s.square() for n, s in zip(counts, sds, strict=True))
    between = total(
        counts[i] * counts[j] * (means[i] - means[j]).square() / everyone
        for i in range(len(counts))
        for j in range(i + 1, len(counts))
    )
    formula = " + ".join(
        f"({source.text(n)} − 1) × {source.text(s)}²" for n, s in zip(relation.counts, relation.sds, strict=True)
    )
    between_means = source.texts(relation.means, " and ")
    formula = f"√((squares within groups {formula}, and between the means {between_means}) / (N − 1))"
    return [(formula, ((within + between) / (everyone - ONE)).root())]


def interval_centre(low_key: str, high_key: str, scale: kinds.Scale, source: Source) -> Terms:
    """Middle of two limits, on the scale they were made on."""
    low, high = source.interval(low_key), source.interval(high_key)
    texts = source.text(low_key), source.text(high_key)
    if scale == "linear":
        return [(f"({texts[0]} + {texts[1]}) / 2", (low + high).scaled(Fraction(1, 2)))]
    middle = (ratio_log(low) + ratio_log(high)).scaled(Fraction(1, 2)).exp()
    return [(f"√({texts[0]} × {texts[1]})", middle)]


def _interval_centre(relation: kinds.IntervalCentre, source: Source) -> Terms:
    if relation.method:
        low, high = source.interval(relation.low), source.interval(relation.high)
        text = f"anything from {source.text(relation.low)} to {source.text(relation.high)}"
        return [(text, Interval(min(low.low, high.low), max(low.high, high.high)))]
    return interval_centre(relation.low, relation.high, relation.scale, source)


def limit_from_se(relation: kinds.IntervalFromSe, source: Source, quantile: Interval, said: str) -> Terms:
    """estimate -+ quantile x SE; with the quantile's text."""
    sign = Fraction(1 if relation.part == "upper" else -1)
    symbol = "+" if sign > 0 else "−"
    reach = (quantile * source.count(relation.se)).scaled(sign)
    estimate, se = source.text(relation.estimate), source.text(relation.se)
    if relation.scale == "linear":
        return [(f"{estimate} {symbol} {said} × {se}", source.interval(relation.estimate) + reach)]
    found = (ratio_log(source.interval(relation.estimate)) + reach).exp()
    return [(f"exp(ln {estimate} {symbol} {said} × {se})", found)]


def quantile_text(level: str, df: str = "") -> str:
    """How the quantile is written in a formula."""
    known = {"95": "1.96", "90": "1.645", "99": "2.576"}.get(level, f"z({level} %)")
    return f"t({level} %, df {df})" if df else known


def _interval_from_se(relation: kinds.IntervalFromSe, source: Source) -> Terms:
    df = source.interval(relation.df) if relation.df else None
    said = quantile_text(relation.level, source.text(relation.df) if relation.df else "")
    return limit_from_se(relation, source, t_quantile(level_of(relation.level), df), said)


def half_width(low: Interval, high: Interval, scale: kinds.Scale) -> Interval:
    """Half the width of limits; of their logarithms on the log scale. Raises ValueError when they are exchanged."""
    width = ratio_log(high) - ratio_log(low) if scale == "log" else high - low
    if width.high < 0:
        raise ValueError("the upper limit is below the lower one")
    return width.cut(Interval.at_least(Fraction(0))).scaled(Fraction(1, 2))


def se_from_limits(relation: kinds.SeFromInterval, source: Source, quantile: Interval, said: str) -> Terms:
    low, high = source.text(relation.low), source.text(relation.high)
    width = f"ln {high} − ln {low}" if relation.scale == "log" else f"{high} − {low}"
    half = half_width(source.interval(relation.low), source.interval(relation.high), relation.scale)
    return [(f"({width}) / (2 × {said})", half / quantile)]


def _se_from_interval(relation: kinds.SeFromInterval, source: Source) -> Terms:
    return se_from_limits(relation, source, t_quantile(level_of(relation.level), None), quantile_text(relation.level))


def _sd_from_se(relation: kinds.SdFromSe, source: Source) -> Terms:
    formula = f"{source.text(relation.se)} × √{source.text(relation.n)}"
    return [(formula, source.count(relation.se) * source.count(relation.n).root())]


def _pooled_within(relation: kinds.PooledWithin, source: Source) -> Terms:
    strata = source.intervals(relation.strata)
    text = f"anything from the smallest to the largest of {source.texts(relation.strata, ', ')}"
    return [(text, Interval(min(s.low for s in strata), max(s.high for s in strata)))]


def _df_at_most(relation: kinds.DfAtMost, source: Source) -> Terms:
    formula = f"{source.text(relation.clusters)} − {relation.parameters}"
    return [(formula, source.interval(relation.clusters) - Interval.point(relation.parameters))]


COMPUTE: dict[str, Callable[[Any, Source], Terms]] = {
    "weighted_mean": weighted_mean,
    "pooled_sd": _pooled_sd,
    "interval_centre": _interval_centre,
    "interval_from_se": _interval_from_se,
    "se_from_interval": _se_from_interval,
    "sd_from_se": _sd_from_se,
    "pooled_within": _pooled_within,
    "df_at_most": _df_at_most,
}
