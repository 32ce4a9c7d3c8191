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
    """Identifier of the item, unique in the input."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Parameters of the phantom for this item alone; they go over those of the input."""
    presets: list[Preset] = Field(default_factory=lambda: list(PRESETS), min_length=1)
    """Presets in which the item is run; all of them where nothing is said."""


class PhantomInput(Strict):
    """Items made by `phantoms.make`."""

    kind: Literal["phantom"]
    """Marks an input that a phantom makes."""
    phantom: Name
    """Name of the phantom in the register of `phantoms`."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Parameters of the phantom for every item that does not say otherwise."""
    items: list[PhantomItem] = Field(min_length=1)
    """The items to make, one or more."""


class DataItem(Strict):
    """Files of one item."""

    id: ItemId
    """Identifier of the item, unique in the input."""
    files: dict[Name, str] = Field(min_length=1)
    """Paths relative to the data folder, by the names that references use."""


class DataInput(Strict):
    """Files from the data folder (MYOREPRO_DATA), which may be missing: then the case is not run, and says so."""

    kind: Literal["data"]
    """Marks an input that lies in the data folder."""
    source: str
    """Where the files come from and under which licence."""
    items: list[DataItem] = Field(min_length=1)
    """The items and their files, one or more."""


Input = Annotated[PhantomInput | DataInput, Field(discriminator="kind")]


class StageStep(Strict):
    """Call a stage on every item."""

    kind: Literal["stage"]
    """Marks a step that a stage does."""
    stage: Name
    """Name of the stage."""
    inputs: dict[str, Reference] = Field(min_length=1)
    """Where each input of the stage comes from, by the stage's input names."""
    facts_from: Name | None = None
    """The phantom input whose items' facts the stage is given; None where it is given none."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Parameters of the stage; those not given keep its defaults."""
    seed: int = Field(default=0, ge=0)
    """Start of the stage's random draws."""

    def references(self) -> list[str]:
        return list(self.inputs.values())


class TruthLabels(Strict):
    """Sample the phantom's true labels on the grid of an earlier output. Gives `labels`."""

    kind: Literal["truth_labels"]
    """Marks the step that samples a phantom's true labels."""
    of: Name
    """The phantom input whose truth is sampled."""
    grid: Reference
    """The volume whose grid the labels are sampled on."""

    def references(self) -> list[str]:
        return [self.grid]


class TruthVolume(Strict):
    """The image that a right fusion gives, on the grid of an earlier output. Gives `volume`.

    Only of a phantom that knows every voxel (`dixon_ramp`).
    """

    kind: Literal["truth_volume"]
    """Marks the step that makes a phantom's true image."""
    of: Name
    """The phantom input whose truth is sampled."""
    grid: Reference
    """The volume whose grid the image is sampled on."""
    contrast: Name
    """The contrast that is made, by its name in the phantom."""
    fault: Name = "none"
    """Name of the fault that the image has, to prove that a comparison sees it; `none` for the right image."""

    def references(self) -> list[str]:
        return [self.grid]


class MutateLabels(Strict):
    """Seed one fault into a label map. Gives `labels`."""

    kind: Literal["mutate_labels"]
    """Marks the step that seeds a fault into labels."""
    labels: Reference
    """The label map that is changed."""
    fault: Name
    """Name of the fault that is seeded."""

    def references(self) -> list[str]:
        return [self.labels]


class SpoiledItem(Strict):
    """A copy of a good input with one fault, which the stage that reads it must refuse.

    An item without a fault must give a result among the bad ones.
    """

    id: ItemId
    """Identifier of the new item."""
    fault: Name | None = None
    """Name of the fault that the copy gets; None for an unchanged copy."""
    error: str | None = None
    """Regular expression that the stage's error line must match; None exactly where there is no fault."""

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
    """The good item that the bad ones are made of."""
    items: list[SpoiledItem] = Field(min_length=1)
    """The items to make, one or more."""


class SpoilDicom(Spoil):
    """Make bad inputs of one item's zip, by `phantoms.corrupt.dicom`. Gives `dicom_zip`."""

    kind: Literal["spoil_dicom"]
    """Marks the step that spoils a zip of DICOM files."""
    source: Reference
    """The good zip."""

    def sources(self) -> dict[str, str]:
        return {"source": self.source}

    def references(self) -> list[str]:
        return [self.source]


class SpoilBack(Spoil):
    """Make bad inputs of one item's image of the back and its labels, by `phantoms.corrupt.back`. Gives both."""

    kind: Literal["spoil_back"]
    """Marks the step that spoils an image of the back."""
    image: Reference
    """The good T2-weighted volume."""
    labels: Reference
    """The good label map on the volume's grid."""

    def sources(self) -> dict[str, str]:
        return {"image": self.image, "labels": self.labels}

    def references(self) -> list[str]:
        return [self.image, self.labels]


class Collect(Strict):
    """Put a step's metrics and the phantom's truth into two tables with equal columns and rows.

    Gives one item, `cohort`, with `measured` and `expected`; items without a result are left out of both and named in
    the record's warnings.
    """

    kind: Literal["collect"]
    """Marks the step that collects metrics into tables."""
    step: Name
    """The step whose metrics are collected."""
    truth: Name
    """The phantom input that has the true values."""
    metrics: list[str] = Field(min_length=1)
    """Families (`volume_cm3.*`: a row for each item and structure) or single names (a row for each item)."""
    truth_names: dict[str, str] = Field(default_factory=dict)
    """Base name of a true value by base name of the metric, where they differ."""
    leave_out: list[str] = Field(default_factory=list)
    """Structures that get no row."""

    def references(self) -> list[str]:
        return [f"{self.step}.record"]


