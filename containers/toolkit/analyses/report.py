"""What an analysis writes into: metrics, the same numbers structured, and tables and curves that are not scalars.

Invariants: a metric is named `<quantity>.<analysis id>[.<stratum>][.<term>]` (stratum as `sex:male`) and put once;
an undefined number has a note that says why; no row is left out without a line in the flow.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Self

from containers.contract.errors import ItemFault
from containers.contract.stage import Result
from containers.toolkit.tables.cohort.arrays import BoolArray
from containers.toolkit.tables.cohort.flow import Flow, leave_out


@dataclass
class Report:
    """What one analysis gives. A stage adds the groups of numbers that several of its kinds put."""

    result: Result
    """The record that metrics and warnings go into."""
    flow: Flow
    """The exclusion flow that the analysis' steps go into."""
    id: str
    """Name of the analysis."""
    stratum: str = ""
    """Stratum that all is put for, as it stands in the metrics; empty for the whole, and where each `put` names its."""
    structured: dict[str, Any] = field(default_factory=lambda: {"numbers": []})
    """What goes into results.json for this analysis."""

    @property
    def where(self) -> str:
        """How messages name the place."""
        return f"analysis {self.id}" + (f", stratum {self.stratum}" if self.stratum else "")

    def inside(self, stratum: str) -> Self:
        """The same analysis in a stratum."""
        return replace(self, stratum=stratum)

    def put(
        self, quantity: str, value: float | int | None, *, stratum: str = "", term: str = "", note: str = ""
    ) -> None:
        """Record a number as a metric and in results.json.

        None, NaN and infinity are stored as undefined and need a note; a defined one may have one. Raises KeyError for
        a quantity that stage.toml does not declare, ValueError for a missing note or a name put twice: all are faults
        of the stage, not of the input.
        """
        stratum = stratum or self.stratum
        name = ".".join(part for part in (quantity, self.id, stratum, term) if part)
        if name in self.result.metrics:
            raise ValueError(f"metric {name} is put twice")
        if value is not None and not math.isfinite(value):
            value = None
        if value is None and not note:
            raise ValueError(f"metric {name} is undefined and has no note")
        if value is not None and not isinstance(value, int):
            value = float(value)
        self.result.metric(name, value, note)
        place = {key: text for key, text in (("stratum", stratum), ("term", term), ("note", note)) if text}
        self.structured["numbers"].append({"quantity": quantity, "value": value, **place})

    def attach(self, name: str, value: Any) -> None:
        """Add something that is not a scalar to results.json, under the stratum where there is one.

        Raises ValueError for a name that is there already.
        """
        strata = self.structured.setdefault("strata", {}) if self.stratum else {}
        place = strata.setdefault(self.stratum, {}) if self.stratum else self.structured
        if name in place:
            raise ValueError(f"{name} is attached twice in {self.where}")
        place[name] = value

    def leave_out(self, step: str, size: int, reasons: Iterable[tuple[str, BoolArray]]) -> BoolArray:
        """(size,) which rows are kept. Each row left out counts under the first reason that marks it, in the flow."""
        line, kept = leave_out(step, size, reasons)
        self.flow.add_to(self.id, line)
        return kept

    def warn(self, line: str) -> None:
        """Say in one line what the reader of this analysis should know."""
        self.result.warn(f"{self.where}: {line}")

    def fault(self, what: str, *, column: str = "", fix: str) -> ItemFault:
        """An ItemFault that names this analysis and the column. Raise it."""
        return ItemFault(what, where=self.where + (f", column {column}" if column else ""), fix=fix)
