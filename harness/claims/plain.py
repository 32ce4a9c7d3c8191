"""The plain reading of a claim: what its relation computes against what its printed text stands for."""

from dataclasses import replace
from fractions import Fraction

import harness.claims.relations as kinds
from harness.claims.compute import COMPUTE, Terms
from harness.claims.interval import Interval, decimal, product, show
from harness.claims.ledger import Claim, Ledger, Number
from harness.claims.printed import is_range
from harness.claims.reading import Excuse, Reading
from harness.claims.source import Source, printed_interval
from harness.claims.units import conversion


def phase_target(cycles: Interval, phase: str) -> Interval:
    """Within a quarter cycle of the nearest whole (in-phase) or half (opposed-phase) number of cycles."""
    centre = Fraction(round(cycles.middle))
    if phase == "opposed-phase":
        centre = cycles.middle.__floor__() + Fraction(1, 2)
    return Interval(centre - Fraction(1, 4), centre + Fraction(1, 4))


def phase_reading(name: str, phase: str, terms: Terms, excuse: Excuse, notes: list[str]) -> Reading:
    """Cycles of fat against water, against the phase that is stated."""
    number = "a whole number" if phase == "in-phase" else "a whole number and a half"
    target = phase_target(terms[0][1], phase)
    stands = f"{phase} means {number} of cycles; within a quarter cycle that is {show(target)} cycles"
    return Reading(name, terms, target, excuse, notes, " cycles", stands, f"what {phase} means")


def plain(claim: Claim, source: Source, name: str = "as printed", excuse: Excuse = "no") -> Reading:
    """The claim as its relation reads it. Raises ValueError or ZeroDivisionError when that has no value."""
    relation = claim.relation
    assert relation is not None
    notes = assumptions(relation, source.ledger) if excuse == "no" else []
    if isinstance(relation, kinds.Same):
        return _same(claim, relation, source, Reading(name, [], source.target(claim), excuse, notes))
    terms = COMPUTE[relation.kind](relation, source)
    base = Reading(name, terms, source.target(claim), excuse, notes)
    match relation:
        case kinds.EchoPhase():
            return phase_reading(name, relation.phase, terms, excuse, notes)
        case kinds.AtMost():
            limit = product(source.intervals(relation.limit))
            target = Interval(min(Fraction(0), terms[0][1].low), limit.high)
            stands = f"it may be at most {source.texts(relation.limit, ' × ')} = {show(limit)}"
            return replace(base, target=target, stands=stands, within="the limit")
        case kinds.Order():
            larger, smaller = source.text(relation.larger), source.text(relation.smaller)
            stands = f"{larger} is stated to exceed {smaller}: their difference is not below zero"
            return replace(base, target=Interval.at_least(Fraction(0)), stands=stands, within="what is stated")
        case kinds.DfAtMost():
            stands = f"at least {decimal(base.target.low)} clusters less parameters are needed for {claim.printed}"
            return replace(base, target=Interval.at_least(base.target.low), stands=stands, within="what is needed")
        case kinds.Unadjusted():
            return _unadjusted(relation, base)
        case kinds.HeightIndex():
            height = source.interval(relation.height_cm).scaled(Fraction(1, 100))
            ratio = source.interval(relation.quantity) / height.square()
            mean_height = source.text(relation.height_cm)
            notes.append(f"For orientation: mean over squared mean height ({mean_height} cm) is {show(ratio)}.")
        case kinds.ChangePercent():
            return replace(base, computed=change_terms(claim, terms))
        case kinds.OddsAsRisk():
            return replace(base, computed=risk_terms(claim, terms))
    return base


def change_terms(claim: Claim, terms: Terms) -> Terms:
    """Without sign unless the claim is printed with one: `reduced by 20 %` and `−20 %` say the same."""
    if claim.parsed()[0].value < 0:
        return terms
    return [(formula if value.low >= 0 else f"|{formula}|", value.absolute()) for formula, value in terms]


