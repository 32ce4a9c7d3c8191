"""What counts as moved, lost or broken, on readings made by hand."""

from typing import Any

import pytest

from harness.gate.baseline import Baseline, Frozen, Made
from harness.gate.comparison import LARGEST, compare, dependent_steps, tolerances, worst_first
from harness.gate.readings import Number, Readings
from harness.gate.result import CaseResult, Outcome, exit_status
from harness.gate.spec import GateCase

CASE = GateCase.model_validate(
    {
        "name": "made",
        "title": "two stages in a row, and one next to them",
        "evidence": "phantom",
        "inputs": {"people": {"kind": "phantom", "phantom": "dixon_ramp", "items": [{"id": "a"}]}},
        "steps": {
            "first": {"kind": "stage", "stage": "fusion", "inputs": {"dicom": "people.dicom_zip"}},
            "second": {"kind": "stage", "stage": "composition", "inputs": {"labels": "first.labels"}},
            "beside": {"kind": "stage", "stage": "agreement", "inputs": {"labels": "people.labels"}},
        },
        "floors": [{"names": ["*"], "absolute": 0.1, "source": "made up"}],
    }
)
MADE = Made(
    project_version="0", contract="1.0", preset="small", case_sha256="", stages={}, locks={}, environment={}, inputs={},
    variations={},
)  # fmt: skip
STEPS = ("first", "second", "beside")


def baseline(**changes: Any) -> Baseline:
    numbers = {f"{step}/a/m": Frozen(value=2.0, unit="mm", tolerance=0.5) for step in STEPS}
    ends = {f"{step}/a": "ok" for step in STEPS}
    return Baseline(**({"case": "made", "rule": "", "made": MADE, "ends": ends, "numbers": numbers} | changes))


def readings(**values: float | None) -> Readings:
    """Values by step, 2 mm where none is given."""
    found = Readings()
    for step in STEPS:
        value = values.get(step, 2.0)
        found.numbers[f"{step}/a/m"] = Number(step, "a", "m", value, "mm", "" if value is not None else "no voxel")
        found.ends[f"{step}/a"] = "ok"
    return found


def ended(found: Readings, step: str, end: str, line: str, kind: str = "") -> Readings:
    found.ends[f"{step}/a"] = end
    found.lines[f"{step}/a"] = line
    del found.numbers[f"{step}/a/m"]
    if kind:
        found.kinds[f"{step}/a"] = kind
    return found


def outcomes(found: Readings, candidates: set[str], unfit: dict[str, str] | None = None) -> dict[str, Outcome]:
    return {row.step: row.outcome for row in compare(CASE, baseline(), found, candidates, unfit or {})}


def status(found: Readings, candidates: set[str], unfit: dict[str, str] | None = None) -> int:
    rows = compare(CASE, baseline(), found, candidates, unfit or {})
    return exit_status([CaseResult(case="made", title="", stages={}, compared=3, rows=rows)])


def test_a_movement_is_signed_and_in_tolerances() -> None:
    row = compare(CASE, baseline(), readings(first=0.5), {"fusion"}, {})[0]
    assert (row.outcome, row.tolerances) == (Outcome.MOVED, -3.0)
    row = compare(CASE, baseline(), readings(first=2.5), {"fusion"}, {})[0]
    assert (row.outcome, row.tolerances) == (Outcome.SAME, 1.0)


@pytest.mark.parametrize(
    ("difference", "tolerance", "moved"), [(0.0, 0.0, 0.0), (-1e-9, 0.0, -LARGEST), (1e9, 1e-9, LARGEST)]
)
def test_without_a_tolerance_any_difference_is_the_largest(difference: float, tolerance: float, moved: float) -> None:
    assert tolerances(difference, tolerance) == moved


