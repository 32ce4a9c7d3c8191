"""What a gate found, as data: the one source of table, JUnit, Markdown, JSON and exit status.

Invariant: nothing here changes from run to run on the same candidates, baseline and machine.
"""

from enum import StrEnum

from pydantic import Field

from containers.contract.request import Finite, Strict
from harness.run.results import ExitStatus

SCHEMA_VERSION = "1.0"


class Outcome(StrEnum):
    """What became of one frozen number."""

    SAME = "same"
    """Within its tolerance."""
    MOVED = "moved"
    """Beyond its tolerance, in another unit, defined where it was not, or a bad input that is accepted."""
    MISSING = "missing"
    """The metric is not there any more or is undefined now."""
    FAILED = "failed"
    """The item failed, by a candidate or behind one."""
    BROKEN = "broken"
    """The machine failed, or a stage that is not a candidate."""
    NEW = "new"
    """A number that the baseline does not have."""


REGRESSIONS = frozenset({Outcome.MOVED, Outcome.MISSING, Outcome.FAILED})


class Row(Strict):
    """One number against its frozen value."""

    case: str
    """Name of the gate case."""
    step: str
    """Name of the step in it."""
    item: str
    """Identifier of the item."""
    metric: str
    """Name of the metric; `item` for the row of an item as a whole."""
    unit: str
    """Unit of the values; empty for the row of an item as a whole."""
    frozen: Finite | None
    """Value in the baseline; None where it is undefined there or there is none."""
    value: Finite | None
    """Value now; None where it is undefined or there is none."""
    tolerance: Finite | None
    """Largest distance that does not count as moved, in `unit`; None where there is none."""
    tolerances: Finite | None
    """How far it moved, signed, in units of its tolerance; None where no distance is defined."""
    outcome: Outcome
    """What became of the number."""
    note: str = ""
    """Why it is not the same, in words; empty where the distance says it."""


def item_row(case: str, step: str, item: str, outcome: Outcome, note: str, tolerances: float | None = None) -> Row:
    """The row of an item as a whole, which has no value."""
    return Row(
        case=case,
        step=step,
        item=item,
        metric="item",
        unit="",
        frozen=None,
        value=None,
        tolerance=None,
        tolerances=tolerances,
        outcome=outcome,
        note=note,
    )


class StageUsed(Strict):
    """A stage that took part."""

    version: str
    """Semantic version of the stage."""
    digest: str
    """What its results are keyed by."""
    digest_kind: str
    """What `digest` is: `image id`, `repository digest` or `source hash`."""
    candidate: str = ""
    """What the user put in the stage's place; empty for the reference."""


class CaseResult(Strict):
    """One gate case."""

    case: str
    """Name of the gate case."""
    title: str
    """What the gate case is about, in words."""
    stages: dict[str, StageUsed]
    """The stages that took part, by name."""
    compared: int
    """Numbers of the baseline that were compared."""
    notes: list[str] = Field(default_factory=list)
    """What differs from what the baseline was made with, and does not decide."""
    rows: list[Row] = Field(default_factory=list)
    """Every number with what became of it."""


class GateResult(Strict):
    """The whole of a gate run: results of all cases, and the exit status of the design (section 7)."""

    schema_version: str = SCHEMA_VERSION
    """Version of this file's schema."""
    project_version: str
    """Version of the project that ran the gate."""
    contract: str
    """Version of the stage contract."""
    candidates: dict[str, str]
    """What was put in place of each stage on trial, by the stage's name; empty where the reference is tried."""
    cases: list[CaseResult]
    """One entry for each gate case that was run."""
    exit_status: int
    """0 all as frozen, 1 a regression, 3 nothing was measured, 4 incomplete."""

    def rows(self) -> list[Row]:
        """All rows of all cases."""
        return [row for case in self.cases for row in case.rows]


def exit_status(cases: list[CaseResult]) -> int:
    """A regression counts before an incomplete run, which counts before nothing measured."""
    rows = [row for case in cases for row in case.rows]
    if any(row.outcome in REGRESSIONS for row in rows):
        return ExitStatus.MISMATCH
    if any(row.outcome == Outcome.BROKEN for row in rows):
        measured = any(row.outcome in (Outcome.SAME, Outcome.MOVED) for row in rows)
        return ExitStatus.INCOMPLETE if measured else ExitStatus.ENVIRONMENT
    return ExitStatus.OK