def risk_terms(claim: Claim, terms: Terms) -> Terms:
    """A claim in per cent says how much higher a risk is, any other how many times it is."""
    if claim.unit != "%":
        return terms
    one = Interval.point(1)
    return [(f"100 × |{formula} − 1|", (value - one).scaled(100).absolute()) for formula, value in terms]


def _same(claim: Claim, relation: kinds.Same, source: Source, base: Reading) -> Reading:
    """Every operand in the claim's unit; ranges end by end. Raises ValueError for units that do not convert.

    Two neighbours with as many digits share only the tie between them, where nothing measured lies: they are two
    numbers, so the ends of the claim's interval are left out then.
    """
    terms: Terms = []
    targets: list[Interval] = []
    step = _step(claim)
    both = source.ends(claim.id) if is_range(claim.printed) else []
    for key in relation.of:
        entry = source.ledger.number(key)
        factor = conversion(entry.unit, claim.unit, source.ledger.counted_words)
        shut = _inner if factor == 1 and _step(entry) == step else _whole
        text = source.text(key) + ("" if factor == 1 else f" {entry.unit}")
        where = f"{text} ({entry.place})"
        if both and is_range(entry.printed):
            terms += [(where, shut(end.scaled(factor))) for end in source.ends(key)]
            targets += [shut(end) for end in both]
        else:
            found = source.interval(key)
            terms.append((where, shut(found if factor == 1 else found.scaled(factor))))
            targets.append(shut(base.target))
    return replace(base, computed=terms, targets=targets)


def _step(entry: Number) -> Fraction:
    return entry.parsed()[0].step


def _whole(interval: Interval) -> Interval:
    return interval


def _inner(interval: Interval) -> Interval:
    """Without its ends, by a billionth of its width."""
    if not interval.limited:
        return interval
    edge = (interval.high - interval.low) / 10**9
    return Interval(interval.low + edge, interval.high - edge)


def _unadjusted(relation: kinds.Unadjusted, base: Reading) -> Reading:
    equal, rows = base.computed[0][1], len(relation.rows)
    some = f"All {rows}" if equal.low == rows else f"{decimal(equal.low)} of {rows}"
    said = (
        f"{some} printed numbers agree with the unadjusted ones, computed from the events alone. An adjustment "
        "that changes none of their digits is possible: print cannot tell whether one was made"
    )
    stands = "no number of equal rows is impossible for it"
    whole = Interval(Fraction(0), Fraction(rows))
    return replace(base, target=whole, stands=stands, within="what is possible", said=said)


def assumptions(relation: kinds.Relation, ledger: Ledger) -> list[str]:
    """What the computation takes for granted and the paper does not say."""
    lines = []
    if isinstance(relation, kinds.HeightIndex):
        low, high = relation.height_limits_m
        lines.append(f"Assumption (not in the paper): every height lies between {low} and {high} m.")
    if isinstance(relation, kinds.OddsRatio | kinds.RiskRatio) and relation.method and relation.part != "estimate":
        usual = "Woolf's" if isinstance(relation, kinds.OddsRatio) else "Katz's"
        lines.append(f"Assumption: {usual} limits; the paper names {relation.method}, which differs little here.")
    if isinstance(relation, kinds.IntervalCentre) and relation.method:
        lines.append(f"Limits by {relation.method} need not be symmetric: they only hold the estimate.")
    if isinstance(relation, kinds.PooledWithin):
        lines.append(
            "Assumption: the pooled effect is adjusted for what the strata are made by; a crude one need not be."
        )
    if isinstance(relation, kinds.Unadjusted):
        return lines
    for key in kinds.operands(relation):
        number = ledger.number(key)
        parsed = number.parsed()[0]
        if parsed.about or (isinstance(relation, kinds.EchoPhase) and key != relation.echo_time_ms):
            lines.append(f"Assumption: “{number.printed}” is read as {show(printed_interval(parsed))} {number.unit}.")
    return lines
