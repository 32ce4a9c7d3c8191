"""Readings of a printed statement: the plain one, and the others that are tried before anything is contradicted.

A `Reading` is one way to read the printed text. The first reading of a claim is the plain one: every printed
number is rounded to the nearest, ties either way (the closed interval holds half-up and half-even). The others are
tried so that no convention is mistaken for a contradiction:

- `excuse="table"`: a convention of a whole table (cut-off digits, another base of a change, Student's t). It excuses a
  claim only when it fits every claim of the table.
- `excuse="claim"`: a practice that is right for one number (a column adjusted to add up to 100; a range like 40-50 %
  rounded to 10s or 5s; Fisher's test; the standard errors of another test).
- `excuse="no"`: it explains what may have happened (another unit, exchanged digits), and the printed statement stays
  wrong.
"""

from dataclasses import dataclass, replace
from functools import cached_property

from harness.claims.generic import generic
from harness.claims.ledger import Claim, Ledger
from harness.claims.reading import Reading
from harness.claims.relations.base import Relation
from harness.claims.source import Source

CUT_OFF = "with the last digit cut off"


@dataclass
class Readings:
    """Readings of one `recompute` claim. The others are computed when they are asked for, most claims agree at once."""

    claim: Claim
    """The claim."""
    ledger: Ledger
    """The ledger that its numbers are looked up in."""

    @cached_property
    def plain(self) -> Reading:
        """The plain reading. Raises ValueError or ZeroDivisionError when the relation has no value."""
        return self._relation.plain(self.claim, Source(self.ledger))

    @property
    def _relation(self) -> Relation:
        assert self.claim.relation is not None
        return self.claim.relation

    @cached_property
    def others(self) -> list[Reading]:
        """The others, in the order in which they are told: conventions first, slips last."""
        return [*self._cut, *self._special(Source(self.ledger)), *self._cut_too, *generic(self.claim, self.plain)]

    def _special(self, source: Source) -> list[Reading]:
        return self._relation.readings(self.claim, source)

    @cached_property
    def _cut(self) -> list[Reading]:
        """The plain reading with cut-off digits, where digits were printed at all."""
        rounded = not all(self.ledger.number(key).exact for key in (self.claim.id, *self._relation.operands()))
        if not rounded or not self._relation.cut_off:
            return []
        try:
            return [self._relation.plain(self.claim, Source(self.ledger, "truncated"), CUT_OFF, "table")]
        except (ValueError, ZeroDivisionError):
            return []

    @cached_property
    def _cut_too(self) -> list[Reading]:
        """Where cut-off digits alone do not agree: the accepted practices with cut-off digits."""
        if not self._cut or self._cut[0].agrees:
            return []
        try:
            found = self._special(Source(self.ledger, "truncated"))
        except (ValueError, ZeroDivisionError):
            return []
        return [
            replace(reading, name=f"{reading.name}, {CUT_OFF}", excuse="table", convention=CUT_OFF)
            for reading in found
            if reading.excuse == "claim" and reading.agrees
        ]

    def fits(self, convention: str) -> bool:
        """Whether a reading by this convention agrees. A claim that has no such reading (a count) does not speak
        against the convention."""
        tried = [*self._cut, *self._cut_too] if convention == CUT_OFF else self.others
        found = [reading for reading in tried if reading.followed == convention]
        return not found or any(reading.agrees for reading in found)
