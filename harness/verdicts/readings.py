"""Readings of a printed statement: the plain one, and the others that are tried before anything is contradicted.

A `Reading` is one way to read the printed text. The first reading of a claim is the plain one: every printed
number is rounded to the nearest, ties either way (the closed interval holds both). The others are tried so that no
convention is mistaken for a contradiction:

- `excuse="table"`: a convention of a whole table (cut-off digits, another base of a change). It excuses a claim only
  when it fits every claim of the table.
- `excuse="claim"`: a practice that is right for one number (a column adjusted to add up to 100; a range like 40-50 %
  rounded to 10s or 5s, tried for every range whose ends are multiples of 10 or 5).
- `excuse="no"`: it explains what may have happened (another unit), and the printed statement stays wrong.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import reference_results.relations as kinds
from harness.verdicts.interval import Interval, decimal, product, show, total
from harness.verdicts.relations import (
    COMPUTE,
    Source,
    Terms,
    echo_phase,
    excess_range,
    height_index,
    iou,
    odds_ratio,
    percent,
    printed_interval,
)
from reference_results import Claim, Ledger


@dataclass(frozen=True)
class Reading:
    """One reading: what it computes, each with its formula, and the interval that the printed text stands for.

    unit: of the computed values. stands: what the printed text means, when that is not its rounding. within: what the
    interval is, in words. said: what agreement means, when the usual words do not fit. notes: assumptions
    and side lines.
    """

    name: str
    computed: list[tuple[str, Interval]]
    target: Interval
    excuse: Literal["no", "claim", "table"] = "no"
    notes: list[str] = field(default_factory=list)
    unit: str = ""
    stands: str = ""
    within: str = "the printed rounding"
    said: str = ""

    @property
    def agrees(self) -> bool:
        """Whether some values inside the printed roundings agree."""
        return all(value.meets(self.target) for _, value in self.computed)

    @property
    def rounds_to_printed(self) -> bool:
        """Whether all values inside the printed roundings agree."""
        return all(value.inside(self.target) for _, value in self.computed)


def _phase_target(cycles: Interval, phase: str) -> Interval:
    """Within a quarter cycle of the nearest whole (in-phase) or half (opposed-phase) number of cycles."""
    centre = Fraction(round(cycles.middle))
    if phase == "opposed-phase":
        centre = cycles.middle.__floor__() + Fraction(1, 2)
    return Interval(centre - Fraction(1, 4), centre + Fraction(1, 4))


def _plain(claim: Claim, source: Source, name: str, excuse: Literal["no", "table"]) -> Reading:
    relation = claim.relation
    assert relation is not None
    terms, target = COMPUTE[relation.kind](relation, source), source.target(claim)
    notes = _assumptions(relation, source.ledger) if excuse == "no" else []
    if isinstance(relation, kinds.EchoPhase):
        target = _phase_target(terms[0][1], relation.phase)
        return _phase_reading(name, relation.phase, terms, target, excuse, notes)
    if isinstance(relation, kinds.AtMost):
        limit = product(source.intervals(relation.limit))
        target = Interval(min(Fraction(0), terms[0][1].low), limit.high)
        stands = f"it may be at most {source.texts(relation.limit, ' × ')} = {show(limit)}"
        return Reading(name, terms, target, excuse, notes, stands=stands, within="the limit")
    if isinstance(relation, kinds.Unadjusted):
        equal, rows = terms[0][1], len(relation.rows)
        some = f"All {rows}" if equal.low == rows else f"{decimal(equal.low)} of {rows}"
        said = (
            f"{some} printed numbers agree with the unadjusted ones, computed from the events alone. An adjustment "
            "that changes none of their digits is possible: print cannot tell whether one was made"
        )
        whole = Interval(Fraction(0), Fraction(rows))
        stands = "no number of equal rows is impossible for it"
        return Reading(name, terms, whole, excuse, notes, stands=stands, within="what is possible", said=said)
    if isinstance(relation, kinds.HeightIndex):
        height = source.interval(relation.height_cm).scaled(Fraction(1, 100))
        ratio = source.interval(relation.quantity) / height.square()
        mean_height = source.text(relation.height_cm)
        notes.append(f"For orientation: mean over squared mean height ({mean_height} cm) is {show(ratio)}.")
    return Reading(name, terms, target, excuse, notes)


def _phase_reading(
    name: str, phase: str, terms: Terms, target: Interval, excuse: Literal["no", "table"], notes: list[str]
) -> Reading:
    number = "a whole number" if phase == "in-phase" else "a whole number and a half"
    stands = f"{phase} means {number} of cycles; within a quarter cycle that is {show(target)} cycles"
    return Reading(name, terms, target, excuse, notes, " cycles", stands, f"what {phase} means")


def _assumptions(relation: kinds.Relation, ledger: Ledger) -> list[str]:
    """What the computation takes for granted and the paper does not say."""
    lines = []
    if isinstance(relation, kinds.HeightIndex):
        low, high = relation.height_limits_m
        lines.append(f"Assumption (not in the paper): every height lies between {low} and {high} m.")
    if isinstance(relation, kinds.OddsRatio) and relation.method:
        lines.append(f"Assumption: Woolf's limits; the paper names {relation.method}, which differs little here.")
    if isinstance(relation, kinds.Unadjusted):
        return lines
    for key in kinds.operands(relation):
        number = ledger.number(key)
        parsed = number.parsed()[0]
        if parsed.about or (isinstance(relation, kinds.EchoPhase) and key != relation.echo_time_ms):
            lines.append(f"Assumption: “{number.printed}” is read as {show(printed_interval(parsed))} {number.unit}.")
    return lines


def _rounded(value: Fraction, step: Fraction) -> Fraction:
    """To the nearest multiple of `step`, ties up."""
    return ((value / step + Fraction(1, 2)).__floor__()) * step


def _column_readings(claim: Claim, relation: kinds.Percent, ledger: Ledger) -> list[Reading]:
    """Whether a column was adjusted to make up 100, and whether this entry is what the others leave of 100."""
    source = Source(ledger)
    printed = claim.parsed()[0]
    terms, target, notes = percent(relation, source), source.target(claim), []
    members = [claim, *(c for c in ledger.claims if c.id in relation.column)]
    shares = [percent(c.relation, source)[0][1].middle for c in members if isinstance(c.relation, kinds.Percent)]
    plain_sum = sum((_rounded(share, printed.step) for share in shares), Fraction(0))
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


def _other_sizes(
    relation: kinds.WeightedMean | kinds.PooledSd, mean: str, claim: Claim, source: Source
) -> list[Reading]:
    """Two groups whose sizes are not the printed ones (values missing): the first group's share follows from the
    means, and the standard deviation from that share."""
    if len(relation.means) != 2:
        return []
    first, second = source.intervals(relation.means)
    whole, one = source.interval(mean), Interval.point(1)
    try:
        share = (whole - second) / (first - second)
    except ZeroDivisionError:
        return []
    counts = source.intervals(relation.counts)
    from_counts = show(counts[0] / total(counts))
    notes = [f"The first group's share is {show(share)} by the means and {from_counts} by the counts."]
    name = "with other group sizes than printed (values missing)"
    if isinstance(relation, kinds.WeightedMean):
        span = Interval(min(first.low, second.low), max(first.high, second.high))
        return [
            Reading(
                name,
                [(f"any weighted mean of {source.texts(relation.means, ' and ')}", span)],
                source.target(claim),
                notes=notes,
            )
        ]
    within = [w * sd.square() for w, sd in zip((share, one - share), source.intervals(relation.sds), strict=True)]
    between = share * (one - share) * (first - second).square()
    formula = (
        f"√(share × {source.text(relation.sds[0])}² + (1 − share) × {source.text(relation.sds[1])}² + between means)"
    )
    return [Reading(name, [(formula, (total(within) + between).root())], source.target(claim), notes=notes)]


def _coarser_range(claim: Claim, relation: kinds.ExcessRange, source: Source) -> list[Reading]:
    """A range whose ends are all multiples of 10 (or of 5) may have been rounded to 10s (or 5s)."""
    ends = claim.parsed()
    step = next((s for s in (10, 5) if all(n.value % s == 0 and n.step == 1 for n in ends)), None)
    if step is None:
        return []
    wide = [printed_interval(n.rounded(Fraction(step))) for n in ends]
    target = Interval(wide[0].low, wide[-1].high)
    return [Reading(f"with the range rounded to {step}s", excess_range(relation, source), target, "claim")]


def _special(claim: Claim, ledger: Ledger) -> list[Reading]:
    relation, source = claim.relation, Source(ledger)
    match relation:
        case kinds.Percent() if relation.column:
            return _column_readings(claim, relation, ledger)
        case kinds.WeightedMean():
            return _other_sizes(relation, claim.id, claim, source)
        case kinds.PooledSd():
            return _other_sizes(relation, relation.mean, claim, source)
        case kinds.Decline():
            start, end = source.interval(relation.start), source.interval(relation.end)
            left, right = source.text(relation.start), source.text(relation.end)
            if end.low <= 0 or start.low <= 0:
                return []
            back = (start / end - Interval.point(1)).scaled(100)
            # 200 (1 - q) / (1 + q) falls with q = end / start: its ends are at the ends of q
            q = end / start
            middle = Interval.hull(200 * (1 - x) / (1 + x) for x in (q.low, q.high))
            target = source.target(claim)
            return [
                Reading("relative to the end", [(f"100 × ({left} − {right}) / {right}", back)], target, "table"),
                Reading(
                    "relative to the midpoint",
                    [(f"200 × ({left} − {right}) / ({left} + {right})", middle)],
                    target,
                    "table",
                ),
            ]
        case kinds.ExcessRange():
            return _coarser_range(claim, relation, source)
        case kinds.OddsRatio() if relation.method:
            unit = claim.parsed()[0].step
            near = Interval(source.target(claim).low - unit, source.target(claim).high + unit)
            name = f"within one unit of the last digit, for limits by {relation.method}"
            return [Reading(name, odds_ratio(relation, source), near, "claim")]
        case kinds.HeightIndex():
            formula, bound = height_index(relation, source)[0]
            return [
                Reading(
                    f"in {other.unit}",
                    [(f"{formula} × {other.scale}", bound.scaled(other.scale))],
                    source.target(claim),
                )
                for other in relation.other_units
            ]
        case kinds.EchoPhase():
            other = "opposed-phase" if relation.phase == "in-phase" else "in-phase"
            terms = echo_phase(relation, source)
            target = _phase_target(terms[0][1], other)
            return [_phase_reading(f"if the echo is {other}", other, terms, target, "no", [])]
        case kinds.MeanIou():
            mean = source.interval(relation.mean_dice)
            wide = Interval(iou(mean.low), mean.high)
            formula = f"from D / (2 − D) to D at {source.text(relation.mean_dice)},"
            return [Reading("if averaged over single cases", [(formula, wide)], source.target(claim), "claim")]
    return []


def readings(claim: Claim, ledger: Ledger) -> list[Reading]:
    """All readings of a `recompute` claim, the plain one first.

    Cut-off digits are not tried where the bound is far wider than a digit (heights, echo phases).
    """
    assert claim.relation is not None
    found = [_plain(claim, Source(ledger), "as printed", "no")]
    rounded = not all(ledger.number(key).exact for key in (claim.id, *kinds.operands(claim.relation)))
    if rounded and claim.relation.kind not in ("height_index", "echo_phase", "unadjusted"):
        found.append(_plain(claim, Source(ledger, "truncated"), "with the last digit cut off", "table"))
    return found + _special(claim, ledger)
