"""The steps that gather what other steps measured of several items into one task: tables, and errors by condition.

Invariant: an item without a result is named in the task's parameters; none is lost silently.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from containers.contract.files import sha256_file
from harness.run.outcome import Outcome
from harness.run.steps.builtin import Task
from harness.run.steps.models import Collect, Sensitivity, StageStep, Step

Outcomes = Mapping[str, Mapping[str, Outcome]]
"""By input or step, then by item."""


def collect_task(step: Collect, outcomes: Outcomes) -> Task | Outcome:
    """The task of the one item `cohort`; or why there can be none."""
    measured, truth = outcomes[step.step], outcomes[step.truth]
    if any(outcome.status == "planned" for outcome in measured.values()):
        return Outcome("planned")
    good = [item for item, outcome in measured.items() if outcome.status == "ok" and truth[item].status == "ok"]
    if not good:
        return Outcome("skipped", line=f"{step.step} failed for every item")
    inputs: dict[str, Path] = {}
    for item in good:
        inputs |= _pair(item, measured[item], truth[item])
    parameters = {
        "metrics": step.metrics,
        "truth_names": step.truth_names,
        "leave_out": step.leave_out,
        "items_left_out": sorted(set(measured) - set(good)),
    }
    return _task("collect", inputs, parameters)


def sensitivity_task(step: Sensitivity, outcomes: Outcomes, steps: Mapping[str, Step]) -> Task | Outcome:
    """The task of the one item `cohort`: every condition with those of its items that this preset has."""
    inputs: dict[str, Path] = {}
    conditions: list[dict[str, Any]] = []
    for number, condition in enumerate(step.conditions):
        owner, measured = steps[condition.step], outcomes[condition.step]
        truth = outcomes[owner.facts_from or ""] if isinstance(owner, StageStep) else {}
        items = [item for item in condition.items if item in measured]
        if any(measured[item].status == "planned" for item in items):
            return Outcome("planned")
        good = [item for item in items if measured[item].status == "ok" and truth[item].status == "ok"]
        for item in good:
            inputs |= _pair(f"{number}.{item}", measured[item], truth[item])
        if items:
            said = {"number": number, "effect": condition.effect, "level": condition.level}
            conditions.append({**said, "items": good, "items_left_out": sorted(set(items) - set(good))})
    if not inputs:
        return Outcome("skipped", line="no condition has a result")
    parameters = {"metrics": step.metrics, "truth_names": step.truth_names, "conditions": conditions}
    return _task("sensitivity", inputs, parameters)


def _pair(label: str, measured: Outcome, truth: Outcome) -> dict[str, Path]:
    record = (measured.folder or Path()) / "record.json"
    return {f"record.{label}": record, f"phantom.{label}": truth.output("phantom") or Path()}


def _task(kind: str, inputs: dict[str, Path], parameters: dict[str, Any]) -> Task:
    return Task(kind, "cohort", inputs, {label: sha256_file(path) for label, path in inputs.items()}, parameters)
