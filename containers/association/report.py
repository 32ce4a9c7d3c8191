"""What an analysis of people writes into: counts of few people are hidden, and intervals have their two ends.

Invariant: a count of people below the disclosure threshold never leaves, and neither does one that would give it back
by subtraction from totals of the same analysis (`guard`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from containers.toolkit.analyses.report import Report
from containers.toolkit.tables.cohort.arrays import BoolArray, IntArray


@dataclass
class CohortReport(Report):
    """What one analysis of a cohort gives. Counts of people go through `count` or `shown`."""

    threshold: int = 0
    """Counts below it are not shown; 0 shows all."""
    guarded: set[tuple[str, str, str]] = field(default_factory=set)
    """Quantity, stratum and term of the counts that are not shown."""

    def count(self, quantity: str, people: int, *, of: int | None = None, stratum: str = "", term: str = "") -> None:
        """Record a count of people, unless it, or its complement in `of`, is below the threshold, or it is guarded."""
        shown, note = self.shown(people, of=of, at=(quantity, stratum, term))
        self.put(quantity, shown, stratum=stratum, term=term, note=note)

    def shown(
        self, people: int, *, of: int | None = None, at: tuple[str, str, str] = ("", "", "")
    ) -> tuple[int | None, str]:
        """A count as it may leave the run folder, and the note that goes with it. For counts in what is attached."""
        if at in self.guarded:
            return None, f"fewer than {self.threshold}, or a count that would tell such a one"
        if people < self.threshold:
            return None, f"fewer than {self.threshold}"
        if of is not None and of - people < self.threshold:
            return None, f"all but fewer than {self.threshold}"
        return int(people), ""

    def guard(
        self,
        quantity: str,
        strata: Sequence[str],
        terms: Sequence[str],
        people: IntArray,
        of: IntArray | None = None,
    ) -> None:
        """Let `count` and `shown` hide what would give a small count back where all totals are shown.

        people: (strata, terms) counts that add up to totals along both; of: likewise, what they are counts among. Where
        a total is guarded itself, all that add up to it are.
        """
        total = quantity.removeprefix("level_")
        start = np.array(
            [[(total, s, "") in self.guarded or (quantity, "", t) in self.guarded for t in terms] for s in strata]
        )
        hidden = self._hidden(people, start)
        if of is not None:
            hidden |= self._hidden(of - people, start)
        self.guarded |= {(quantity, strata[i], terms[j]) for i, j in np.argwhere(hidden)}

    def _hidden(self, counts: IntArray, start: BoolArray) -> BoolArray:
        """Those of `start`, the small, and in a row or column of two or more with one hidden the next smallest too."""
        hidden: BoolArray = start | (counts < self.threshold)
        before = -1
        while before < (before := int(hidden.sum())):
            for view, of in ((hidden, counts), (hidden.T, counts.T)):
                for line, people in zip(view, of, strict=True):
                    if line.sum() == 1 < len(line):
                        line[np.flatnonzero(~line)[np.argmin(people[~line])]] = True
        return hidden

    def value_of(self, metric: str) -> float | int | None:
        """A metric that an earlier analysis put. Raises ItemFault when there is none of that name."""
        if metric not in self.result.metrics:
            raise self.fault(f"there is no metric {metric!r} so far", fix="name one of an analysis listed before")
        return self.result.metrics[metric].value

    def put_interval(
        self,
        quantity: str,
        estimate: float | None,
        interval: tuple[float | None, float | None],
        *,
        stratum: str = "",
        term: str = "",
        notes: Mapping[str, str] | None = None,
    ) -> None:
        """Record `quantity`, `quantity_low` and `quantity_high`. notes: by the keys estimate, low, high."""
        notes = notes or {}
        put = {"": (estimate, "estimate"), "_low": (interval[0], "low"), "_high": (interval[1], "high")}
        for suffix, (value, key) in put.items():
            self.put(f"{quantity}{suffix}", value, stratum=stratum, term=term, note=notes.get(key, ""))
