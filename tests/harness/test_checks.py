"""Checks on values worked by hand: when a result passes, and when a mutant has gone far enough."""

from typing import Any

import pytest
from pydantic import ValidationError

from harness.run.case import Case, Check
from harness.run.checks import evaluate
from harness.run.outcome import Outcome
from tests.harness.conftest import Runs, lines_case

CHECK: dict[str, Any] = {
    "name": "c", "title": "t", "step": "count", "metric": "lines", "tolerance_source": "by hand", "evidence": "mutant",
}  # fmt: skip


@pytest.mark.parametrize(
    ("bounds", "passed"),
    [
        # The text has 4 lines.
        ({"minimum": 0, "maximum": 2}, True),  # outside by 2, half the width is 1
        ({"minimum": 0, "maximum": 3}, False),  # outside by 1, half the width is 1.5
        ({"minimum": 0, "maximum": 3, "margin": 1}, True),
        ({"minimum": 0, "maximum": 2, "margin": 3}, False),
        ({"minimum": 3, "maximum": 3, "margin": 1}, True),
        ({"minimum": 3, "maximum": 3, "margin": 2}, False),
        ({"maximum": 3, "margin": 1}, True),
        ({"maximum": 3, "margin": 1.5}, False),
        ({"minimum": 6, "margin": 2}, True),
        ({"minimum": 0, "maximum": 9}, False),
    ],
)
def test_a_mutant_must_leave_its_tolerance_by_the_margin(
    run_case: Runs, bounds: dict[str, float], passed: bool
) -> None:
    case = lines_case({"a": ""}, checks=[{**CHECK, **bounds}])
    found = next(c for c in evaluate(run_case({"a": "1\n2\n3\n4\n"}, case=case)) if c.check == "c")
    assert (found.measured, found.passed) == (4.0, passed)
    assert "a margin of " in found.note


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"minimum": 1, "maximum": 1}, "needs a margin"),
        ({"minimum": 1}, "needs a margin"),
        ({"minimum": 1, "margin": 0}, "greater than 0"),
        ({"minimum": 1, "maximum": 2, "margin": 1, "evidence": "phantom"}, "only a mutant"),
    ],
)
def test_a_mutant_that_anything_would_pass_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Check.model_validate({**CHECK, **fields})


def test_items_that_ended_badly_are_counted_in_items(run_case: Runs) -> None:
    found = next(c for c in evaluate(run_case({"a": "BAD", "b": "1\n2\n"})) if c.check == "count_items")
    assert (found.measured, found.unit, found.passed) == (1.0, "items", False)


@pytest.mark.parametrize(
    ("outcome", "broken"),
    [
        (Outcome("skipped", line="texts failed for this item", lost=True), True),
        (Outcome("skipped", line="texts failed for this item"), False),
        (Outcome("missing", line="the job ended early: killed by signal 9"), False),
    ],
)
def test_what_the_environment_lost_is_no_count_of_bad_inputs(
    run_case: Runs, monkeypatch: pytest.MonkeyPatch, outcome: Outcome, broken: bool
) -> None:
    """A refused input is rightly skipped in what follows, and a stage that crashes on one counts against it."""
    monkeypatch.setattr(Case, "expected_errors", lambda self: {"b": "is bad"})
    fields = {**CHECK, "metric": None, "count": "items_ok", "minimum": 1, "maximum": 1, "evidence": "phantom"}
    run = run_case({"a": "1\n", "b": "BAD"}, case=lines_case({"a": "", "b": ""}, checks=[fields]))
    assert next(c for c in evaluate(run) if c.check == "c").passed
    run.outcomes["count"]["a"] = outcome
    found = next(c for c in evaluate(run) if c.check == "c")
    assert (found.broken, found.passed) == (broken, False)
