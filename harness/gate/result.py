"""What a gate found, as data: the one source of table, JUnit, Markdown, JSON and exit status.

Invariant: nothing here changes from run to run on the same candidates, baseline and machine.
"""

from enum import StrEnum

from pydantic import Field

from containers.contract.request import Finite, Strict
from harness.results import ExitStatus

SCHEMA_VERSION = "1.0"


class Outcome(StrEnum):
    """What became of one frozen number. `broken`: the machine or a stage that is no candidate failed."""

    SAME = "same"
    MOVED = "moved"
    MISSING = "missing"
    FAILED = "failed"
    BROKEN = "broken"
    NEW = "new"


REGRESSIONS = frozenset({Outcome.MOVED, Outcome.MISSING, Outcome.FAILED})


class Row(Strict):
    """One number against its frozen value. tolerances: how far it moved, signed, in units of its tolerance."""

    case: str
    step: str
    item: str
    metric: str
    unit: str
    frozen: Finite | None
    value: Finite | None
    tolerance: Finite | None
    tolerances: Finite | None
    outcome: Outcome
    note: str = ""


class StageUsed(Strict):
    """A stage that took part. candidate: what the user put in its place, or empty for the reference."""

    version: str
    digest: str
    digest_kind: str
    candidate: str = ""


class CaseResult(Strict):
    """One gate case. notes: what differs from what the baseline was made with, and does not decide."""

    case: str
    title: str
    stages: dict[str, StageUsed]
    compared: int
    notes: list[str] = Field(default_factory=list)
    rows: list[Row] = Field(default_factory=list)


class GateResult(Strict):
    """The whole of a gate run: results of all cases, and the exit status of the design (section 7)."""

    schema_version: str = SCHEMA_VERSION
    project_version: str
    contract: str
    candidates: dict[str, str]
    cases: list[CaseResult]
    exit_status: int

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