class Condition(Strict):
    """A way in which a stage was run.

    Items that a preset does not have are left out of it; a condition without any is not in it.
    """

    effect: str = Field(min_length=1)
    """What is varied, in words."""
    level: str = Field(min_length=1)
    """How far it is varied, in words."""
    step: Name
    """The stage step that was run under the condition."""
    items: list[ItemId] = Field(min_length=1)
    """The items of that step that were run under the condition."""


class Sensitivity(Strict):
    """Put a stage's errors against the phantom's truth side by side for several conditions.

    The steps are of stages, with `facts_from`: that phantom has the truth. Gives one item, `cohort`, with `errors`
    (JSON).
    """

    kind: Literal["sensitivity"]
    """Marks the step that compares errors between conditions."""
    metrics: list[str] = Field(min_length=1)
    """Single names of the metrics whose errors are shown."""
    truth_names: dict[str, str] = Field(default_factory=dict)
    """Base name of a true value by base name of the metric, where they differ."""
    conditions: list[Condition] = Field(min_length=2)
    """The conditions, two or more; the first is the one that others are compared with."""

    def references(self) -> list[str]:
        return [f"{step}.record" for step in dict.fromkeys(condition.step for condition in self.conditions)]


class ImportNifti(Strict):
    """NIfTI files to NRRD in LPS. Gives the names of `volumes` and `masks`."""

    kind: Literal["import_nifti"]
    """Marks the step that imports NIfTI files."""
    volumes: dict[Name, Reference] = Field(min_length=1)
    """The images, by the names that they get."""
    masks: dict[Name, Reference] = Field(default_factory=dict)
    """Masks by their names, sampled by nearest neighbour in world coordinates on the grid of the volume `grid`."""
    grid: Name
    """Name of the volume in `volumes` whose grid the masks are sampled on."""
    structure: str = "region"
    """Name of the structure that a mask's values above 0 become."""

    def references(self) -> list[str]:
        return [*self.volumes.values(), *self.masks.values()]


class Compare(Strict):
    """Put the records of two steps side by side, number by number.

    Gives `differences` (JSON) and, as metrics, how far they agree for each quantity.
    """

    kind: Literal["compare"]
    """Marks the step that compares two records."""
    left: Name
    """The first step."""
    right: Name
    """The second step, on the same items."""
    leave_out: list[str] = Field(default_factory=list)
    """Patterns of metrics that cannot be compared (other random numbers), which are counted; the case says why."""

    def references(self) -> list[str]:
        return [f"{self.left}.record", f"{self.right}.record"]


class Estimate(Strict):
    """Metrics of a stage that estimate a phantom's truth of the same name, with one kind of interval."""

    quantity: Name
    """Part of the metrics' names before the first dot."""
    names: list[str] = Field(min_length=1)
    """Patterns of what follows the quantity (`*.pa_third:high`); each true value that matches is a row."""
    standard_error: Name | None = None
    """Quantity that has the standard errors; None where the stage gives none."""
    low: Name | None = None
    """Quantity that has the lower ends of the intervals; None where the stage gives none."""
    high: Name | None = None
    """Quantity that has the upper ends of the intervals; None where the stage gives none."""
    interval: Literal["reported", "normal"] = "reported"
    """`reported`: the stage's own ends; `normal`: estimate and standard error with a normal quantile."""
    label: Name | None = None
    """What stands before the name in the simulation's metrics; None for nothing."""
    null: float = 0.0
    """The value that an interval must leave out to count for power, in `unit`."""
    exponentiate: bool = False
    """Whether the ratio of estimated to true odds ratio is given too, as `ratio`."""
    unit: str = "1"
    """Unit of the estimate; `1` for a pure number."""

    @model_validator(mode="after")
    def _normal_has_an_error(self) -> "Estimate":
        if self.interval == "normal" and self.standard_error is None:
            raise ValueError(f"interval normal of {self.quantity} needs standard_error")
        if (self.low is None) != (self.high is None):
            raise ValueError(f"{self.quantity} needs both low and high, or neither")
        return self


class Simulation(Strict):
    """Draws of a cohort phantom through a stage, and the performance of its estimates.

    Gives `simulation` (JSON) and `table` (CSV) for one item, `draws`.
    """

    kind: Literal["simulation"]
    """Marks a simulation step."""
    phantom: Name
    """Name of the cohort phantom that is drawn."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Parameters of the phantom, but for the seed."""
    full_parameters: dict[str, Any] = Field(default_factory=dict)
    """Parameters that join `parameters` in preset full."""
    levels: Reference | None = None
    """An earlier JSON output with a list `levels` of settings (id, parameters, facts) to draw at; None for one
    level."""
    stage: Name
    """Name of the stage that each draw goes through."""
    stage_parameters: dict[str, Any] = Field(default_factory=dict)
    """Parameters of the stage; those not given keep its defaults."""
    inputs: dict[Name, Name] = Field(min_length=1)
    """Output of the phantom by input of the stage."""
    draws: int = Field(ge=2)
    """How many draws at each level; `myorepro simulate --draws N` takes another number."""
    first_seed: int = Field(ge=0)
    """Seed of the first draw; the others follow by ones."""
    confidence: float = Field(default=0.95, gt=0, lt=1)
    """Level of the intervals whose coverage is counted, as a share."""
    estimates: list[Estimate] = Field(min_length=1)
    """The estimates whose performance is summarised, one or more."""

    def references(self) -> list[str]:
        return [self.levels] if self.levels else []


BuiltinStep = (
    TruthLabels | TruthVolume | MutateLabels | SpoilDicom | SpoilBack | Collect | Sensitivity | ImportNifti | Compare
)
"""What the harness does itself, in one task an item."""

Step = Annotated[StageStep | BuiltinStep | Simulation, Field(discriminator="kind")]
