"""Errors of a stage under changed conditions, each against the phantom's truth of the same item.

`errors.json`: one row for each condition and metric, with measured and true value of each item. As metrics, with
CONDITION = EFFECT.LEVEL in small letters, digits and underscores:

    mean_error.METRIC.CONDITION    mean of measured minus true over the condition's items
    shift.METRIC.CONDITION         largest distance of an item's value from its value under the first condition, where
                                   the items are the same ones
    undefined                      values that are not defined, and items without a result

Invariant: a condition without any value has rows that say so; a mean never leaves out an item in silence.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from containers.contract.files import write_json
from containers.contract.record import Metric
from containers.contract.request import ItemId, Strict
from harness.run.steps import examples
from harness.run.steps.base import PRESETS, Example, Name, Run, Step
from harness.run.steps.gather import good_items, hashed, pair
from harness.run.steps.task import Held, Made, Task, read_phantom, read_record

if TYPE_CHECKING:
    from harness.run.case import Case

SCHEMA_VERSION = "1.0"


class Condition(Strict):
    """A way in which a stage was run.

    Items that a preset does not have are left out of it; a condition without any is not in it.
    """

    effect: str = Field(min_length=1)
    """What is varied, in words."""
    level: str = Field(min_length=1)
    """How far it is varied, in words."""
    step: Name
    """The stage step that was run under the condition."""
    items: list[ItemId] = Field(min_length=1)
    """The items of that step that were run under the condition."""


class Sensitivity(Step):
    """Put a stage's errors against the phantom's truth side by side for several conditions.

    The steps are of stages, with `facts_from`: that phantom has the truth. Gives one item, `cohort`, with `errors`
    (JSON).
    """

    kind: Literal["sensitivity"]
    """Marks the step that compares errors between conditions."""
    metrics: list[str] = Field(min_length=1)
    """Single names of the metrics whose errors are shown."""
    truth_names: dict[str, str] = Field(default_factory=dict)
    """Base name of a true value by base name of the metric, where they differ."""
    conditions: list[Condition] = Field(min_length=2)
    """The conditions, two or more; the first is the one that others are compared with."""

    @classmethod
    def example(cls, folder: Path) -> Example:
        measured = {"kind": "stage", "stage": "lines", "inputs": {"text": "people.dicom_zip"}, "facts_from": "people"}
        conditions = [{"effect": "noise", "level": level, "step": "measured", "items": ["a"]} for level in ("1", "4")]
        last = {"kind": "sensitivity", "metrics": ["size"], "conditions": conditions}
        tried = [
            {"number": number, "effect": "noise", "level": level, "items": ["a"], "items_left_out": ["b"][:number]}
            for number, level in enumerate(("1", "4"))
        ]
        who, inputs = examples.phantom(folder, "ukb_participant", {}, {"size": 4.5}), {}
        for number, value in enumerate((4.0, 5.0)):
            inputs[f"record.{number}.a"] = examples.record(folder, f"{number}.json", {"size": value})
            inputs[f"phantom.{number}.a"] = who
        parameters = {"metrics": ["size"], "truth_names": {}, "conditions": tried}
        good, bad = (
            Task("sensitivity", "cohort", inputs | changed, {}, parameters)
            for changed in ({}, {"record.1.a": examples.broken(folder)})
        )
        steps = {"measured": measured, "last": last}
        return Example({"inputs": {"people": examples.PEOPLE}, "steps": steps}, good, bad)

    def references(self) -> list[str]:
        return [f"{step}.record" for step in dict.fromkeys(condition.step for condition in self.conditions)]

    def check(self, name: str, case: "Case") -> None:
        for condition in self.conditions:
            owner = case.steps.get(condition.step)
            use = owner.use() if owner is not None else None
            people = case.inputs.get(use.facts_from or "") if use is not None else None
            if people is None or people.from_data:
                raise ValueError(f"step {name}: {condition.step!r} is not a stage with facts_from a phantom input")
            known = {item for preset in PRESETS for item in people.item_ids(preset)}
            if unknown := set(condition.items) - known:
                raise ValueError(f"step {name}: {condition.step!r} has no item {min(unknown)!r}")

    def item_ids(self, name: str, sets: Mapping[str, list[str]]) -> list[str]:
        return ["cohort"]

    def tasks(self, run: Run, items: list[str]) -> dict[str, Task | Held]:
        """The task of the one item `cohort`: every condition with those of its items that this preset has."""
        inputs: dict[str, Path] = {}
        conditions: list[dict[str, Any]] = []
        for number, condition in enumerate(self.conditions):
            use, measured = run.case.steps[condition.step].use(), run.outcomes[condition.step]
            truth = run.outcomes[use.facts_from or ""] if use is not None else {}
            tried = [item for item in condition.items if item in measured]
            if any(measured[item].status == "planned" for item in tried):
                return {"cohort": Held("planned")}
            good = good_items(tried, measured, truth)
            for item in good:
                inputs |= pair(f"{number}.{item}", measured[item], truth[item])
            if tried:
                said = {"number": number, "effect": condition.effect, "level": condition.level}
                conditions.append({**said, "items": good, "items_left_out": sorted(set(tried) - set(good))})
        if not inputs:
            return {"cohort": Held("skipped", "no condition has a result")}
        parameters = {"metrics": self.metrics, "truth_names": self.truth_names, "conditions": conditions}
        return {"cohort": self.task("cohort", hashed(inputs), parameters)}

    @classmethod
    def run(cls, task: Task, folder: Path) -> Made:
        """Errors against truth by condition."""
        metrics = write_errors(task.inputs, task.parameters, folder / "errors.json")
        left_out = [
            (condition["effect"], condition["level"], item)
            for condition in task.parameters["conditions"]
            for item in condition["items_left_out"]
        ]
        warnings = [f"left out: {item} has no result under {effect} {level}" for effect, level, item in left_out]
        return Made(files={"errors": "errors.json"}, metrics=metrics, warnings=warnings)


def key_of(effect: str, level: str) -> str:
    """EFFECT.LEVEL as part of a metric's name: `("noise", "x 4")` is `noise.x_4`."""
    return ".".join(re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_") for words in (effect, level))


def rows_of(inputs: Mapping[str, Path], parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of `errors.json`, conditions in order. inputs: `record.NUMBER.ITEM` and `phantom.NUMBER.ITEM`."""
    rows = []
    for condition in parameters["conditions"]:
        values: dict[str, list[dict[str, Any]]] = {name: [] for name in parameters["metrics"]}
        units = dict.fromkeys(values, "")
        for item in condition["items"]:
            label = f"{condition['number']}.{item}"
            metrics = read_record(inputs[f"record.{label}"]).metrics
            truth = read_phantom(inputs[f"phantom.{label}"])["truth"]
            for name, found in values.items():
                measured = metrics[name].value if name in metrics else None
                units[name] = metrics[name].unit if name in metrics else units[name]
                true = truth.get(parameters["truth_names"].get(name, name))
                found.append({"item": item, "measured": measured, "true": true})
        for name, found in values.items():
            found += [{"item": item, "measured": None, "true": None} for item in condition["items_left_out"]]
            said = {"effect": condition["effect"], "level": condition["level"], "metric": name, "unit": units[name]}
            rows.append({**said, "values": found})
    return rows


def metrics_of(rows: list[dict[str, Any]]) -> dict[str, Metric]:
    """What checks read of the rows."""
    metrics: dict[str, Metric] = {}
    first: dict[str, dict[str, float]] = {}
    undefined = 0
    for row in rows:
        known = {v["item"]: v for v in row["values"] if v["measured"] is not None and v["true"] is not None}
        undefined += len(row["values"]) - len(known)
        name, condition = row["metric"], key_of(row["effect"], row["level"])
        metrics[f"mean_error.{name}.{condition}"] = _mean(known, len(row["values"]), row["unit"])
        measured = {item: float(v["measured"]) for item, v in known.items()}
        before = first.setdefault(name, measured)
        if measured and len(known) == len(row["values"]) and measured.keys() == before.keys():
            distance = max(abs(value - before[item]) for item, value in measured.items())
            metrics[f"shift.{name}.{condition}"] = Metric(value=distance, unit=row["unit"])
    return metrics | {"undefined": Metric(value=undefined, unit="1")}


def _mean(known: dict[str, dict[str, Any]], wanted: int, unit: str) -> Metric:
    """The mean error of all items, or no value where one is missing."""
    if len(known) < wanted:
        return Metric(value=None, unit=unit, note=f"{wanted - len(known)} of {wanted} values are missing")
    return Metric(value=float(np.mean([v["measured"] - v["true"] for v in known.values()])), unit=unit)


def write_errors(inputs: Mapping[str, Path], parameters: dict[str, Any], place: Path) -> dict[str, Metric]:
    """Write `errors.json` to `place`; returns the metrics."""
    rows = rows_of(inputs, parameters)
    write_json(place, {"schema_version": SCHEMA_VERSION, "rows": rows})
    return metrics_of(rows)
