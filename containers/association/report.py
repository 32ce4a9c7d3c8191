"""What an analysis says: metrics, the same numbers structured, and tables and curves that are no scalars.

Invariants: a metric is named `<quantity>.<analysis id>[.<stratum>][.<term>]` (stratum as `sex:male`) and put once;
an undefined number has a note that says why; a count of people below the disclosure threshold never leaves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from containers.contract.cohort.flow import Flow
from containers.contract.cohort.numbers import put_number
from containers.contract.errors import ItemFault
from containers.contract.stage import Result


@dataclass
class Report:
    """Of one analysis, `id`. Write with `put`, `count`, `tell`, `warn`.

    threshold: counts below it are not shown; 0 shows all. structured: what goes into results.json for this analysis.
    """

    result: Result
    flow: Flow
    id: str
    threshold: int = 0
    structured: dict[str, Any] = field(default_factory=lambda: {"numbers": []})

    def put(
        self, quantity: str, value: float | int | None, *, stratum: str = "", term: str = "", note: str = ""
    ) -> None:
        """Record a number. Raises as `put_number` says: faults of the stage, not of the input."""
        numbers = self.structured["numbers"]
        put_number(self.result, numbers, self.id, quantity, value, stratum=stratum, term=term, note=note)

    def count(self, quantity: str, people: int, *, of: int | None = None, stratum: str = "", term: str = "") -> None:
        """Record a count of people, unless it, or its complement in `of`, is below the disclosure threshold."""
        shown, note = self.shown(people, of=of)
        self.put(quantity, shown, stratum=stratum, term=term, note=note)

    def shown(self, people: int, *, of: int | None = None) -> tuple[int | None, str]:
        """A count as it may leave the run folder, and the note that goes with it. For counts inside `tell`."""
        if people < self.threshold:
            return None, f"fewer than {self.threshold}"
        if of is not None and of - people < self.threshold:
            return None, f"all but fewer than {self.threshold}"
        return int(people), ""

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
