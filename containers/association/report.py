"""What an analysis says: metrics, the same numbers structured, and tables and curves that are no scalars.

Invariants: a metric is named `<quantity>.<analysis id>[.<stratum>][.<term>]` (stratum as `sex:male`) and put once;
an undefined number has a note that says why; a count of people below the disclosure threshold never leaves, and
neither does one that would give it back by subtraction from totals of the same analysis (`guard`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from containers.contract.errors import ItemFault
from containers.contract.stage import Result
from containers.toolkit.tables.cohort.arrays import BoolArray, IntArray
from containers.toolkit.tables.cohort.flow import Flow
from containers.toolkit.tables.cohort.numbers import put_number


@dataclass
class Report:
    """What one analysis says. Write with `put`, `count`, `tell`, `warn`."""

    result: Result
    """The record that metrics and warnings go into."""
    flow: Flow
    """The exclusion flow that the analysis' steps go into."""
    id: str
    """Name of the analysis."""
    threshold: int = 0
    """Counts below it are not shown; 0 shows all."""
    structured: dict[str, Any] = field(default_factory=lambda: {"numbers": []})
    """What goes into results.json for this analysis."""
    guarded: set[tuple[str, str, str]] = field(default_factory=set)
    """Quantity, stratum and term of the counts that are not shown."""

    def put(
        self, quantity: str, value: float | int | None, *, stratum: str = "", term: str = "", note: str = ""
    ) -> None:
        """Record a number. Raises as `put_number` says: faults of the stage, not of the input."""
        numbers = self.structured["numbers"]
        put_number(self.result, numbers, self.id, quantity, value, stratum=stratum, term=term, note=note)

    def count(self, quantity: str, people: int, *, of: int | None = None, stratum: str = "", term: str = "") -> None:
        """Record a count of people, unless it, or its complement in `of`, is below the threshold, or it is guarded."""
        shown, note = self.shown(people, of=of, at=(quantity, stratum, term))
        self.put(quantity, shown, stratum=stratum, term=term, note=note)

    def shown(
        self, people: int, *, of: int | None = None, at: tuple[str, str, str] = ("", "", "")
    ) -> tuple[int | None, str]:
        """A count as it may leave the run folder, and the note that goes with it. For counts inside `tell`."""
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

    def tell(self, name: str, value: Any) -> None:
        """Add something structured (a table, a curve) to results.json. Counts of people in it: through `shown`."""
        if name in self.structured:
            raise ValueError(f"{name} is told twice in analysis {self.id}")
        self.structured[name] = value

    def warn(self, line: str) -> None:
        """Say in one line what the reader of this analysis should know."""
        self.result.warn(f"analysis {self.id}: {line}")

    def fault(self, what: str, *, column: str = "", mend: str) -> ItemFault:
        """An ItemFault that names this analysis and the column. Raise it."""
        where = f"analysis {self.id}" + (f", column {column}" if column else "")
        return ItemFault(what, where=where, mend=mend)

    def value_of(self, metric: str) -> float | int | None:
        """A metric that an earlier analysis put. Raises ItemFault when there is none of that name."""
        if metric not in self.result.metrics:
            raise self.fault(f"there is no metric {metric!r} so far", mend="name one of an analysis listed before")
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
