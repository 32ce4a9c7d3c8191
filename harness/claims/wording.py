"""Readings in words: the lines of arithmetic that a verdict shows."""

from harness.claims.interval import Interval, decimal, show
from harness.claims.ledger import Claim, Ledger
from harness.claims.reading import Reading, Terms


def source_text(ledger: Ledger, claim: Claim) -> str:
    """Where the numbers stand that the claim is computed from: one place, or the parts of the paper they are in."""
    assert claim.relation is not None
    every = [ledger.number(key).place for key in claim.relation.operands()]
    places = list(dict.fromkeys(place for place in every if place != "definition"))
    if len(places) == 1:
        return places[0]
    return " and ".join(dict.fromkeys(place.split(",")[0] for place in places)) or "definitions"


def printed_text(claim: Claim, reading: Reading) -> str:
    """What was printed, and what it stands for."""
    if reading.stands:
        return f"Printed: {claim.printed}. {reading.stands[:1].upper()}{reading.stands[1:]}."
    if reading.target.low == reading.target.high:
        return f"Printed: {claim.printed}."
    return f"Printed: {claim.printed}, which stands for {show(reading.target)}."


def value_text(value: Interval, reading: Reading) -> str:
    """A computed interval with its unit."""
    return f"{show(value)}{reading.unit}"


def computed_text(reading: Reading) -> str:
    """All formulas with their values."""
    return "; ".join(f"{formula} = {value_text(value, reading)}" for formula, value in reading.computed)


def formula_text(terms: Terms) -> str:
    """The formulas alone."""
    return "; ".join(formula for formula, _ in terms)


def stop(text: str) -> str:
    """A full stop, unless the number ends in an ellipsis."""
    return text if text.endswith("…") else f"{text}."


def difference_text(reading: Reading) -> str:
    """How the computed values lie to what the printed text stands for."""
    apart = [(value, target) for value, target in reading.pairs if not value.meets(target)]
    if apart:
        exact = all(v.low == v.high and t.low == t.high for v, t in apart)
        # Cut off, so that "at least" stays true.
        gaps = " and ".join(decimal(value.gap(target), 3).removesuffix("…") for value, target in apart)
        return f"Difference: {'' if exact else 'at least '}{gaps}{reading.unit}."
    if reading.rounds_to_printed:
        if reading.target.low == reading.target.high:
            return "Difference: none."
        return f"Difference: none; the computed value lies inside {reading.within}."
    return f"Difference: none is shown; the computed range and {reading.within} overlap."


def arithmetic_lines(reading: Reading, claim: Claim, source: str) -> list[str]:
    """The plain reading in lines: printed, computed from where, difference, assumptions."""
    lines = [stop(f"From {source}: {formula} = {value_text(value, reading)}") for formula, value in reading.computed]
    return [printed_text(claim, reading), *lines, difference_text(reading), *reading.notes]


def tried_lines(reading: Reading, claim: Claim) -> list[str]:
    """Another reading, in one line and its notes."""
    head = f"{'Would agree' if reading.agrees else 'Tried'} {reading.name}:"
    said = f"{head} {printed_text(claim, reading)} Computed: {stop(computed_text(reading))} {difference_text(reading)}"
    return [said, *reading.notes]
