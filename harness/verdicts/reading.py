"""One way to read a printed statement: what it computes and what the printed text stands for."""

from dataclasses import dataclass, field
from typing import Literal

from harness.verdicts.compute.base import Terms
from harness.verdicts.interval import Interval

Excuse = Literal["no", "claim", "table"]


@dataclass(frozen=True)
class Reading:
    """One reading: what it computes, each with its formula, and the interval that the printed text stands for.

    excuse: see `harness.verdicts.readings`. unit: of the computed values. stands: what the printed text means, when
    that is not its rounding. within: what the interval is, in words. said: what agreement means, when the usual words
    do not fit. notes: assumptions and side lines. targets: one interval per computed value, where they differ (the
    ends of a range); else `target` is that of all. tries: variants that were tried under this name. convention: what
    a whole table would have to follow, when that is not the name.
    """

    name: str
    computed: Terms
    target: Interval
    excuse: Excuse = "no"
    notes: list[str] = field(default_factory=list)
    unit: str = ""
    stands: str = ""
    within: str = "the printed rounding"
    said: str = ""
    targets: list[Interval] = field(default_factory=list)
    tries: int = 1
    convention: str = ""

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
