"""What the proof of the gate found, as data."""

from enum import StrEnum

from pydantic import Field

from containers.contract.request import Finite, Strict
from harness.gate.result import Row

SCHEMA_VERSION = "1.0"


class Caught(StrEnum):
    """How a mutant ended in the gate."""

    CAUGHT = "caught"
    """A number moved in the case that the mutant was meant for."""
    ELSEWHERE = "caught elsewhere"
    """A number moved, but not in the case that the mutant was meant for."""
    CRASHED = "crashed"
    """No number moved and items failed: that proves nothing."""
    MISSED = "missed"
    """Nothing was seen."""


class Strongest(Strict):
    """The number that moved most."""

    case: str
    """Name of the gate case."""
    metric: str
    """The metric as `step/metric`."""
    item: str
    """Identifier of the item."""
    frozen: Finite | None
    """Value in the baseline, in the metric's unit; None where it is undefined there or the row is of a whole item."""
    value: Finite | None
    """Value now, in the metric's unit; None where it is undefined or the row is of a whole item."""
    tolerances: Finite | None
    """How far it moved, signed, in units of its tolerance; None where no distance is defined."""

    @classmethod
    def of(cls, row: Row) -> "Strongest":
        """The row's number."""
        return cls(
            case=row.case,
            metric=f"{row.step}/{row.metric}",
            item=row.item,
            frozen=row.frozen,
            value=row.value,
            tolerances=row.tolerances,
        )


class MutantResult(Strict):
    """What the gate said of one mutant."""

    id: str
    """Name of the mutant in the catalogue."""
    stage: str
    """The stage that got the fault."""
    stands_for: str
    """The mistake that the fault stands for, in words."""
    case: str
    """The gate case in which a number had to move."""
    caught: Caught
    """How the mutant ended."""
    moved: int
    """Numbers beyond their tolerance, in all cases that were run."""
    lost: int
    """Metrics and items that were missing or failed, in all cases that were run."""
    compared: int
    """Numbers that were compared, in all cases that were run."""
    strongest: list[Strongest] = Field(default_factory=list)
    """The number that moved most, or an empty list."""
    note: str = ""
    """What the lost rows say, where no number moved; otherwise empty."""


class VariationResult(Strict):
    """What the gate said of one harmless variation."""

    name: str
    """Name of the variation."""
    kind: str
    """What it varies: seeds, threads, backends, precision or order."""
    cases: list[str]
    """The gate cases that it concerns and that were run."""
    compared: int
    """Numbers that were compared in them."""
    alarms: int
    """Numbers that moved, were lost or came up: each is a false alarm."""
    strongest: list[Strongest] = Field(default_factory=list)
    """The number that came furthest, or an empty list."""
    note: str = ""
    """Why it could not be run, or what the alarms say; otherwise empty."""


class Proof(Strict):
    """All mutants and variations, and the exit status."""

    schema_version: str = SCHEMA_VERSION
    """Version of this file's schema."""
    mutants: list[MutantResult]
    """The mutants, in the order of the catalogue."""
    variations: list[VariationResult]
    """The harmless variations."""
    exit_status: int
    """0 when every mutant was caught in its case and no variation raised an alarm, otherwise 1."""
