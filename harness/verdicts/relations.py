"""What each relation between printed numbers computes, by interval arithmetic over the printed roundings.

Every function takes a relation of `reference_results.relations` and the printed numbers, and gives terms: the formula
as text and the interval that holds its result for all values inside the printed roundings.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Literal

import reference_results.relations as kinds
from harness.verdicts.interval import Interval, product, total
from reference_results import Claim, Ledger
from reference_results.printed import PrintedNumber, numbers

GYROMAGNETIC_MHZ_PER_T = Fraction("42.577478")
"""Proton gyromagnetic ratio over 2 pi, CODATA 2018, cut at eight digits: the rounding is far below the printed one."""

Convention = Literal["nearest", "truncated"]


def printed_interval(number: PrintedNumber, convention: Convention = "nearest") -> Interval:
    """All values that are printed as this number. `~` doubles the width; an exact number stands for itself."""
    if convention == "truncated" and not number.about:
        ends = (number.value, number.value + (number.step if number.value >= 0 else -number.step))
        return Interval.hull(ends)
    half = number.step if number.about else number.step / 2
    return Interval(number.value - half, number.value + half)


class Source:
    """Printed numbers of one ledger, read under one convention."""

    def __init__(self, ledger: Ledger, convention: Convention = "nearest") -> None:
        self.ledger, self.convention = ledger, convention

    def interval(self, key: str) -> Interval:
        return printed_interval(self.ledger.number(key).parsed()[0], self.convention)

    def intervals(self, keys: list[str]) -> list[Interval]:
        return [self.interval(key) for key in keys]

    def text(self, key: str) -> str:
        """The number alone, in one style, whatever unit or word it was printed with."""
        return numbers(self.ledger.number(key).printed)[0].text

    def texts(self, keys: list[str], joint: str) -> str:
        return joint.join(self.text(key) for key in keys)

    def target(self, claim: Claim) -> Interval:
        """The printed number, or for a printed range everything from its low to its high end."""
        found = [printed_interval(n, self.convention) for n in claim.parsed()]
        if isinstance(claim.relation, kinds.ExcessRange):
            return Interval(found[0].low, found[-1].high)
        return found[0]


Terms = list[tuple[str, Interval]]


def _sum(relation: kinds.Sum, source: Source) -> Terms:
    return [(source.texts(relation.parts, " + "), total(source.intervals(relation.parts)))]


def _difference(relation: kinds.Difference, source: Source) -> Terms:
    formula = f"{source.text(relation.minuend)} − {source.text(relation.subtrahend)}"
    return [(formula, source.interval(relation.minuend) - source.interval(relation.subtrahend))]


def _product(relation: kinds.Product, source: Source) -> Terms:
    return [(source.texts(relation.factors, " × "), product(source.intervals(relation.factors)))]


def _quotient(relation: kinds.Quotient, source: Source) -> Terms:
    formula = f"{source.text(relation.dividend)} / {source.text(relation.divisor)}"
    return [(formula, source.interval(relation.dividend) / source.interval(relation.divisor))]


def percent(relation: kinds.Percent, source: Source) -> Terms:
    ratio = source.interval(relation.part) / source.interval(relation.whole)
    return [(f"100 × {source.text(relation.part)} / {source.text(relation.whole)}", ratio.scaled(100))]


def _decline(relation: kinds.Decline, source: Source) -> Terms:
    start, end = source.text(relation.start), source.text(relation.end)
    left = source.interval(relation.end) / source.interval(relation.start)
    return [(f"100 × ({start} − {end}) / {start}", (Interval.point(1) - left).scaled(100))]


def excess_range(relation: kinds.ExcessRange, source: Source) -> Terms:
    return [
        (
            f"100 × ({source.text(upper)} / {source.text(lower)} − 1)",
            (source.interval(upper) / source.interval(lower) - Interval.point(1)).scaled(100),
        )
        for upper, lower in relation.pairs
    ]


def _weighted_mean(relation: kinds.WeightedMean, source: Source) -> Terms:
    counts, means = source.intervals(relation.counts), source.intervals(relation.means)
    weighted = total(n * m for n, m in zip(counts, means, strict=True))
    pairs = zip(relation.counts, relation.means, strict=True)
    formula = " + ".join(f"{source.text(n)} × {source.text(m)}" for n, m in pairs)
    return [(f"({formula}) / ({source.texts(relation.counts, ' + ')})", weighted / total(counts))]


def _pooled_sd(relation: kinds.PooledSd, source: Source) -> Terms:
    """(N - 1) SD^2 = sum (n_i - 1) SD_i^2 + sum_{i<j} n_i n_j (m_i - m_j)^2 / N: exact, and each mean
    difference stands once, so that two groups give a tight interval."""
    counts, means = source.intervals(relation.counts), source.intervals(relation.means)
    sds, one = source.intervals(relation.sds), Interval.point(1)
    everyone = total(counts)
    within = total((n - one) * s.square() for n, s in zip(counts, sds, strict=True))
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
    return [(formula, ((within + between) / (everyone - one)).root())]


def height_index(relation: kinds.HeightIndex, source: Source) -> Terms:
    low, high = (Fraction(limit) for limit in relation.height_limits_m)
    bound = source.interval(relation.quantity) / Interval(low, high).square()
    return [(f"{source.text(relation.quantity)} / (any height in m)²", bound)]


def _cycles(relation: kinds.EchoPhase, source: Source) -> Interval:
    parts = source.intervals([relation.echo_time_ms, relation.field_t, relation.shift_ppm])
    return product(parts).scaled(GYROMAGNETIC_MHZ_PER_T / 1000)


def echo_phase(relation: kinds.EchoPhase, source: Source) -> Terms:
    te, field_t, shift = (source.text(k) for k in (relation.echo_time_ms, relation.field_t, relation.shift_ppm))
    return [(f"{te} ms × {shift} ppm × 42.577 MHz/T × {field_t} T", _cycles(relation, source))]


def iou(dice: Fraction) -> Fraction:
    return dice / (2 - dice)


def _mean_iou(relation: kinds.MeanIou, source: Source) -> Terms:
    mean = source.interval(relation.mean_dice)
    low, high = source.interval(relation.smallest).low, source.interval(relation.largest).high
    chord = iou(low) + (iou(high) - iou(low)) * (min(mean.high, high) - low) / (high - low)
    text = source.text
    formula = f"mean of D / (2 − D) over classes with mean D {text(relation.mean_dice)}, "
    formula += f"each from {text(relation.smallest)} to {text(relation.largest)},"
    return [(formula, Interval.hull((iou(mean.low), chord)))]


def _at_most(relation: kinds.AtMost, source: Source) -> Terms:
    return [(source.texts(relation.factors, " × "), product(source.intervals(relation.factors)))]


NORMAL_975 = Interval(Fraction("1.959963"), Fraction("1.96"))
"""The 97.5th percentile of the normal distribution, as it is or rounded to 1.96 as papers use it."""


def odds_ratio(relation: kinds.OddsRatio, source: Source) -> Terms:
    """a / (n - a) over b / (n - b); both groups have the printed size, each for itself inside its rounding."""
    a, b = source.interval(relation.events_high), source.interval(relation.events_low)
    size, one = source.interval(relation.size), Interval.point(1)
    rest_a, rest_b = size - a, size - b
    estimate = (a / rest_a) / (b / rest_b)
    high, low, n = (source.text(key) for key in (relation.events_high, relation.events_low, relation.size))
    formula = f"({high} / ({n} − {high})) / ({low} / ({n} − {low}))"
    if relation.part == "estimate":
        return [(formula, estimate)]
    error = total(one / cell for cell in (a, b, rest_a, rest_b)).root()
    sign = Fraction(1 if relation.part == "upper" else -1)
    limit = (estimate.log() + (NORMAL_975 * error).scaled(sign)).exp()
    cells = f"1/{high} + 1/({n} − {high}) + 1/{low} + 1/({n} − {low})"
    return [(f"exp(ln OR {'+' if sign > 0 else '−'} 1.96 × √({cells})) with OR = {formula}", limit)]


def _unadjusted(relation: kinds.Unadjusted, source: Source) -> Terms:
    equal = 0
    for key in relation.rows:
        row = source.ledger.number(key)
        if isinstance(row, Claim) and isinstance(row.relation, kinds.OddsRatio):
            equal += odds_ratio(row.relation, source)[0][1].meets(source.target(row))
    return [(f"how many of {len(relation.rows)} printed numbers agree with the unadjusted ones", Interval.point(equal))]


COMPUTE: dict[str, Callable[[Any, Source], Terms]] = {
    "sum": _sum,
    "difference": _difference,
    "product": _product,
    "quotient": _quotient,
    "percent": percent,
    "decline": _decline,
    "excess_range": excess_range,
    "weighted_mean": _weighted_mean,
    "pooled_sd": _pooled_sd,
    "height_index": height_index,
    "echo_phase": echo_phase,
    "mean_iou": _mean_iou,
    "at_most": _at_most,
    "odds_ratio": odds_ratio,
    "unadjusted": _unadjusted,
}

BOUNDS = {"height_index", "echo_phase", "mean_iou", "at_most", "unadjusted"}
"""Kinds that bound the printed value without fixing it: they contradict or are consistent, never more."""
