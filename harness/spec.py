"""A case, as its TOML file states it: inputs, steps, checks and pictures.

Invariants: every reference names an input or an earlier step; every item set is known before anything
runs, so that a plan can be printed; unknown fields are refused. A reference is written `step.output`
(for phantoms and data: `input.file`), and always means "of the same item".
"""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from containers.contract.errors import RequestFault
from containers.contract.request import ItemId, Strict, first_error

Preset = Literal["small", "full"]
PRESETS: tuple[Preset, ...] = ("small", "full")
Evidence = Literal["phantom", "real data", "mutant"]
Reference = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[A-Za-z0-9_.]+$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
CASES = Path(__file__).parent / "cases"


class PhantomItem(Strict):
    """One participant or data set of a phantom."""

    id: ItemId
    parameters: dict[str, Any] = Field(default_factory=dict)
    presets: list[Preset] = Field(default_factory=lambda: list(PRESETS), min_length=1)


class PhantomInput(Strict):
    """Items made by `phantoms.make`. `parameters` hold for every item that does not say otherwise."""

    kind: Literal["phantom"]
    phantom: Name
    parameters: dict[str, Any] = Field(default_factory=dict)
    items: list[PhantomItem] = Field(min_length=1)


class DataItem(Strict):
    """Files of one item, relative to the data folder."""

    id: ItemId
    files: dict[Name, str] = Field(min_length=1)


class DataInput(Strict):
    """Files from the data folder (MYOREPRO_DATA), which may be missing: then the case is not run, and says so."""

    kind: Literal["data"]
    source: str = Field(description="where the files come from and under which licence")
    items: list[DataItem] = Field(min_length=1)


Input = Annotated[PhantomInput | DataInput, Field(discriminator="kind")]


class StageStep(Strict):
    """Call a stage on every item. `facts_from`: the input whose items' facts the stage is given."""

    kind: Literal["stage"]
    stage: Name
    inputs: dict[str, Reference] = Field(min_length=1)
    facts_from: Name | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    seed: int = Field(default=0, ge=0)

    def references(self) -> list[str]:
        return list(self.inputs.values())


class TruthLabels(Strict):
    """Sample the phantom's true labels on the grid of an earlier output. Gives `labels`."""

    kind: Literal["truth_labels"]
    of: Name
    grid: Reference

    def references(self) -> list[str]:
        return [self.grid]


class TruthVolume(Strict):
    """The image of `contrast` that a right fusion gives, on the grid of an earlier output; with `fault`, that of a
    wrong one. Only of a phantom that knows every voxel (`dixon_ramp`). Gives `volume`."""

    kind: Literal["truth_volume"]
    of: Name
    grid: Reference
    contrast: Name
    fault: Name = "none"

    def references(self) -> list[str]:
        return [self.grid]


class MutateLabels(Strict):
    """Seed one fault into a label map. Gives `labels`."""

    kind: Literal["mutate_labels"]
    labels: Reference
    fault: Name

    def references(self) -> list[str]:
        return [self.labels]


class SpoiledItem(Strict):
    """A copy of a good input with one fault. The stage that reads it must refuse it with a line that matches the
    regular expression `error`; an item without a fault must give a result beside the bad ones."""

    id: ItemId
    fault: Name | None = None
    error: str | None = None

    @model_validator(mode="after")
    def _fault_has_an_error(self) -> "SpoiledItem":
        if (self.fault is None) != (self.error is None):
            raise ValueError(f"item {self.id} needs both fault and error, or neither")
        if self.error is not None:
            try:
                re.compile(self.error)
            except re.error as error:
                raise ValueError(f"error of item {self.id} is no regular expression ({error})") from error
        return self


class SpoilDicom(Strict):
    """Make bad inputs of one item's zip, by `phantoms.bad_inputs`. Gives `dicom_zip` for items of its own."""

    kind: Literal["spoil_dicom"]
    source: Reference
    item: ItemId
    items: list[SpoiledItem] = Field(min_length=1)

    def references(self) -> list[str]:
        return [self.source]


