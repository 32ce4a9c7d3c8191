"""Two records of the same estimands, number by number: how far two implementations agree.

A metric's quantity is its name up to the first dot (`coefficient` of `coefficient.model.age_years`). Invariants:
every metric of either record has a row; a number that one record has and the other lacks or calls undefined is counted,
never passed over.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from containers.contract.files import write_json
from containers.contract.record import Metric, Record
from harness.run.steps import examples
from harness.run.steps.base import Example, Name, Step
from harness.run.steps.task import Made, Task, read_record

FLOOR = 1e-12
"""Two numbers whose difference is below this are equal: rounding of sums of numbers near one."""


class Compare(Step):
    """Put the records of two steps side by side, number by number.

    Gives `differences` (JSON) and, as metrics, how far they agree for each quantity.
    """

    kind: Literal["compare"]
    """Marks the step that compares two records."""
    left: Name
    """The first step."""
    right: Name
    """The second step, on the same items."""
    leave_out: list[str] = Field(default_factory=list)
    """Patterns of metrics that cannot be compared (other random numbers), which are counted; the case says why."""

    @classmethod
    def example(cls, folder: Path) -> Example:
        sides = {side: {"kind": "stage", "stage": "lines", "inputs": {"text": "files.one"}} for side in ("one", "two")}
        last = {"kind": "compare", "left": "one", "right": "two"}
        left, right = (
            examples.record(folder, f"{side}.json", {"size": value}) for side, value in (("l", 4.0), ("r", 4.5))
        )
        good, bad = (
            Task("compare", "a", {"left": left, "right": path}, {}, {"leave_out": ["other*"]})
            for path in (right, examples.broken(folder))
        )
        return Example({"inputs": {"files": examples.FILES}, "steps": {**sides, "last": last}}, good, bad)

    def inputs_by_name(self) -> dict[str, str]:
        return {"left": f"{self.left}.record", "right": f"{self.right}.record"}

    def settings(self) -> dict[str, Any]:
        return {"leave_out": self.leave_out}

    @classmethod
    def run(cls, task: Task, folder: Path) -> Made:
        """How far two records agree, number by number."""
        left, right = (read_record(task.inputs[side]) for side in ("left", "right"))
        rows = compare(left, right)
        kept = [row for row in rows if not left_out(row.name, task.parameters["leave_out"])]
        metrics = summary(kept) | {"left_out": Metric(value=len(rows) - len(kept), unit="1")}
        write_json(folder / "differences.json", rows_as_json(kept, left.stage.name, right.stage.name))
        return Made(files={"differences": "differences.json"}, metrics=metrics)


@dataclass(frozen=True)
class Row:
    """One metric in both records."""

    name: str
    """Name of the metric."""
    left: float | None
    """Value in the first record; None where it lacks it or calls it undefined."""
    right: float | None
    """Value in the second record; None where it lacks it or calls it undefined."""

    @property
    def quantity(self) -> str:
        """The first part of the name."""
        return self.name.split(".", 1)[0]

    @property
    def one_sided(self) -> bool:
        """Whether only one record has a number."""
        return (self.left is None) != (self.right is None)

    @property
    def difference(self) -> float | None:
        """Absolute difference; None where there are no two numbers."""
        return None if self.left is None or self.right is None else abs(self.left - self.right)

    @property
    def relative(self) -> float | None:
        """Difference over the larger of both sizes; 0 below FLOOR."""
        if self.left is None or self.right is None:
            return None
        difference = abs(self.left - self.right)
        return 0.0 if difference < FLOOR else difference / max(abs(self.left), abs(self.right))

    @property
    def digits(self) -> int | None:
        """Leading digits in which both agree, 16 at most."""
        relative = self.relative
        if relative is None:
            return None
        return 16 if relative == 0 else max(0, min(16, math.floor(-math.log10(relative))))


def compare(left: Record, right: Record) -> list[Row]:
    """A row for each metric of either record, by name."""

    def number(record: Record, name: str) -> float | None:
        metric = record.metrics.get(name)
        return None if metric is None or metric.value is None else float(metric.value)

    names = sorted(set(left.metrics) | set(right.metrics))
    return [Row(name, number(left, name), number(right, name)) for name in names]


def summary(rows: Iterable[Row]) -> dict[str, Metric]:
    """Per quantity: numbers compared, the largest relative and absolute difference; and totals over all."""
    by_quantity: dict[str, list[Row]] = {}
    for row in rows:
        by_quantity.setdefault(row.quantity, []).append(row)
    metrics: dict[str, Metric] = {}
    for quantity, of_it in by_quantity.items():
        pairs = [row for row in of_it if row.relative is not None]
        metrics[f"compared.{quantity}"] = Metric(value=len(pairs), unit="1")
        metrics[f"one_sided.{quantity}"] = Metric(value=sum(row.one_sided for row in of_it), unit="1")
        if pairs:
            worst = max(pairs, key=lambda row: row.relative or 0.0)
            metrics[f"relative_difference_max.{quantity}"] = Metric(value=worst.relative, unit="1", note=worst.name)
            furthest = max(pairs, key=lambda row: row.difference or 0.0)
            metrics[f"difference_max.{quantity}"] = Metric(value=furthest.difference, unit="1", note=furthest.name)
    every = [row for of_it in by_quantity.values() for row in of_it]
    metrics["compared"] = Metric(value=sum(row.relative is not None for row in every), unit="1")
    metrics["one_sided"] = Metric(value=sum(row.one_sided for row in every), unit="1")
    return metrics


def left_out(name: str, patterns: Sequence[str]) -> bool:
    """Whether a metric's name matches one of the patterns (`*` stands for anything)."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def rows_as_json(rows: Sequence[Row], left: str, right: str) -> dict[str, Any]:
    """The rows for a file. left, right: names of the two stages."""
    return {
        "schema_version": "1.0",
        "left": left,
        "right": right,
        "rows": [
            {"name": row.name, "left": row.left, "right": row.right, "relative": row.relative, "digits": row.digits}
            for row in rows
        ],
    }