def test_an_undefined_number_is_a_lost_one_and_must_stay_undefined() -> None:
    assert outcomes(readings(first=None), {"fusion"})["first"] == Outcome.MISSING
    frozen = baseline(numbers={"first/a/m": Frozen(value=None, unit="mm")}, ends={"first/a": "ok"})
    assert compare(CASE, frozen, readings(first=None), {"fusion"}, {})[0].outcome == Outcome.SAME
    assert compare(CASE, frozen, readings(), {"fusion"}, {})[0].outcome == Outcome.MOVED


def test_another_unit_is_a_movement() -> None:
    found = readings()
    found.numbers["first/a/m"] = Number("first", "a", "m", 2.0, "cm")
    row = compare(CASE, baseline(), found, {"fusion"}, {})[0]
    assert row.outcome == Outcome.MOVED
    assert "'mm'" in row.note and "'cm'" in row.note


def test_a_new_number_is_shown_and_not_judged() -> None:
    found = readings()
    found.numbers["first/a/n"] = Number("first", "a", "n", 9.0, "1")
    rows = compare(CASE, baseline(), found, {"fusion"}, {})
    assert [row.metric for row in rows if row.outcome == Outcome.NEW] == ["n"]
    assert status(found, {"fusion"}) == 0


def test_what_a_candidate_can_move_is_its_own_steps_and_those_behind() -> None:
    assert dependent_steps(CASE, {"fusion"}) == {"first", "second"}
    assert dependent_steps(CASE, {"composition"}) == {"second"}


def test_a_failure_of_the_candidate_is_red_with_all_that_it_kept_from_running() -> None:
    found = ended(ended(readings(), "first", "missing", "exit status 1"), "second", "skipped", "first failed")
    expected = {"first": Outcome.FAILED, "second": Outcome.FAILED, "beside": Outcome.SAME}
    assert outcomes(found, {"fusion"}) == expected
    assert outcomes(found, set()) == expected
    assert status(found, {"fusion"}) == 1


def test_a_failure_of_a_stage_that_is_no_candidate_is_incomplete() -> None:
    found = ended(readings(), "beside", "missing", "killed by signal 9")
    assert outcomes(found, {"fusion"})["beside"] == Outcome.BROKEN
    assert status(found, {"fusion"}) == 4


@pytest.mark.parametrize("how", ["exit status 3", "record"])
def test_the_machine_s_fault_is_none_of_the_candidate(how: str) -> None:
    if how == "record":
        found, unfit = ended(readings(), "first", "error", "no memory", "environment"), {}
    else:
        found, unfit = ended(readings(), "first", "missing", "ended early"), {"fusion": "no GPU"}
    found = ended(found, "second", "skipped", "first failed")
    got = outcomes(found, {"fusion"}, unfit)
    assert (got["first"], got["second"]) == (Outcome.BROKEN, Outcome.BROKEN)
    assert status(found, {"fusion"}, unfit) == 4
    everything = ended(found, "beside", "skipped", "people failed")
    found.lines["people/a"] = "input people could not be made"
    assert status(everything, {"fusion"}, unfit) == 3


def test_a_regression_counts_before_an_incomplete_run() -> None:
    found = ended(readings(first=99.0), "beside", "missing", "killed")
    assert status(found, {"fusion"}) == 1


def test_an_error_that_stays_is_the_same_and_an_accepted_bad_input_moved() -> None:
    frozen = baseline(ends={"first/a": "error"}, numbers={"second/a/m": Frozen(value=2.0, unit="mm", tolerance=0.5)})
    frozen = frozen.model_copy(update={"ends": {"first/a": "error", "second/a": "ok"}})
    same = ended(readings(), "first", "error", "is cut short")
    assert compare(CASE, frozen, same, {"fusion"}, {})[0].outcome == Outcome.SAME
    assert compare(CASE, frozen, readings(), {"fusion"}, {})[0].outcome == Outcome.MOVED


def test_the_worst_comes_first() -> None:
    found = ended(readings(first=3.0, second=-8.0), "beside", "missing", "killed")
    rows = list(worst_first(compare(CASE, baseline(), found, {"fusion", "agreement"}, {})))
    assert [row.step for row in rows] == ["beside", "second", "first"]
