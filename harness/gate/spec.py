"""A gate case: a case of phantoms only, and the tolerance below which no number of it counts as moved.

Gate cases lie in `harness/gate/cases`, so that `myorepro reproduce` does not run them. Every metric of every stage
step is compared, unless `leave_out` names it.
"""

from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import Field, model_validator

from containers.contract.errors import RequestFault
from containers.contract.files import sha256_file
from containers.contract.request import ItemId, Strict
from harness.gate.disguises import DISGUISES
from harness.run.case import Case, Check, load_as
from harness.run.steps.base import Preset

FOLDER = Path(__file__).parent / "cases"
PRESET: Preset = "small"


class Floor(Strict):
    """The least tolerance of some metrics: `absolute` plus `relative` times the frozen value."""

    names: list[str] = Field(min_length=1)
    """Patterns of `step/metric`; of several floors the first that matches holds."""
    absolute: float = Field(default=0.0, ge=0)
    """Part that does not depend on the value, in the metric's unit; above 0."""
    relative: float = Field(default=0.0, ge=0)
    """Share of the frozen value's size that is added."""
    source: str = Field(min_length=1)
    """Where the two numbers come from."""

    @model_validator(mode="after")
    def _is_wider_than_nothing(self) -> "Floor":
        if self.absolute == 0:
            raise ValueError("a floor needs an absolute part: a frozen value may be 0")
        return self


class LeftOut(Strict):
    """Metrics that are not compared."""

    names: list[str] = Field(min_length=1)
    """Patterns of `step/metric`."""
    reason: str = Field(min_length=1)
    """Why they cannot be compared."""


class GateCase(Case):
    """A case of phantoms only, with what the gate needs to know of its numbers."""

    checks: list[Check] = Field(default_factory=list)
    """Expectations that the reference must meet before it is frozen; often none."""
    disguises: dict[str, str] = Field(default_factory=dict)
    """Name in `harness.gate.disguises` of the form that an input comes in, by `input.item`."""
    refused: dict[ItemId, str] = Field(default_factory=dict)
    """Regular expression that the error line must match, by item that is bad on purpose."""
    seeds: int = Field(default=0, ge=0, le=9)
    """How many further seeds of its stage steps are sampled; 0 where no stage of it draws at random."""
    floors: list[Floor] = Field(min_length=1)
    """Least tolerances, of which one must match every metric that is compared."""
    leave_out: list[LeftOut] = Field(default_factory=list)
    """Metrics that are not compared, with the reason."""

    @model_validator(mode="after")
    def _phantoms_only(self) -> "GateCase":
        for name, entry in self.inputs.items():
            if entry.from_data:
                raise ValueError(f"input {name} is not a phantom: a gate must run where no data are")
        for place, form in self.disguises.items():
            owner, _, item = place.partition(".")
            if item not in self.items(PRESET).get(owner, []) or owner not in self.inputs:
                raise ValueError(f"disguises names {place!r}, which is not an item of an input")
            if form not in DISGUISES:
                raise ValueError(f"no disguise {form!r}; known: {', '.join(DISGUISES)}")
        return self

    def expected_errors(self) -> dict[str, str]:
        """Items that are bad on purpose: those of `spoil_dicom` steps and of `refused`."""
        return super().expected_errors() | self.refused

    def floor_of(self, step: str, metric: str, value: float) -> float | None:
        """Least tolerance of a metric whose frozen value is `value`, or None where no floor matches."""
        for floor in self.floors:
            if any(fnmatchcase(f"{step}/{metric}", pattern) for pattern in floor.names):
                return floor.absolute + floor.relative * abs(value)
        return None

    def compares(self, step: str, metric: str) -> bool:
        """Whether a metric is compared."""
        patterns = [pattern for entry in self.leave_out for pattern in entry.names]
        return not any(fnmatchcase(f"{step}/{metric}", pattern) for pattern in patterns)


class GateFile(Strict):
    """A gate case as it was read."""

    case: GateCase
    """The gate case."""
    sha256: str
    """SHA-256 of its file, by which a baseline says what it was frozen from."""


def case_files(folder: Path = FOLDER) -> dict[str, Path]:
    """Gate case files by name, sorted."""
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load_gate_case(path: Path) -> GateFile:
    """Read one gate case. Raises RequestFault with file and field when it is wrong."""
    case = load_as(GateCase, path, "see harness/gate/README.md")
    return GateFile(case=case, sha256=sha256_file(path))


def load_gate_cases(
    names: list[str] | None = None, stages: list[str] | None = None, folder: Path = FOLDER
) -> list[GateFile]:
    """The gate cases that are named, or in which one of `stages` takes part; all where neither is given.

    Raises RequestFault for an unknown name and for a stage of which no case is.
    """
    known = case_files(folder)
    for name in names or []:
        if name not in known:
            raise RequestFault(f"no gate case {name!r}", where="--case", fix=f"known: {', '.join(known)}")
    files = [load_gate_case(known[name]) for name in dict.fromkeys(names or known)]
    for stage in stages or []:
        if not any(stage in file.case.stages() for file in files):
            found = sorted({stage for file in files for stage in file.case.stages()})
            raise RequestFault(f"no gate case runs stage {stage!r}", where="--stage", fix=f"known: {', '.join(found)}")
    return [file for file in files if not stages or set(stages) & set(file.case.stages())]
