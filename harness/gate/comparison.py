"""Numbers of a run against the frozen ones. Whatever is not there is a regression, never silence.

Rules, in order, for each frozen item:
- it ends as it did: its numbers are compared one by one;
- it failed for want of the machine (exit status 3, an error of kind `environment`), or by a stage that is not a
  candidate and behind none: `broken`, and the run is incomplete;
- else it `failed`; a bad input that is now accepted has `moved`.
A number moved when it lies further from its frozen value than its tolerance; an undefined one must stay undefined.
"""

import math
from collections.abc import Iterator

from harness.gate.baseline import Baseline, Frozen
from harness.gate.readings import Number, Readings
from harness.gate.result import Outcome, Row, item_row
from harness.gate.spec import GateCase

LARGEST = 1e9
"""Movements are shown up to here, in tolerances: a count that is exact has next to none."""


def dependent_steps(case: GateCase, candidates: set[str]) -> set[str]:
    """Steps whose numbers a candidate can move: its own, and those that use them."""
    moved: set[str] = set()
    for name, step in case.steps.items():
        owners = {reference.split(".")[0] for reference in step.references()}
        use = step.use()
        if owners & moved or (use is not None and use.stage in candidates):
            moved.add(name)
    return moved


def compare(
    case: GateCase, baseline: Baseline, readings: Readings, candidates: set[str], unfit: dict[str, str]
) -> list[Row]:
    """A row for every frozen number and every new one. unfit: stages that this machine could not run, and why.

    candidates: stages on trial; where there is none, every stage is: the project's own, as they are now.
    """
    tried = candidates or set(case.stages())
    suspect = dependent_steps(case, tried)
    by_item: dict[str, dict[str, Frozen]] = {place: {} for place in baseline.ends}
    for key, frozen in baseline.numbers.items():
        step, item, metric = key.split("/", 2)
        by_item[f"{step}/{item}"][metric] = frozen
    rows: list[Row] = []
    for place, numbers in by_item.items():
        step, item = place.split("/", 1)
        end, now = baseline.ends[place], readings.ends.get(place, "missing")
        if end == now:
            rows += [
                _row(case.name, step, item, m, f, readings.numbers.get(f"{place}/{m}")) for m, f in numbers.items()
            ]
            if end == "error":
                rows.append(_end(case.name, step, item, end, now, Outcome.SAME, ""))
            continue
        outcome, note = Outcome.FAILED, readings.lines.get(place, "no record")
        if now == "ok":
            outcome, note = Outcome.MOVED, "a bad input is accepted"
        elif (reason := _not_its_fault(case, step, item, readings, unfit)) or step not in suspect:
            outcome, note = Outcome.BROKEN, reason or note
        rows.append(_end(case.name, step, item, end, now, outcome, note))
    rows += [
        _new(case.name, number)
        for key, number in readings.numbers.items()
        if key not in baseline.numbers and baseline.ends.get(f"{number.step}/{number.item}") == "ok"
    ]
    return rows


def _not_its_fault(case: GateCase, step: str, item: str, readings: Readings, unfit: dict[str, str]) -> str:
    """Why the machine is to blame for an item that failed, or an empty string. Follows skipped items to their cause."""
    found = case.steps[step]
    place = f"{step}/{item}"
    use = found.use()
    if use is not None and use.stage in unfit and readings.ends.get(place) == "missing":
        return unfit[use.stage]
    if readings.kinds.get(place) == "environment":
        return readings.lines.get(place, "")
    if readings.ends.get(place, "skipped") == "skipped":
        for owner in (reference.split(".")[0] for reference in found.references()):
            if owner in case.inputs and (reason := readings.lines.get(f"{owner}/{item}", "")):
                return reason
            if owner in case.steps and (reason := _not_its_fault(case, owner, item, readings, unfit)):
                return reason
    return ""


def _end(case: str, step: str, item: str, end: str, now: str, outcome: Outcome, note: str) -> Row:
    """The row of an item as a whole."""
    said = {Outcome.SAME: "", Outcome.MOVED: note}.get(outcome, f"was {end}, is {now}: {note}")
    moved = LARGEST if outcome == Outcome.MOVED else 0.0 if outcome == Outcome.SAME else None
    return item_row(case, step, item, outcome, said, moved)


def _row(case: str, step: str, item: str, metric: str, frozen: Frozen, number: Number | None) -> Row:
    moved, outcome, note = None, Outcome.SAME, ""
    value = number.value if number else None
    if number is None:
        outcome, note = Outcome.MISSING, "the metric is not there any more"
    elif number.unit != frozen.unit:
        outcome, note = Outcome.MOVED, f"unit was {frozen.unit!r}, is {number.unit!r}"
    elif frozen.value is None or value is None:
        if frozen.value is not None:
            outcome, note = Outcome.MISSING, f"is undefined now ({number.note})"
        elif value is not None:
            outcome, note = Outcome.MOVED, "was undefined"
    else:
        moved = tolerances(value - frozen.value, frozen.tolerance or 0.0)
        outcome = Outcome.MOVED if abs(moved) > 1 else Outcome.SAME
    return Row(
        case=case,
        step=step,
        item=item,
        metric=metric,
        unit=frozen.unit,
        frozen=frozen.value,
        value=value,
        tolerance=frozen.tolerance,
        tolerances=moved,
        outcome=outcome,
        note=note,
    )


def tolerances(difference: float, tolerance: float) -> float:
    """A difference in units of its tolerance, cut at LARGEST. Without a tolerance any difference is the largest."""
    if difference == 0:
        return 0.0
    moved = abs(difference) / tolerance if tolerance > 0 else LARGEST
    return math.copysign(min(moved, LARGEST), difference)


def _new(case: str, number: Number) -> Row:
    return Row(
        case=case,
        step=number.step,
        item=number.item,
        metric=number.metric,
        unit=number.unit,
        frozen=None,
        value=number.value,
        tolerance=None,
        tolerances=None,
        outcome=Outcome.NEW,
        note="not in the baseline, and not judged",
    )


def worst_first(rows: list[Row]) -> Iterator[Row]:
    """Regressions first, then broken, then the others by how far they moved."""
    order = [Outcome.MISSING, Outcome.FAILED, Outcome.MOVED, Outcome.BROKEN, Outcome.SAME, Outcome.NEW]
    yield from sorted(rows, key=lambda r: (order.index(r.outcome), -abs(r.tolerances or 0.0), r.case, r.step, r.item))
