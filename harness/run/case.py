"""A case, as its TOML file states it: inputs, steps, checks and pictures.

Invariants: every reference names an input or an earlier step; every item set is known before anything
runs, so that a plan can be printed; unknown fields are refused. A reference is written `step.output`
(for phantoms and data: `input.file`), and always means "of the same item".
"""

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, model_validator

from containers.contract.checked import load_toml
from containers.contract.errors import RequestFault
from containers.contract.request import Strict
from harness.run.steps import registry
from harness.run.steps.base import PRESETS, Input, Name, Preset, Step
from harness.run.steps.picture import PictureSpec

Evidence = Literal["phantom", "simulation", "real data", "mutant"]
CASES = Path(__file__).parents[1] / "cases"
OneKind = TypeVar("OneKind", bound=Step)
OneCase = TypeVar("OneCase", bound="Case")
registry.kinds()


class Check(Strict):
    """One expectation on a step. Over several items or metrics of a family, the worst value counts."""

    name: Name
    """Name of the check, unique in the case."""
    title: str
    """What is expected, in words for the report."""
    step: Name
    """The step whose records are checked."""
    metric: str | None = None
    """A metric or a family (`dice.*`) of the step's records; None where `count` is given."""
    count: Literal["items_ok", "items_error", "outputs"] | None = None
    """How many items ended well or badly, or how many outputs an item has; None where `metric` is given."""
    item: str | None = None
    """The one item that is checked; None for all items of the step."""
    unit: str = ""
    """Unit of the bounds; empty where the metric's own unit is shown."""
    minimum: float | None = None
    """Smallest value that is accepted, itself included; None for no bound."""
    maximum: float | None = None
    """Largest value that is accepted, itself included; None for no bound."""
    margin: float | None = Field(default=None, gt=0)
    """How far a mutant must leave the tolerance, in its unit; None for half the tolerance's width, where it has one."""
    tolerance_source: str = Field(min_length=1)
    """Where the bounds come from, and a stated margin too."""
    evidence: Evidence
    """What the value is measured on; with `mutant` it must leave the tolerance by the margin at least."""

    @model_validator(mode="after")
    def _complete(self) -> "Check":
        if (self.metric is None) == (self.count is None):
            raise ValueError(f"check {self.name} needs either metric or count")
        if self.minimum is None and self.maximum is None:
            raise ValueError(f"check {self.name} needs minimum, maximum or both")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"check {self.name} has minimum above maximum")
        if self.evidence != "mutant" and self.margin is not None:
            raise ValueError(f"check {self.name} has a margin, which only a mutant can have")
        if self.evidence == "mutant" and self.least_excess() == 0:
            raise ValueError(f"mutant {self.name} needs a margin: its tolerance has no width")
        return self

    def least_excess(self) -> float:
        """How far a mutant must leave the tolerance; 0 where neither `margin` nor the tolerance's width says it."""
        if self.margin is not None:
            return self.margin
        return (self.maximum - self.minimum) / 2 if self.minimum is not None and self.maximum is not None else 0.0


class Case(Strict):
    """A pipeline on one input set, with the metrics taken from it."""

    name: Name
    """Name of the case, equal to that of its file."""
    title: str
    """What the case shows, in words for the report."""
    evidence: Literal["phantom", "simulation", "real data"]
    """What its inputs are, which decides what claims it can support."""
    inputs: dict[Name, Input] = Field(default_factory=dict)
    """Items made by phantoms or found in the data folder, by name."""
    steps: dict[Name, Step] = Field(min_length=1)
    """The steps in the order in which they are run, by name."""
    checks: list[Check] = Field(min_length=1)
    """The expectations on the steps."""
    pictures: list[PictureSpec] = Field(default_factory=list)
    """The pictures that are drawn for the report."""

    @model_validator(mode="after")
    def _references_hold(self) -> "Case":
        known = set(self.inputs)
        for name, step in self.steps.items():
            if name in known:
                raise ValueError(f"step {name} has the name of an input or an earlier step")
            for reference in step.references():
                if reference.split(".")[0] not in known:
                    raise ValueError(f"step {name} refers to {reference!r}, which is not an input or earlier step")
            for owner in step.phantoms():
                if owner not in self.inputs or self.inputs[owner].from_data:
                    raise ValueError(f"step {name} refers to {owner!r}, which is not a phantom input")
            step.check(name, self)
            known.add(name)
        names = [check.name for check in self.checks] + [picture.name for picture in self.pictures]
        if twice := {n for n in names if names.count(n) > 1}:
            raise ValueError(f"name {min(twice)!r} is used by two checks or pictures")
        for check in self.checks:
            if check.step not in self.steps:
                raise ValueError(f"check {check.name} refers to {check.step!r}, which is not a step")
        for picture in self.pictures:
            for reference in picture.references().values():
                if reference.split(".")[0] not in known:
                    raise ValueError(f"picture {picture.name} refers to {reference!r}, which is not an input or step")
        for preset in PRESETS:
            self.items(preset)
        return self

    def in_preset(self, preset: Preset) -> "Case":
        """The case with every step as the preset has it."""
        return self.model_copy(update={"steps": {name: step.in_preset(preset) for name, step in self.steps.items()}})

    def items(self, preset: Preset) -> dict[str, list[str]]:
        """Item identifiers of every input and step in this preset. Raises ValueError when a step's inputs differ."""
        sets: dict[str, list[str]] = {}
        for name, entry in self.inputs.items():
            sets[name] = entry.item_ids(preset)
            if len(set(sets[name])) != len(sets[name]):
                raise ValueError(f"input {name} gives an item id twice")
            if not sets[name]:
                raise ValueError(f"input {name} has no item in preset {preset}")
        for name, step in self.steps.items():
            sets[name] = step.item_ids(name, sets)
        return sets

    def expected_errors(self) -> dict[str, str]:
        """Items that are bad on purpose, with the regular expression that their error line must match."""
        return {item: error for step in self.steps.values() for item, error in step.expected_errors().items()}

    def stages(self) -> list[str]:
        """The stages that the case needs, each once, in order."""
        uses = (step.use() for step in self.steps.values())
        return list(dict.fromkeys(use.stage for use in uses if use is not None))

    def steps_of(self, kind: type[OneKind]) -> dict[str, OneKind]:
        """The steps of one kind by name, in order."""
        return {name: step for name, step in self.steps.items() if isinstance(step, kind)}


def load_case(path: Path) -> Case:
    """Read a case file. Raises RequestFault with file and field when it is wrong."""
    return load_as(Case, path, "see case.schema.json")


def load_as(kind: type[OneCase], path: Path, fix: str) -> OneCase:
    """Read a case file as one kind of case. fix: where its form is described. Raises RequestFault as `load_case`."""
    case = load_toml(kind, path, fix)
    if case.name != path.stem:
        raise RequestFault(f"name is {case.name!r}", where=path.name, fix="name the case as its file")
    return case


def load_cases(names: list[str] | None = None, folder: Path = CASES) -> list[Case]:
    """The named cases, or all of the folder in alphabetical order. Raises RequestFault for an unknown name."""
    known = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    for name in names or []:
        if name not in known:
            raise RequestFault(f"no case {name!r}", where="case", fix=f"known: {', '.join(known)}")
    return [load_case(known[name]) for name in dict.fromkeys(names or known)]
