"""The inputs and steps of a case, as its TOML file states them. What a whole case must keep is in `spec`."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from containers.contract.request import ItemId, Strict

Preset = Literal["small", "full"]
PRESETS: tuple[Preset, ...] = ("small", "full")
Reference = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[A-Za-z0-9_.]+$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


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


class Spoil(Strict):
    """Bad inputs made of the good ones of `item`, for items of their own."""

    item: ItemId
    items: list[SpoiledItem] = Field(min_length=1)


class SpoilDicom(Spoil):
    """Make bad inputs of one item's zip, by `phantoms.bad_inputs`. Gives `dicom_zip`."""

    kind: Literal["spoil_dicom"]
    source: Reference

    def sources(self) -> dict[str, str]:
        return {"source": self.source}

    def references(self) -> list[str]:
        return [self.source]


class SpoilBack(Spoil):
    """Make bad inputs of one item's T2-weighted image and its labels, by `phantoms.haste_bad_inputs`. Gives both."""

    kind: Literal["spoil_back"]
    image: Reference
    labels: Reference

    def sources(self) -> dict[str, str]:
        return {"image": self.image, "labels": self.labels}

    def references(self) -> list[str]:
        return [self.image, self.labels]


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


class Condition(Strict):
    """A way in which a stage was run: an effect and its level, in words, the step, and its items under that condition.

    Items that a preset does not have are left out of it; a condition without any is not in it.
    """

    effect: str = Field(min_length=1)
    level: str = Field(min_length=1)
    step: Name
    items: list[ItemId] = Field(min_length=1)


class Sensitivity(Strict):
    """Put a stage's errors against the phantom's truth side by side for several conditions, of which the first is the
    one that others are compared with. The steps are of stages, with `facts_from`: that phantom has the truth.

    metrics: single names. truth_names: as of `collect`. Gives one item, `cohort`, with `errors` (JSON).
    """

    kind: Literal["sensitivity"]
    metrics: list[str] = Field(min_length=1)
    truth_names: dict[str, str] = Field(default_factory=dict)
    conditions: list[Condition] = Field(min_length=2)

    def references(self) -> list[str]:
        return [f"{step}.record" for step in dict.fromkeys(condition.step for condition in self.conditions)]


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


class Compare(Strict):
    """Put the records of two steps side by side, number by number. Gives `differences` (JSON) and, as metrics, how far
    they agree for each quantity.

    leave_out: patterns of metric names that are not comparable (resampled with other random numbers); the reason is in
    the case's comment. They are counted.
    """

    kind: Literal["compare"]
    left: Name
    right: Name
    leave_out: list[str] = Field(default_factory=list)

    def references(self) -> list[str]:
        return [f"{self.left}.record", f"{self.right}.record"]


class Estimate(Strict):
    """Metrics of a stage that estimate a phantom's truth of the same name, with one kind of interval.

    names: patterns of what follows the quantity (`*.pa_third:high`). standard_error, low, high: the quantities that go
    with it. interval `normal`: estimate and standard error with a normal quantile, in place of the reported ends.
    label: stands before the name in the simulation's metrics. null: what an interval must leave out to count for power.
    exponentiate: also the ratio of estimated to true odds ratio, `ratio`.
    """

    quantity: Name
    names: list[str] = Field(min_length=1)
    standard_error: Name | None = None
    low: Name | None = None
    high: Name | None = None
    interval: Literal["reported", "normal"] = "reported"
    label: Name | None = None
    null: float = 0.0
    exponentiate: bool = False
    unit: str = "1"

    @model_validator(mode="after")
    def _normal_has_an_error(self) -> "Estimate":
        if self.interval == "normal" and self.standard_error is None:
            raise ValueError(f"interval normal of {self.quantity} needs standard_error")
        if (self.low is None) != (self.high is None):
            raise ValueError(f"{self.quantity} needs both low and high, or neither")
        return self


class Simulation(Strict):
    """Draws of a cohort phantom through a stage, and the performance of its estimates. Gives `simulation` (JSON) and
    `table` (CSV) for one item, `draws`.

    draws: seeds first_seed, first_seed + 1, and so on; `myorepro simulate --draws N` takes another number.
    full_parameters: join the phantom's parameters in preset full. levels: an earlier output, JSON with a list
    `levels` of settings (id, parameters, facts): the draws are made at each.
    """

    kind: Literal["simulation"]
    phantom: Name
    parameters: dict[str, Any] = Field(default_factory=dict)
    full_parameters: dict[str, Any] = Field(default_factory=dict)
    levels: Reference | None = None
    stage: Name
    stage_parameters: dict[str, Any] = Field(default_factory=dict)
    inputs: dict[Name, Name] = Field(min_length=1, description="stage input -> output of the phantom")
    draws: int = Field(ge=2)
    first_seed: int = Field(ge=0)
    confidence: float = Field(default=0.95, gt=0, lt=1)
    estimates: list[Estimate] = Field(min_length=1)

    def references(self) -> list[str]:
        return [self.levels] if self.levels else []


BuiltinStep = (
    TruthLabels | TruthVolume | MutateLabels | SpoilDicom | SpoilBack | Collect | Sensitivity | ImportNifti | Compare
)
"""What the harness does itself, in one task an item."""

Step = Annotated[StageStep | BuiltinStep | Simulation, Field(discriminator="kind")]
