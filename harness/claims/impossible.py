"""Printed numbers that cannot be what a relation takes them for: limits in the wrong order, a negative spread.

Such an entry is more often a slip of the ledger than of the paper, so it is a fault until the entry says that the
paper prints it so.
"""

from harness.claims.ledger import Claim, Ledger
from harness.claims.relations.base import Relation
from harness.claims.source import Source


def _exchanged(relation: Relation, ledger: Ledger) -> str:
    source = Source(ledger)
    for estimate, low, high in relation.limits():
        if ledger.number(low).as_printed or ledger.number(high).as_printed:
            continue
        lower, upper = source.interval(low), source.interval(high)
        if lower.low > upper.high:
            return f"impossible limits: {low!r} {source.text(low)} is above {high!r} {source.text(high)}"
        if estimate is None or ledger.number(estimate).as_printed:
            continue
        middle = source.interval(estimate)
        if middle.high < lower.low or middle.low > upper.high:
            limits = f"{source.text(low)} to {source.text(high)}"
            return f"impossible limits: {estimate!r} {source.text(estimate)} is outside its limits {limits}"
    return ""


def as_printed(claim: Claim, ledger: Ledger) -> str:
    """Limits that run down in the paper itself, in words, or nothing."""
    assert claim.relation is not None
    source = Source(ledger)
    for _, low, high in claim.relation.limits():
        known = ledger.number(low).as_printed or ledger.number(high).as_printed
        if known and source.interval(low).low > source.interval(high).high:
            return f"the lower limit {source.text(low)} above the upper limit {source.text(high)}"
    return ""


def impossible(claim: Claim, ledger: Ledger) -> str:
    """What is impossible in the numbers of a relation, in one line, or nothing. Bounds are not looked at."""
    relation = claim.relation
    assert relation is not None
    if found := _exchanged(relation, ledger):
        return found
    source = Source(ledger)
    for key in relation.not_negative():
        if source.interval(key).high < 0 and not ledger.number(key).as_printed:
            return f"impossible number: {key!r} {source.text(key)} is below zero"
    return ""
