"""Printed numbers as intervals: the numbers of one ledger, read under one convention of rounding."""

from fractions import Fraction

from harness.claims.interval import Interval
from harness.claims.ledger import Claim, Ledger
from harness.claims.printed import is_range, numbers
from harness.claims.rounding import Convention, printed_interval


class Source:
    """Printed numbers of one ledger, read under one convention."""

    def __init__(self, ledger: Ledger, convention: Convention = "nearest") -> None:
        self.ledger, self.convention = ledger, convention

    def ends(self, key: str) -> list[Interval]:
        """The number as an interval, or both ends of a printed range."""
        entry = self.ledger.number(key)
        kept = 2 if is_range(entry.printed) else 1
        return [printed_interval(n, self.convention) for n in entry.parsed()[:kept]]

    def interval(self, key: str) -> Interval:
        """All values that the printed number stands for; for a printed range, all from its low to its high end."""
        ends = self.ends(key)
        return Interval(min(e.low for e in ends), max(e.high for e in ends))

    def intervals(self, keys: list[str]) -> list[Interval]:
        return [self.interval(key) for key in keys]

    def count(self, key: str) -> Interval:
        """A number that counts: never below zero."""
        return self.interval(key).cut(Interval.at_least(Fraction(0)))

    def probability(self, key: str) -> Interval:
        """A number between 0 and 1."""
        return self.interval(key).cut(Interval(Fraction(0), Fraction(1)))

    def text(self, key: str) -> str:
        """The number alone, in one style, whatever unit or word it was printed with."""
        entry = self.ledger.number(key)
        found = numbers(entry.printed)
        return "–".join(n.text for n in found[:2]) if is_range(entry.printed) else found[0].text

    def texts(self, keys: list[str], joint: str) -> str:
        return joint.join(self.text(key) for key in keys)

    def target(self, claim: Claim) -> Interval:
        """What the claim's printed text stands for.

        A range is everything from its low to its high end; of printed limits, the one that the relation is about.
        """
        if claim.relation is not None and claim.relation.statement:
            return Interval.point(0)
        if is_range(claim.printed):
            ends = self.ends(claim.id)
            part = getattr(claim.relation, "part", "")
            if part in ("lower", "upper"):
                return ends[0 if part == "lower" else 1]
            return Interval(min(e.low for e in ends), max(e.high for e in ends))
        return printed_interval(claim.parsed()[0], self.convention)
