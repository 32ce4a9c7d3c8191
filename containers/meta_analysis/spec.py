"""analyses.json as checked models: what may be asked, with defaults (README: analyses.json).

Invariants: unknown fields are errors; analysis ids are unique; whatever names a column is checked against the
dictionary later, when the table is read.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from containers.contract.cohort.exclusions import Exclusion
from containers.contract.cohort.json_input import Name
from containers.contract.request import Strict
from containers.meta_analysis.smd import VarianceType
from containers.meta_analysis.two_level import Method

Restrict = dict[str, list[str]]
Terms = list[str]
Level = Annotated[float, Field(gt=0, lt=1)]


class Direction(Strict):
    """Where the sign of the effect is turned."""

    column: str
    flip: list[str] = Field(min_length=1)


class Bilateral(Strict):
    """How left and right are averaged."""

    side: str
    levels: tuple[str, str] = ("left", "right")
    by: Terms = Field(default_factory=list)
    correlation: Annotated[float, Field(ge=-1, le=1)]
    of: Literal["summaries", "effects"]


Columns = str | list[str]


class EffectsSpec(Strict):
    """How the effect and its variance come from the table."""

    study: str
    measure: Literal["smd", "given"]
    mean_1: Columns | None = None
    sd_1: Columns | None = None
    n_1: Columns | None = None
    mean_2: Columns | None = None
    sd_2: Columns | None = None
    n_2: Columns | None = None
    variance_type: VarianceType = "LS"
    effect: str | None = None
    standard_error: str | None = None
    variance: str | None = None
    direction: Direction | None = None
    bilateral: Bilateral | None = None

    @model_validator(mode="after")
    def _complete(self) -> "EffectsSpec":
        arms = [self.arm(1), self.arm(2)]
        if self.measure == "smd" and not all(arms):
            raise ValueError("measure smd needs mean_1, sd_1, n_1, mean_2, sd_2, n_2")
        if self.measure == "given" and (any(arms) or self.effect is None):
            raise ValueError("measure given needs effect with standard_error or variance, and takes no means")
        if (self.effect is not None) != ((self.standard_error is not None) + (self.variance is not None) == 1):
            raise ValueError("effect goes with one of standard_error and variance")
        if self.bilateral and self.bilateral.of == "summaries" and self.measure != "smd":
            raise ValueError("bilateral of summaries needs measure smd")
        return self

    def arm(self, number: int) -> list[tuple[str, str, str]]:
        """(mean, sd, n) columns of each group of an arm (1 or 2). Raises ValueError when the lists do not match."""
        parts = [getattr(self, f"{name}_{number}") for name in ("mean", "sd", "n")]
        if any(part is None for part in parts):
            return []
        lists = [[part] if isinstance(part, str) else part for part in parts]
        if len({len(part) for part in lists}) != 1 or not lists[0]:
            raise ValueError(f"mean_{number}, sd_{number} and n_{number} must have equally many columns")
        return [(mean, sd, n) for mean, sd, n in zip(*lists, strict=True)]


class Moderated(Strict):
    """Fields of a model with moderators."""

    moderators: Terms = Field(default_factory=list)
    interactions: list[Terms] = Field(default_factory=list)
    scale: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(default_factory=dict)


class ThreeLevelModel(Moderated):
    """Fields of a three-level model."""

    method: Literal["REML", "ML"] = "REML"
    variances: list[Literal["between", "within"]] = Field(default=["between", "within"], min_length=1, max_length=2)
    test: Literal["z", "t"] = "z"
    sampling_correlation: Annotated[float, Field(ge=0, lt=1)] = 0.0


class TwoLevelModel(Moderated):
    """Fields of a two-level model with moderators."""

    method: Method = "REML"
    test: Literal["z", "knha"] = "z"


class Analysis(Strict):
    """Fields of every analysis."""

    id: Name
    description: str = ""
    restrict: Restrict = Field(default_factory=dict)
    level: Level = 0.95


class EffectsAnalysis(Analysis):
    kind: Literal["effects"]


class Pooled(Analysis):
    kind: Literal["pooled"]
    method: Method = "REML"
    test: Literal["z", "knha"] = "z"
    prediction: Literal["default", "riley"] = "default"
    strata: str | None = None


class Subgroups(Analysis):
    kind: Literal["subgroups"]
    method: Method = "REML"
    test: Literal["z", "knha"] = "z"
    prediction: Literal["default", "riley"] = "default"
    by: Columns
    tau2: Literal["separate", "common"] = "separate"


class MetaRegression(Analysis, TwoLevelModel):
    kind: Literal["meta_regression"]
    strata: str | None = None


class ThreeLevel(Analysis, ThreeLevelModel):
    kind: Literal["three_level"]
    strata: str | None = None


class LikelihoodRatio(Analysis):
    kind: Literal["likelihood_ratio"]
    full: ThreeLevelModel
    reduced: ThreeLevelModel


class VifThreeLevel(ThreeLevelModel):
    kind: Literal["three_level"]


class VifTwoLevel(TwoLevelModel):
    kind: Literal["meta_regression"]


class Vif(Analysis):
    kind: Literal["vif"]
    model: Annotated[VifThreeLevel | VifTwoLevel, Field(discriminator="kind")]


Reading = Literal["independent", "che", "correlated_effects"]


class Robust(Analysis, Moderated):
    kind: Literal["robust"]
    rho: Annotated[float, Field(ge=0, lt=1)] = 0.7
    readings: list[Reading] = Field(default=["independent", "che", "correlated_effects"], min_length=1)
    method: Literal["REML", "ML"] = "REML"
    variances: list[Literal["between", "within"]] = Field(default=["between", "within"], min_length=1, max_length=2)


class Egger(Analysis, Moderated):
    kind: Literal["egger"]
    levels: Literal[2, 3] = 2
    method: Method = "REML"
    test: Literal["z", "knha", "t"] = "z"
    strata: str | None = None

    @model_validator(mode="after")
    def _fits_levels(self) -> "Egger":
        if self.levels == 3 and (self.method not in ("REML", "ML") or self.test == "knha"):
            raise ValueError("with 3 levels method is REML or ML, test z or t")
        if self.levels == 2 and self.test == "t":
            raise ValueError("with 2 levels test is z or knha")
        return self


class TrimAndFill(Analysis):
    kind: Literal["trim_and_fill"]
    estimator: Literal["L0", "R0"] = "L0"
    side: Literal["auto", "left", "right"] = "auto"
    method: Method = "REML"
    test: Literal["z", "knha"] = "z"
    prediction: Literal["default", "riley"] = "default"
    strata: str | None = None


AnyAnalysis = Annotated[
    EffectsAnalysis
    | Pooled
    | Subgroups
    | MetaRegression
    | ThreeLevel
    | LikelihoodRatio
    | Vif
    | Robust
    | Egger
    | TrimAndFill,
    Field(discriminator="kind"),
]


class Analyses(Strict):
    """analyses.json."""

    schema_version: Literal["1.0"]
    exclusions: list[Exclusion] = Field(default_factory=list)
    effects: EffectsSpec | None = None
    analyses: list[AnyAnalysis] = Field(default_factory=list)

    @model_validator(mode="after")
    def _whole(self) -> "Analyses":
        for part in (self.exclusions, self.analyses):
            ids = [one.id for one in part]
            if doubled := next((one for one in ids if ids.count(one) > 1), None):
                raise ValueError(f"id {doubled!r} is given twice")
        if self.analyses and self.effects is None:
            raise ValueError("analyses need effects, which say how an effect comes from the table")
        return self
