"""One way to read a printed statement: what it computes and what the printed text stands for."""

from dataclasses import dataclass, field
from typing import Literal

from harness.claims.interval import Interval

Terms = list[tuple[str, Interval]]
"""Formulas as text, each with an interval that holds its result for all values inside the printed roundings."""
Excuse = Literal["no", "claim", "table"]


@dataclass(frozen=True)
class Reading:
    """One reading: what it computes, each with its formula, and the interval that the printed text stands for."""

    name: str
    """The reading in words that go on from "it would agree"."""
    computed: Terms
    """Each computed interval with its formula."""
    target: Interval
    """The interval that the printed text stands for; of all computed values, unless `targets` has one for each."""
    excuse: Excuse = "no"
    """Whether agreement lets the claim stand: `no`, for this `claim`, or only where it fits its `table`."""
    notes: list[str] = field(default_factory=list)
    """Assumptions and side results."""
    unit: str = ""
    """What follows a computed value in text, such as ` %`; empty for nothing."""
    stands: str = ""
    """What the printed text means, in words; empty where it is its rounding."""
    within: str = "the printed rounding"
    """What the interval is, in words."""
    said: str = ""
    """What agreement means, in words; empty for the usual words."""
    targets: list[Interval] = field(default_factory=list)
    """One interval per computed value, where they differ (the ends of a range); else empty."""
    tries: int = 1
    """Variants that were tried under this name."""
    convention: str = ""
    """What a whole table would have to follow; empty where it is the name."""

    @property
    def followed(self) -> str:
        """The convention that this reading follows."""
        return self.convention or self.name

    @property
    def pairs(self) -> list[tuple[Interval, Interval]]:
        """Each computed interval with what it is compared with."""
        targets = self.targets or [self.target] * len(self.computed)
        return [(value, target) for (_, value), target in zip(self.computed, targets, strict=True)]

    @property
    def agrees(self) -> bool:
        """Whether some values inside the printed roundings agree."""
        return all(value.meets(target) for value, target in self.pairs)

    @property
    def rounds_to_printed(self) -> bool:
        """Whether all values inside the printed roundings agree."""
        return all(value.inside(target) for value, target in self.pairs)
