"""Measured and true values of a cohort in two tables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from containers.contract.errors import ItemFault
from containers.contract.record import Metric
from containers.contract.spec import declared_name
from containers.toolkit.tables.table import write_table
from harness.run.steps import examples
from harness.run.steps.base import Example, Name, Run, Step
from harness.run.steps.gather import good_items, hashed, pair
from harness.run.steps.task import Held, Made, Task, read_phantom, read_record


class Collect(Step):
    """Put a step's metrics and the phantom's truth into two tables with equal columns and rows.

    Gives one item, `cohort`, with `measured` and `expected`; items without a result are left out of both and named in
    the record's warnings.
    """

    kind: Literal["collect"]
    """Marks the step that collects metrics into tables."""
    step: Name
    """The step whose metrics are collected."""
    truth: Name
    """The phantom input that has the true values."""
    metrics: list[str] = Field(min_length=1)
    """Families (`volume_cm3.*`: a row for each item and structure) or single names (a row for each item)."""
    truth_names: dict[str, str] = Field(default_factory=dict)
    """Base name of a true value by base name of the metric, where they differ."""
    leave_out: list[str] = Field(default_factory=list)
    """Structures that get no row."""

    @classmethod
    def example(cls, folder: Path) -> Example:
        measured = {"kind": "stage", "stage": "lines", "inputs": {"text": "people.dicom_zip"}}
        last = {"kind": "collect", "step": "measured", "truth": "people", "metrics": ["size"]}
        inputs = {
            "record.a": examples.record(folder, "record.json", {"size": 4.0}),
            "phantom.a": examples.phantom(folder, "ukb_participant", {}, {"size": 4.5}),
        }
        good, bad = (
            Task(
                "collect",
                "cohort",
                inputs,
                {},
                {"metrics": [metric], "truth_names": {}, "leave_out": [], "items_left_out": ["b"]},
            )
            for metric in ("size", "no_such")
        )
        steps = {"measured": measured, "last": last}
        return Example({"inputs": {"people": examples.PEOPLE}, "steps": steps}, good, bad)

    def references(self) -> list[str]:
        return [f"{self.step}.record"]

    def phantoms(self) -> list[str]:
        return [self.truth]

    def item_ids(self, name: str, sets: Mapping[str, list[str]]) -> list[str]:
        self.one_source(name, sets)
        return ["cohort"]

    def tasks(self, run: Run, items: list[str]) -> dict[str, Task | Held]:
        """The task of the one item `cohort`; or why there can be none."""
        measured, truth = run.outcomes[self.step], run.outcomes[self.truth]
        if any(outcome.status == "planned" for outcome in measured.values()):
            return {"cohort": Held("planned")}
        good = good_items(list(measured), measured, truth)
        if not good:
            return {"cohort": Held("skipped", f"{self.step} failed for every item")}
        inputs: dict[str, Path] = {}
        for item in good:
            inputs |= pair(item, measured[item], truth[item])
        parameters = {
            "metrics": self.metrics,
            "truth_names": self.truth_names,
            "leave_out": self.leave_out,
            "items_left_out": sorted(set(measured) - set(good)),
        }
        return {"cohort": self.task("cohort", hashed(inputs), parameters)}

    @classmethod
    def run(cls, task: Task, folder: Path) -> Made:
        """Tables of measured and expected values: a row for each item and structure, a column for each metric.

        A value is empty (null) in both tables where either is undefined.
        """
        wanted = task.parameters["metrics"]
        items = sorted(name.removeprefix("record.") for name in task.inputs if name.startswith("record."))
        bases = [name.removesuffix(".*") for name in wanted]
        measured: dict[str, list[Any]] = {name: [] for name in ("item", "structure", *bases)}
        expected: dict[str, list[Any]] = {name: [] for name in measured}
        for item in items:
            metrics = read_record(task.inputs[f"record.{item}"]).metrics
            truth = read_phantom(task.inputs[f"phantom.{item}"])["truth"]
            rows = _rows(metrics, truth, wanted, task.parameters["truth_names"])
            for structure in sorted(set(rows) - set(task.parameters["leave_out"])):
                for table, side in ((measured, 0), (expected, 1)):
                    table["item"].append(item)
                    table["structure"].append(structure)
                    for base in bases:
                        both = rows[structure].get(base)
                        table[base].append(both[side] if both else None)
        empty = [base for base in bases if all(value is None for value in measured[base])]
        if empty:
            fix = "correct the case's metrics"
            raise ItemFault("has no value that is both measured and true", where=empty[0], fix=fix)
        write_table(folder / "measured.parquet", measured)
        write_table(folder / "expected.parquet", expected)
        warnings = [f"left out: {item} has no result" for item in task.parameters["items_left_out"]]
        return Made(files={"measured": "measured.parquet", "expected": "expected.parquet"}, warnings=warnings)


def _rows(
    metrics: dict[str, Metric], truth: dict[str, float], wanted: list[str], truth_names: dict[str, str]
) -> dict[str, dict[str, tuple[float, float]]]:
    """(measured, true) by structure and base name, where both are defined. A single metric's structure is `all`."""
    rows: dict[str, dict[str, tuple[float, float]]] = {}
    for name, metric in metrics.items():
        key = declared_name(dict.fromkeys(wanted, ""), name)
        if key is None:
            continue
        base = key.removesuffix(".*")
        structure = name.removeprefix(f"{base}.") if key.endswith(".*") else "all"
        true_name = truth_names.get(base, base) + (f".{structure}" if key.endswith(".*") else "")
        if metric.value is not None and true_name in truth:
            rows.setdefault(structure, {})[base] = (float(metric.value), float(truth[true_name]))
    return rows
