"""Checks of a case against its outcomes. Over items and metrics of a family, the worst value counts.

Invariants: a check that could not be measured is `broken`, never failed; a mutant check passes when even the
value nearest to its tolerance has left it by the check's margin; the checks of a case that was not run are `skipped`,
and so are those on too few draws for a verdict.
"""

import re
from collections.abc import Iterable

from containers.contract.spec import declared_name
from harness.run.case import Check
from harness.run.outcome import Outcome
from harness.run.pipeline import CaseRun
from harness.run.results import CheckResult


def evaluate(run: CaseRun) -> list[CheckResult]:
    """All checks of a case, and one for every stage step: that its items ended as expected."""
    checks = [_skipped(run, check) if run.not_run else _check(run, check) for check in run.case.checks]
    if run.not_run:
        return checks
    uses = {name: step.use() for name, step in run.case.steps.items()}
    ends = [_ends(run, name) for name, use in uses.items() if use is not None and use.own_items]
    return ends + checks


def distance_outside(value: float, minimum: float | None, maximum: float | None) -> float:
    """How far a value lies outside its bounds: positive outside, zero or negative inside."""
    gaps = []
    if minimum is not None:
        gaps.append(minimum - value)
    if maximum is not None:
        gaps.append(value - maximum)
    return max(gaps)


def worst(values: Iterable[float], minimum: float | None, maximum: float | None, *, mutant: bool) -> float:
    """The value that decides: the one furthest out, or for a mutant the one that is least out."""
    choose = min if mutant else max
    return choose(values, key=lambda v: distance_outside(v, minimum, maximum))


def _base(run: CaseRun, check: Check) -> CheckResult:
    return CheckResult(
        case=run.case.name,
        check=check.name,
        title=check.title,
        evidence=check.evidence,
        measured=None,
        unit=check.unit,
        minimum=check.minimum,
        maximum=check.maximum,
        tolerance_source=check.tolerance_source,
        passed=False,
    )


def _skipped(run: CaseRun, check: Check) -> CheckResult:
    return _base(run, check).model_copy(update={"skipped": True, "note": f"not run: {run.not_run}"})


def _check(run: CaseRun, check: Check) -> CheckResult:
    base = _base(run, check)
    outcomes = run.outcomes[check.step]
    if check.item is not None:
        if check.item not in outcomes:
            note = f"not run: item {check.item} is not in preset {run.context.preset}"
            return base.model_copy(update={"skipped": True, "note": note})
        outcomes = {check.item: outcomes[check.item]}
    values, unit, problem = _values(check, outcomes, run.case.expected_errors())
    if problem or not values:
        return base.model_copy(update={"broken": True, "note": problem or "nothing was measured"})
    if why := _no_verdict(run, check, outcomes):
        return base.model_copy(update={"skipped": True, "too_few": True, "note": why})
    mutant = check.evidence == "mutant"
    label, measured = _decisive(values, check, mutant=mutant)
    excess = distance_outside(measured, check.minimum, check.maximum)
    notes = [f"decided by {label}"] if len(values) > 1 else []
    passed = excess <= 0
    if mutant:
        passed = excess >= check.least_excess()
        said = f"outside by {excess:.3g}" if excess > 0 else "inside"
        notes.append(f"{said}; a margin of {check.least_excess():.3g} is wanted")
    update = {"measured": measured, "unit": check.unit or unit, "passed": passed, "note": ", ".join(notes)}
    return base.model_copy(update={**update, "qualified_by": _doubts(label, outcomes)})


def _doubts(label: str, outcomes: dict[str, Outcome]) -> list[str]:
    """Why the value that decides is doubtful. label: item and metric."""
    item, _, name = label.partition(" ")
    record = outcomes[item].record if item in outcomes else None
    metric = record.metrics.get(name) if record is not None else None
    return list(metric.qualified_by) if metric is not None else []


def _no_verdict(run: CaseRun, check: Check, outcomes: dict[str, Outcome]) -> str:
    """Why what was measured allows no verdict; empty where it does."""
    step = run.case.steps[check.step]
    records = [outcome.record for outcome in outcomes.values() if outcome.record is not None]
    found = (step.no_verdict(record, check.metric or "") for record in records if check.metric)
    return next(filter(None, found), "")


def _decisive(values: dict[str, float], check: Check, *, mutant: bool) -> tuple[str, float]:
    wanted = worst(values.values(), check.minimum, check.maximum, mutant=mutant)
    return next((label, value) for label, value in values.items() if value == wanted)


def _values(check: Check, outcomes: dict[str, Outcome], bad: dict[str, str]) -> tuple[dict[str, float], str, str]:
    """Values by label, their unit, and what kept them from being measured."""
    if check.count in ("items_ok", "items_error"):
        status = check.count.removeprefix("items_")
        # Among bad inputs, what a stage crashed on counts against it, and what follows a refusal is rightly skipped.
        for item, outcome in outcomes.items():
            without_record = outcome.status in ("missing", "skipped") and not outcome.lost
            if not bad if without_record else outcome.environmental:
                return {}, "", f"{item}: {outcome.line}"
        return {check.count: float(sum(o.status == status for o in outcomes.values()))}, "items", ""
    values: dict[str, float] = {}
    unit = ""
    for item, outcome in outcomes.items():
        if item in bad:
            continue
        if outcome.status != "ok" or outcome.record is None:
            return {}, "", f"{item}: {outcome.line}"
        if check.count == "outputs":
            values[item], unit = float(len(outcome.record.outputs)), "outputs"
            continue
        found = {n: m for n, m in outcome.record.metrics.items() if declared_name({check.metric or "": None}, n)}
        for name, metric in found.items():
            if metric.value is None:
                return {}, "", f"{item}: {name} is undefined ({metric.note})"
            values[f"{item} {name}"], unit = float(metric.value), metric.unit
        if not found:
            return {}, "", f"{item}: no metric {check.metric}"
    return values, unit, ""


def _ends(run: CaseRun, name: str) -> CheckResult:
    """That every item of a step ended as it should: a result, or for a bad input the error line expected."""
    bad = run.case.expected_errors()
    wrong: list[str] = []
    broken = False
    for item, outcome in run.outcomes[name].items():
        if outcome.status == "missing":
            wrong.append(f"{item}: {outcome.line}")
            broken = True
        elif item in bad and outcome.status == "ok":
            wrong.append(f"{item}: a bad input gave a result")
        elif item in bad and outcome.status == "error" and not re.search(bad[item], outcome.line):
            wrong.append(f"{item}: error line {outcome.line!r} does not match {bad[item]!r}")
        elif item not in bad and outcome.status != "ok":
            broken = broken or outcome.status == "skipped" or outcome.environmental
            wrong.append(f"{item}: {outcome.line}")
    return CheckResult(
        case=run.case.name,
        check=f"{name}_items",
        title=f"{name}: items that did not end as they should",
        evidence=run.case.evidence,
        measured=float(len(wrong)),
        unit="items",
        maximum=0.0,
        tolerance_source="exact",
        passed=not wrong,
        broken=bool(wrong) and broken,
        note="; ".join(wrong[:3]) + (f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""),
    )
