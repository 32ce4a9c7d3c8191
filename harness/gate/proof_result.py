"""What the proof of the gate found, as data."""

from enum import StrEnum

from pydantic import Field

from containers.contract.request import Finite, Strict
from harness.gate.result import Row

SCHEMA_VERSION = "1.0"


class Caught(StrEnum):
    """`crashed`: no number moved, items failed: that proves nothing. `elsewhere`: not in the case it was meant for."""

    CAUGHT = "caught"
    ELSEWHERE = "caught elsewhere"
    CRASHED = "crashed"
    MISSED = "missed"


class Strongest(Strict):
    """The number that moved most. tolerances: by how many tolerances."""

    case: str
    metric: str
    item: str
    frozen: Finite | None
    value: Finite | None
    tolerances: Finite | None

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
    """One mutant. moved: numbers beyond their tolerance. lost: metrics and items that were missing or failed."""

    id: str
    stage: str
    stands_for: str
    case: str
    caught: Caught
    moved: int
    lost: int
    compared: int
    strongest: list[Strongest] = Field(default_factory=list)
    note: str = ""


class VariationResult(Strict):
    """One harmless variation. alarms: numbers that moved or were lost. strongest: the number that came furthest."""

    name: str
    kind: str
    cases: list[str]
    compared: int
    alarms: int
    strongest: list[Strongest] = Field(default_factory=list)
    note: str = ""


class Proof(Strict):
    """All mutants and variations, and the exit status."""

    schema_version: str = SCHEMA_VERSION
    mutants: list[MutantResult]
    variations: list[VariationResult]
    exit_status: int
