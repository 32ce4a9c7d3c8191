"""Changes in per cent between two printed numbers."""

from fractions import Fraction
from typing import Literal

from pydantic import Field

from harness.claims.interval import Interval
from harness.claims.ledger import Claim
from harness.claims.mathematics.ratio import ONE
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Ref
from harness.claims.rounding import printed_interval
from harness.claims.source import Source


class Decline(Relation):
    """claim = 100 (start - end) / start, in per cent."""

    kind: Literal["decline"]
    """Names the relation in the ledger."""

    in_words = "100 (start − end) / start"
    excused = "relative to the end or the midpoint (table)"
    explained = "the difference itself"
    start: Ref
    """Id of the value at the start."""
    end: Ref
    """Id of the value at the end, in the same unit."""

    examples = (Example({"a": "4.0", "b": "3.0"}, {"start": "a", "end": "b"}, "25", "50"),)

    def compute(self, source: Source) -> Terms:
        start, end = source.text(self.start), source.text(self.end)
        left = source.interval(self.end) / source.interval(self.start)
        return [(f"100 × ({start} − {end}) / {start}", (ONE - left).scaled(100))]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        start, end = source.interval(self.start), source.interval(self.end)
        left, right = source.text(self.start), source.text(self.end)
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


class ExcessRange(Relation):
    """claim = a printed range that must hold each 100 (upper / lower - 1) of the pairs [upper, lower]."""

    kind: Literal["excess_range"]
    """Names the relation in the ledger."""

    in_words = "range that holds each 100 (a/b − 1)"
    excused = "range rounded to 5s or 10s"
    pairs: list[tuple[Ref, Ref]] = Field(min_length=1)
    """Ids of the upper and the lower number of each pair."""

    examples = (Example({"a": "145", "b": "100"}, {"pairs": [["a", "b"]]}, "40–50", "60–70"),)

    def compute(self, source: Source) -> Terms:
        return [
            (
                f"100 × ({source.text(upper)} / {source.text(lower)} − 1)",
                (source.interval(upper) / source.interval(lower) - ONE).scaled(100),
            )
            for upper, lower in self.pairs
        ]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        """A range whose ends are all multiples of 10 (or of 5) may have been rounded to 10s (or 5s)."""
        ends = claim.parsed()
        step = next((s for s in (10, 5) if all(n.value % s == 0 and n.step == 1 for n in ends)), None)
        if step is None:
            return []
        wide = [printed_interval(n.rounded(Fraction(step))) for n in ends]
        target = Interval(wide[0].low, wide[-1].high)
        return [Reading(f"with the range rounded to {step}s", self.compute(source), target, "claim")]
