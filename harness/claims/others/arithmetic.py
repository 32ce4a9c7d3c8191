"""Other readings of shares, changes, group sizes, indices, phases and overlaps."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import harness.claims.relations as kinds
from harness.claims.compute.arithmetic import (
    dice_iou,
    echo_phase,
    excess_range,
    height_index,
    iou,
    percent,
    percent_of,
    quantile_size,
    share_of_sum,
)
from harness.claims.compute.base import ONE
from harness.claims.interval import Interval, decimal, total
from harness.claims.ledger import Claim
from harness.claims.others.base import Candidate, made
from harness.claims.plain import phase_reading
from harness.claims.reading import Reading
from harness.claims.source import Source, printed_interval


def _rounded(value: Fraction, step: Fraction) -> Fraction:
    """To the nearest multiple of `step`, ties up."""
    return ((value / step + Fraction(1, 2)).__floor__()) * step


def _column_readings(claim: Claim, relation: kinds.Percent, source: Source) -> list[Reading]:
    """Whether a column was adjusted to make up 100, and whether this entry is what the others leave of 100."""
    ledger, printed = source.ledger, claim.parsed()[0]
    terms, target, notes = percent(relation, source), source.target(claim), []
    members = [claim, *(c for c in ledger.claims if c.id in relation.column)]
    shares = [percent(c.relation, source)[0][1].middle for c in members if isinstance(c.relation, kinds.Percent)]
    plain_sum = sum((_rounded(share, printed.step) for share in shares), Fraction(0)) if printed.step else Fraction(0)
    printed_sum = sum((ledger.number(key).parsed()[0].value for key in relation.column), printed.value)
    if len(shares) == len(relation.column) + 1 and printed_sum == 100 and plain_sum != 100:
        target = Interval(target.low - printed.step, target.high + printed.step)
    else:
        notes = [f"No adjustment was called for: plain rounding adds to {decimal(plain_sum)}."]
    rest = Interval.point(100 - (printed_sum - printed.value))
    formula = "100 − " + source.texts(relation.column, " − ")
    name = "as what the column's other entries leave of 100"
    wrong = [
        member.printed
        for member in members[1:]
        if isinstance(member.relation, kinds.Percent)
        and not percent(member.relation, source)[0][1].meets(source.target(member))
    ]
    if wrong:
        # Two entries cannot excuse each other: the remainder of a column follows from entries that are right.
        name += f" (at most one entry can be that, and {' and '.join(wrong)} is not its own share either)"
    return [
        Reading("with the column adjusted to add up to 100", terms, target, "claim", notes),
        Reading(name, [(formula, rest)], Interval.point(printed.value)),
    ]


def _percent(claim: Claim, relation: kinds.Percent, source: Source) -> list[Reading]:
    found = _column_readings(claim, relation, source) if relation.column else []
    wholes = [
        Candidate(
            f"of {source.text(key)} ({source.ledger.number(key).place})",
            "no",
            lambda key=key: percent_of(relation.part, key, source),  # type: ignore[misc]
        )
        for key in relation.wholes_tried
    ]
    part, whole = source.text(relation.part), source.text(relation.whole)

    def of_the_rest() -> list[tuple[str, Interval]]:
        rest = source.interval(relation.whole) - source.interval(relation.part)
        return [(f"100 × {part} / ({whole} − {part})", (source.interval(relation.part) / rest).scaled(100))]

    def complement() -> list[tuple[str, Interval]]:
        ratio = source.interval(relation.part) / source.interval(relation.whole)
        return [(f"100 − 100 × {part} / {whole}", (ONE - ratio).scaled(100))]

    def share() -> list[tuple[str, Interval]]:
        return [(f"{part} / {whole}", source.interval(relation.part) / source.interval(relation.whole))]

    return [
        *found,
        *made(
            [
                *wholes,
                Candidate("of those without it", "no", of_the_rest),
                Candidate("as the share of those without it", "no", complement),
                Candidate("as a share of one", "no", share),
            ],
            source.target(claim),
        ),
    ]


def _quantile_size(claim: Claim, relation: kinds.QuantileSize, source: Source) -> list[Reading]:
    formula, sizes = quantile_size(relation, source)[0]
    rest = kinds.QuantileSize(kind="quantile_size", whole=relation.whole, share=_rest(relation.share))
    return made(
        [
            Candidate(
                "with a tie at the quantile",
                "claim",
                lambda: [(f"{formula} and one more or less", Interval(sizes.low - 1, sizes.high + 1))],
            ),
            Candidate("as the group on the other side of the quantile", "no", lambda: quantile_size(rest, source)),
        ],
        source.target(claim),
    )


def _rest(share: str) -> str:
    rest = 1 - Fraction(share)
    return f"{rest.numerator}/{rest.denominator}"


def _decline(claim: Claim, relation: kinds.Decline, source: Source) -> list[Reading]:
    start, end = source.interval(relation.start), source.interval(relation.end)
    left, right = source.text(relation.start), source.text(relation.end)
    if end.low <= 0 or start.low <= 0:
        return []
    back = (start / end - ONE).scaled(100)
    # 200 (1 - q) / (1 + q) falls with q = end / start: its ends are at the ends of q
    q = end / start
    middle = Interval.hull(200 * (1 - x) / (1 + x) for x in (q.low, q.high))
    target = source.target(claim)
    over = f"100 × ({left} − {right})"
    return [
        Reading("relative to the end", [(f"{over} / {right}", back)], target, "table"),
        Reading("relative to the midpoint", [(f"2 × {over} / ({left} + {right})", middle)], target, "table"),
        Reading("as a difference, not in per cent", [(f"{left} − {right}", start - end)], target),
    ]


def _excess_range(claim: Claim, relation: kinds.ExcessRange, source: Source) -> list[Reading]:
    """A range whose ends are all multiples of 10 (or of 5) may have been rounded to 10s (or 5s)."""
    ends = claim.parsed()
    step = next((s for s in (10, 5) if all(n.value % s == 0 and n.step == 1 for n in ends)), None)
    if step is None:
        return []
    wide = [printed_interval(n.rounded(Fraction(step))) for n in ends]
    target = Interval(wide[0].low, wide[-1].high)
    return [Reading(f"with the range rounded to {step}s", excess_range(relation, source), target, "claim")]


def _variance_share(claim: Claim, relation: kinds.VarianceShare, source: Source) -> list[Reading]:
    part, others = source.count(relation.part), [source.count(key) for key in relation.others]
    text, rest = source.text(relation.part), source.texts(relation.others, " + ")
    squares = " + ".join(f"{source.text(key)}²" for key in relation.others)

    return made(
        [
            Candidate(
                "if the printed numbers are standard deviations",
                "no",
                lambda: [(f"100 × {text}² / ({text}² + {squares})", share_of_sum(part.square(), _squares(others)))],
            ),
            Candidate(
                "if they are variances and shares were made of standard deviations",
                "no",
                lambda: [(f"100 × √{text} / (√{text} + √ of the others)", share_of_sum(part.root(), _roots(others)))],
            ),
            Candidate(
                "relative to the others alone",
                "no",
                lambda: [(f"100 × {text} / ({rest})", (part / total(others)).scaled(100))],
            ),
        ],
        source.target(claim),
    )


def _squares(values: list[Interval]) -> Interval:
    return total(value.square() for value in values)


def _roots(values: list[Interval]) -> Interval:
    return total(value.root() for value in values)


def _height_index(claim: Claim, relation: kinds.HeightIndex, source: Source) -> list[Reading]:
    formula, bound = height_index(relation, source)[0]
    return [
        Reading(f"in {other.unit}", [(f"{formula} × {other.scale}", bound.scaled(other.scale))], source.target(claim))
        for other in relation.other_units
    ]


def _echo_phase(claim: Claim, relation: kinds.EchoPhase, source: Source) -> list[Reading]:
    other = "opposed-phase" if relation.phase == "in-phase" else "in-phase"
    return [phase_reading("if the echo has the other phase", other, echo_phase(relation, source), "no", [])]


def _mean_iou(claim: Claim, relation: kinds.MeanIou, source: Source) -> list[Reading]:
    mean = source.interval(relation.mean_dice)
    wide = Interval(iou(mean.low), mean.high)
    formula = f"from D / (2 − D) to D at {source.text(relation.mean_dice)},"
    return [Reading("if averaged over single cases", [(formula, wide)], source.target(claim), "claim")]


def _dice_iou(claim: Claim, relation: kinds.DiceIou, source: Source) -> list[Reading]:
    """Means over cases differ a little from one case: IoU is convex in Dice. A quarter of the way to equal numbers is
    far more than cases of one method are apart."""
    formula, value = dice_iou(relation, source)[0]
    operand = source.interval(relation.dice or relation.iou or "")
    ends = (value.low, value.high, *(v + (o - v) / 4 for v, o in zip(_both(value), _both(operand), strict=True)))
    other = kinds.DiceIou(kind="dice_iou", dice=relation.iou, iou=relation.dice)
    text = f"{formula}, up to a quarter of the way to {source.text(relation.dice or relation.iou or '')},"
    return made(
        [
            Candidate("if both are means over cases", "claim", lambda: [(text, Interval.hull(ends))]),
            Candidate("if the two measures are exchanged", "no", lambda: dice_iou(other, source)),
            Candidate(
                "as the same measure again",
                "no",
                lambda: [(source.text(relation.dice or relation.iou or ""), operand)],
            ),
        ],
        source.target(claim),
    )


def _both(interval: Interval) -> tuple[Fraction, Fraction]:
    return interval.low, interval.high


OTHERS: dict[str, Callable[[Claim, Any, Source], list[Reading]]] = {
    "percent": _percent,
    "quantile_size": _quantile_size,
    "decline": _decline,
    "excess_range": _excess_range,
    "variance_share": _variance_share,
    "height_index": _height_index,
    "echo_phase": _echo_phase,
    "mean_iou": _mean_iou,
    "dice_iou": _dice_iou,
}