class Collect(Strict):
    """Put a step's metrics and the phantom's truth into two tables with equal columns and rows.

    metrics: families (`volume_cm3.*`: a row for each item and structure) or single names (a row for each item,
    structure `all`). truth_names: base name of a metric -> base name of its truth, where they differ.
    leave_out: structures to leave out. Gives one item, `cohort`, with `measured` and `expected`; items without
    a result are left out of both and named in the record's warnings.
    """

    kind: Literal["collect"]
    step: Name
    truth: Name
    metrics: list[str] = Field(min_length=1)
    truth_names: dict[str, str] = Field(default_factory=dict)
    leave_out: list[str] = Field(default_factory=list)

    def references(self) -> list[str]:
        return [f"{self.step}.record"]


class ImportNifti(Strict):
    """NIfTI files to NRRD in LPS. Gives the names of `volumes` and `masks`.

    masks: sampled by nearest neighbour in world coordinates on the grid of the volume named `grid`; their
    value above 0 is `structure`.
    """

    kind: Literal["import_nifti"]
    volumes: dict[Name, Reference] = Field(min_length=1)
    masks: dict[Name, Reference] = Field(default_factory=dict)
    grid: Name
    structure: str = "region"

    def references(self) -> list[str]:
        return [*self.volumes.values(), *self.masks.values()]


Step = Annotated[
    StageStep | TruthLabels | TruthVolume | MutateLabels | SpoilDicom | Collect | ImportNifti,
    Field(discriminator="kind"),
]


class Check(Strict):
    """One expectation on a step. Over several items or metrics of a family, the worst value counts.

    metric: a name or a family (`dice.*`) of the step's records; or count: how many items ended well or
    badly, or how many outputs an item has. evidence `mutant`: the value must leave the tolerance, by `margin` at
    least. margin: in the metric's unit; by default half the width of the tolerance. A tolerance of no width or
    with one bound has no such scale: its mutant states a margin, and `tolerance_source` says where that is from.
    """

    name: Name
    title: str
    step: Name
    metric: str | None = None
    count: Literal["items_ok", "items_error", "outputs"] | None = None
    item: str | None = None
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    margin: float | None = Field(default=None, gt=0)
    tolerance_source: str = Field(min_length=1)
    evidence: Evidence

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


class PictureSpec(Strict):
    """One picture of one item, drawn by the function of harness.report.pictures that `kind` names."""

    name: Name
    title: str
    kind: Literal["fused_with_seams", "labels_over", "fat_fraction", "bland_altman"]
    item: ItemId
    volume: Reference
    overlay: Reference
    alt: str


class Case(Strict):
    """A pipeline on one input set, with the metrics taken from it."""

    name: Name
    title: str
    evidence: Literal["phantom", "real data"]
    inputs: dict[Name, Input] = Field(min_length=1)
    steps: dict[Name, Step] = Field(min_length=1)
    checks: list[Check] = Field(min_length=1)
    pictures: list[PictureSpec] = Field(default_factory=list)

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
            known.add(name)
        names = [check.name for check in self.checks] + [picture.name for picture in self.pictures]
        if twice := {n for n in names if names.count(n) > 1}:
            raise ValueError(f"name {min(twice)!r} is used by two checks or pictures")
        for check in self.checks:
            if check.step not in self.steps:
                raise ValueError(f"check {check.name} refers to {check.step!r}, which is no step")
        for picture in self.pictures:
            for reference in (picture.volume, picture.overlay):
                if reference.split(".")[0] not in self.steps:
                    raise ValueError(f"picture {picture.name} refers to {reference!r}, which is no step")
        for preset in PRESETS:
            self.items(preset)
        return self

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
            if len({tuple(sets[source]) for source in sources}) > 1:
                raise ValueError(f"step {name} mixes inputs with different items")
            if isinstance(step, SpoilDicom):
                sets[name] = [item.id for item in step.items]
                if step.item not in sets[min(sources)]:
                    raise ValueError(f"step {name} refers to item {step.item!r}, which its source does not have")
            else:
                sets[name] = ["cohort"] if isinstance(step, Collect) else sets[min(sources)]
        return sets

    def expected_errors(self) -> dict[str, str]:
        """Items that are bad on purpose, with the regular expression that their error line must match."""
        steps = [step for step in self.steps.values() if isinstance(step, SpoilDicom)]
        return {item.id: item.error for step in steps for item in step.items if item.error is not None}

    def stages(self) -> list[str]:
        """The stages that the case needs, each once, in order."""
        return list(dict.fromkeys(step.stage for step in self.steps.values() if isinstance(step, StageStep)))


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
