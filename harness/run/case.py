"""A case, as its TOML file states it: inputs, steps, checks and pictures.

Invariants: every reference names an input or an earlier step; every item set is known before anything
runs, so that a plan can be printed; unknown fields are refused. A reference is written `step.output`
(for phantoms and data: `input.file`), and always means "of the same item".
"""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from containers.contract.errors import RequestFault
from containers.contract.request import ItemId, Strict, first_error
from harness.pictures.registry import find, pictures
from harness.run.steps.models import (
    PRESETS,
    Collect,
    Condition,
    Input,
    Name,
    PhantomInput,
    Preset,
    Reference,
    Sensitivity,
    Simulation,
    SpoilBack,
    SpoilDicom,
    StageStep,
    Step,
)

Evidence = Literal["phantom", "simulation", "real data", "mutant"]
CASES = Path(__file__).parents[1] / "cases"


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


def _known(kind: str) -> str:
    return find(kind).name


PictureKind = Annotated[
    str,
    AfterValidator(_known),
    Field(json_schema_extra=lambda schema: schema.update(enum=list(pictures()))),
]
"""Name of a picture that is registered."""


class PictureSpec(Strict):
    """One picture of one item, drawn by a function that is registered in `harness.pictures`."""

    name: Name
    """Name of the picture, unique in the case, and of its PNG."""
    title: str
    """Heading of the picture in the report."""
    kind: PictureKind
    """The function that draws it."""
    item: ItemId
    """The item that is drawn."""
    volume: Reference
    """What is drawn: a volume, or for plots the file with the numbers."""
    overlay: Reference | None = None
    """What goes with it (seams, labels, expected values, analyses of a table); None for kinds without one."""
    analysis: Name | None = None
    """Identifier of the analysis in a results.json that is drawn; None for kinds that draw a whole file."""
    alt: str
    """What the picture shows, for readers who do not see it."""

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> "PictureSpec":
        needs = find(self.kind).needs
        for field, given in (("analysis", self.analysis is not None), ("overlay", self.overlay is not None)):
            needed = field == needs
            if given != needed:
                raise ValueError(f"picture {self.name} of kind {self.kind} {'needs' if needed else 'has no'} {field}")
        return self

    def references(self) -> dict[str, str]:
        """The references by the name of their field."""
        return {"volume": self.volume, **({"overlay": self.overlay} if self.overlay else {})}


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
                    raise ValueError(f"step {name} refers to {reference!r}, which is no input or earlier step")
            for owner in (getattr(step, "of", None), getattr(step, "truth", None), getattr(step, "facts_from", None)):
                if owner is not None and not isinstance(self.inputs.get(owner), PhantomInput):
                    raise ValueError(f"step {name} refers to {owner!r}, which is no phantom input")
            for condition in step.conditions if isinstance(step, Sensitivity) else ():
                self._check_condition(name, condition)
            known.add(name)
        names = [check.name for check in self.checks] + [picture.name for picture in self.pictures]
        if twice := {n for n in names if names.count(n) > 1}:
            raise ValueError(f"name {min(twice)!r} is used by two checks or pictures")
        for check in self.checks:
            if check.step not in self.steps:
                raise ValueError(f"check {check.name} refers to {check.step!r}, which is no step")
        for picture in self.pictures:
            for reference in picture.references().values():
                if reference.split(".")[0] not in known:
                    raise ValueError(f"picture {picture.name} refers to {reference!r}, which is no input or step")
        for preset in PRESETS:
            self.items(preset)
        return self

    def _check_condition(self, name: str, condition: Condition) -> None:
        owner = self.steps.get(condition.step)
        people = self.inputs.get(owner.facts_from or "") if isinstance(owner, StageStep) else None
        if not isinstance(people, PhantomInput):
            raise ValueError(f"step {name}: {condition.step!r} is no stage with facts_from a phantom input")
        if unknown := set(condition.items) - {item.id for item in people.items}:
            raise ValueError(f"step {name}: {condition.step!r} has no item {min(unknown)!r}")

    def items(self, preset: Preset) -> dict[str, list[str]]:
        """Item identifiers of every input and step in this preset. Raises ValueError when a step's inputs differ."""
        sets: dict[str, list[str]] = {}
        for name, entry in self.inputs.items():
            if isinstance(entry, PhantomInput):
                sets[name] = [item.id for item in entry.items if preset in item.presets]
            else:
                sets[name] = [item.id for item in entry.items]
            if len(set(sets[name])) != len(sets[name]):
                raise ValueError(f"input {name} gives an item id twice")
            if not sets[name]:
                raise ValueError(f"input {name} has no item in preset {preset}")
        for name, step in self.steps.items():
            sources = {reference.split(".")[0] for reference in step.references()}
            if isinstance(step, Sensitivity):
                sets[name] = ["cohort"]
                continue
            if len({tuple(sets[source]) for source in sources}) > 1:
                raise ValueError(f"step {name} mixes inputs with different items")
            if isinstance(step, Simulation):
                sets[name] = ["draws"]
            elif isinstance(step, SpoilDicom | SpoilBack):
                sets[name] = [item.id for item in step.items]
                if step.item not in sets[min(sources)]:
                    raise ValueError(f"step {name} refers to item {step.item!r}, which its source does not have")
            else:
                sets[name] = ["cohort"] if isinstance(step, Collect) else sets[min(sources)]
        return sets

    def expected_errors(self) -> dict[str, str]:
        """Items that are bad on purpose, with the regular expression that their error line must match."""
        steps = [step for step in self.steps.values() if isinstance(step, SpoilDicom | SpoilBack)]
        return {item.id: item.error for step in steps for item in step.items if item.error is not None}

    def stages(self) -> list[str]:
        """The stages that the case needs, each once, in order."""
        return list(
            dict.fromkeys(step.stage for step in self.steps.values() if isinstance(step, StageStep | Simulation))
        )


def load_case(path: Path) -> Case:
    """Read a case file. Raises RequestFault with file and field when it is wrong."""
    try:
        case = Case.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise RequestFault(f"cannot be read ({error.strerror})", where=path.name, mend="check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RequestFault(f"is not TOML ({error})", where=path.name, mend="mend the syntax") from error
    except ValidationError as error:
        raise RequestFault(first_error(error), where=path.name, mend="see case.schema.json") from error
    if case.name != path.stem:
        raise RequestFault(f"name is {case.name!r}", where=path.name, mend="name the case as its file")
    return case


def load_cases(names: list[str] | None = None, folder: Path = CASES) -> list[Case]:
    """The named cases, or all of the folder in alphabetical order. Raises RequestFault for an unknown name."""
    known = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    for name in names or []:
        if name not in known:
            raise RequestFault(f"no case {name!r}", where="case", mend=f"known: {', '.join(known)}")
    return [load_case(known[name]) for name in dict.fromkeys(names or known)]
