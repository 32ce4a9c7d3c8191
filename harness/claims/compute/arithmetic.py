"""Sums, shares, changes, bounds, formulas, and the physics and overlap measures of the papers."""

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import harness.claims.relations as kinds
from harness.claims.compute.base import ONE, Terms
from harness.claims.expressions import evaluate
from harness.claims.interval import Interval, product, total
from harness.claims.source import Source

GYROMAGNETIC_MHZ_PER_T = Fraction("42.577478")
"""Proton gyromagnetic ratio over 2 pi, CODATA 2018, cut at eight digits: the rounding is far below the printed one."""


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


def _formula(relation: kinds.Formula, source: Source) -> Terms:
    def shown(match: re.Match[str]) -> str:
        return source.text(relation.values[match[0]]) if match[0] in relation.values else match[0]

    text = re.sub(r"[A-Za-z_][A-Za-z0-9_]*", shown, relation.formula.replace("-", "−"))
    text = re.sub(r"\s*\*\*\s*", "^", text).replace("*", "×")
    return [(text, evaluate(relation.formula, {name: source.interval(key) for name, key in relation.values.items()}))]


def percent_of(part: str, whole: str, source: Source) -> Terms:
    """100 part / whole."""
    ratio = source.interval(part) / source.interval(whole)
    return [(f"100 × {source.text(part)} / {source.text(whole)}", ratio.scaled(100))]


def percent(relation: kinds.Percent, source: Source) -> Terms:
    return percent_of(relation.part, relation.whole, source)


def quantile_size(relation: kinds.QuantileSize, source: Source) -> Terms:
    """share x whole, rounded down or up: a quantile of whole persons cuts off one of the two."""
    exact = source.count(relation.whole).scaled(Fraction(relation.share))
    sizes = Interval(Fraction(exact.low.__floor__()), Fraction(exact.high.__ceil__()))
    return [(f"{source.text(relation.whole)} × {relation.share}, down or up to a whole person,", sizes)]


def _decline(relation: kinds.Decline, source: Source) -> Terms:
    start, end = source.text(relation.start), source.text(relation.end)
    left = source.interval(relation.end) / source.interval(relation.start)
    return [(f"100 × ({start} − {end}) / {start}", (ONE - left).scaled(100))]


def excess_range(relation: kinds.ExcessRange, source: Source) -> Terms:
    return [
        (
            f"100 × ({source.text(upper)} / {source.text(lower)} − 1)",
            (source.interval(upper) / source.interval(lower) - ONE).scaled(100),
        )
        for upper, lower in relation.pairs
    ]


def _at_most(relation: kinds.AtMost, source: Source) -> Terms:
    return [(source.texts(relation.factors, " × "), product(source.intervals(relation.factors)))]


def _within(relation: kinds.Within, source: Source) -> Terms:
    low, high = source.interval(relation.low), source.interval(relation.high)
    if low.low > high.high:
        raise ValueError(f"{source.text(relation.low)} is above {source.text(relation.high)}")
    text = f"anything from {source.text(relation.low)} to {source.text(relation.high)}"
    return [(text, Interval(low.low, high.high))]


def _order(relation: kinds.Order, source: Source) -> Terms:
    formula = f"{source.text(relation.larger)} − {source.text(relation.smaller)}"
    return [(formula, source.interval(relation.larger) - source.interval(relation.smaller))]


def share_of_sum(part: Interval, others: Interval) -> Interval:
    """100 part / (part + others): rises with the part and falls with the others."""
    if part.low < 0 or others.low < 0 or part.high + others.low <= 0 or part.low + others.high <= 0:
        raise ValueError("variances must not be negative, nor all zero")
    return Interval(part.low / (part.low + others.high), part.high / (part.high + others.low)).scaled(100)


def _variance_share(relation: kinds.VarianceShare, source: Source) -> Terms:
    found = share_of_sum(source.count(relation.part), total(source.count(key) for key in relation.others))
    part = source.text(relation.part)
    return [(f"100 × {part} / ({part} + {source.texts(relation.others, ' + ')})", found)]


def _by_construction(relation: kinds.ByConstruction, source: Source) -> Terms:
    return [(f"for any data ({relation.reason})", Interval.point(relation.value))]


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


def dice_iou(relation: kinds.DiceIou, source: Source) -> Terms:
    """Both measures rise with each other. In per cent when the operand is."""
    key = relation.dice or relation.iou or ""
    scale = 100 if source.ledger.number(key).unit == "%" else 1
    overlap = source.probability(key) if scale == 1 else source.interval(key).scaled(Fraction(1, 100))
    text = source.text(key)
    if relation.dice:
        found = Interval(iou(overlap.low), iou(overlap.high))
        return [(f"{text} / ({2 * scale} − {text})" + (" × 100" if scale > 1 else ""), found.scaled(scale))]
    ends = [2 * v / (1 + v) for v in (overlap.low, overlap.high)]
    return [(f"2 × {text} / ({scale} + {text})" + (" × 100" if scale > 1 else ""), Interval(*ends).scaled(scale))]


COMPUTE: dict[str, Callable[[Any, Source], Terms]] = {
    "sum": _sum,
    "difference": _difference,
    "product": _product,
    "quotient": _quotient,
    "formula": _formula,
    "percent": percent,
    "quantile_size": quantile_size,
    "decline": _decline,
    "excess_range": excess_range,
    "at_most": _at_most,
    "within": _within,
    "order": _order,
    "variance_share": _variance_share,
    "by_construction": _by_construction,
    "height_index": height_index,
    "echo_phase": echo_phase,
    "mean_iou": _mean_iou,
    "dice_iou": dice_iou,
}
