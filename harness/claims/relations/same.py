"""The same quantity at several places of the paper."""

from dataclasses import replace
from fractions import Fraction
from typing import Literal

from pydantic import Field

from harness.claims.interval import Interval
from harness.claims.ledger import Claim, Number
from harness.claims.printed import is_range
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Ref
from harness.claims.source import Source
from harness.claims.units import conversion


class Same(Relation):
    """claim = the same quantity printed at other places, in the same unit or in one that converts to it.

    A printed range is compared end by end.
    """

    kind: Literal["same"]
    """Names the relation in the ledger."""

    in_words = "the number at another place, units converted"
    of: list[Ref] = Field(min_length=1)
    """Ids of the same quantity at other places."""

    examples = (
        Example({"a": "0.896"}, {"of": ["a"]}, "0.90", "0.88"),
        Example({"a": "40–50"}, {"of": ["a"]}, "40–50", "40–52"),
    )

    def compute(self, source: Source) -> Terms:
        """Every operand as it stands, in its own unit."""
        return [(f"{source.text(key)} ({source.ledger.number(key).place})", source.interval(key)) for key in self.of]

    def against(self, claim: Claim, source: Source, reading: Reading) -> Reading:
        """Every operand in the claim's unit; ranges end by end. Raises ValueError for units that do not convert.

        Two neighbours with as many digits share only the tie between them, where nothing measured lies: they are two
        numbers, so the ends of the claim's interval are left out then.
        """
        terms: Terms = []
        targets: list[Interval] = []
        step = _step(claim)
        both = source.ends(claim.id) if is_range(claim.printed) else []
        for key in self.of:
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
                targets.append(shut(reading.target))
        return replace(reading, computed=terms, targets=targets)


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
