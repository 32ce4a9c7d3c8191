"""analyses.json as checked models: what may be asked, with defaults (README: analyses.json).

Invariants: unknown fields are errors; analysis ids are unique; whatever names a column is checked against the
dictionary later, when the table is read.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from containers.contract.request import Strict
from containers.meta_analysis.measures.smd import VarianceType
from containers.meta_analysis.models.two_level import Method
from containers.toolkit.tables.cohort.exclusions import Exclusion
from containers.toolkit.tables.cohort.json_input import Name

Restrict = dict[str, list[str]]
Terms = list[str]
Level = Annotated[float, Field(gt=0, lt=1)]


class Direction(Strict):
    """Where the sign of the effect is turned."""

    column: str
    """The category that says where the sign is turned."""
    flip: list[str] = Field(min_length=1)
    """Its levels at which the sign is turned."""


class Bilateral(Strict):
    """How left and right are averaged."""

    side: str
    """The category that says which side a row is of."""
    levels: tuple[str, str] = ("left", "right")
    """Its levels for the left and for the right side."""
    by: Terms = Field(default_factory=list)
    """Columns in which both rows of a pair agree, besides the study."""
    correlation: Annotated[float, Field(ge=-1, le=1)]
    """Correlation between the two sides."""
    of: Literal["summaries", "effects"]
    """Whether means and SDs (`summaries`) or effects and their variances (`effects`) are averaged."""


Columns = str | list[str]


class EffectsSpec(Strict):
    """How the effect and its variance come from the table."""

    study: str
    """Column that says which study a row is from: the third level, and the cluster of robust variances."""
    measure: Literal["smd", "given"]
    """`smd`: standardised mean difference of two groups; `given`: effects that the table has."""
    mean_1: Columns | None = None
    """Means of the first group; a list of columns is of groups that are combined first; None with `given`."""
    sd_1: Columns | None = None
    """Standard deviations of the first group, one column for each of `mean_1`; None with `given`."""
    n_1: Columns | None = None
    """Numbers of persons of the first group, one column for each of `mean_1`; None with `given`."""
    mean_2: Columns | None = None
    """Means of the second group; a list of columns is of groups that are combined first; None with `given`."""
    sd_2: Columns | None = None
    """Standard deviations of the second group, one column for each of `mean_2`; None with `given`."""
    n_2: Columns | None = None
    """Numbers of persons of the second group, one column for each of `mean_2`; None with `given`."""
    variance_type: VarianceType = "LS"
    """How the variance of a standardised mean difference is computed, by its name in metafor's `escalc`."""
    effect: str | None = None
    """Column of given effects, with `smd` for rows without means; None where the table has none."""
    standard_error: str | None = None
    """Column of their standard errors; None where there are none or `variance` is given."""
    variance: str | None = None
    """Column of their variances; None where there are none or `standard_error` is given."""
    direction: Direction | None = None
    """Where the sign of the effect is turned; None for nowhere."""
    bilateral: Bilateral | None = None
    """How left and right are averaged; None where they stay apart."""

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
    """Number or category columns; a category becomes indicators against its first level."""
    interactions: list[Terms] = Field(default_factory=list)
    """Products of moderators, as lists of columns."""
    scale: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(default_factory=dict)
    """Units of a number column that its coefficient is for; 1 where not named."""


class ThreeLevelModel(Moderated):
    """Fields of a three-level model."""

    method: Literal["REML", "ML"] = "REML"
    """Restricted (REML) or full (ML) maximum likelihood."""
    variances: list[Literal["between", "within"]] = Field(default=["between", "within"], min_length=1, max_length=2)
    """Which variances are estimated: between studies, within studies, or both."""
    test: Literal["z", "t"] = "z"
    """Reference distribution of the coefficients: normal, or Student's t."""
    sampling_correlation: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Correlation of the sampling errors of one study's effects."""


class TwoLevelModel(Moderated):
    """Fields of a two-level model with moderators."""

    method: Method = "REML"
    """Estimator of the variance between effects."""
    test: Literal["z", "knha"] = "z"
    """Reference of the coefficients: normal, or Student's t after Knapp and Hartung."""


class Analysis(Strict):
    """Fields of every analysis."""

    id: Name
    """Name of the analysis in the metrics, unique in the file."""
    description: str = ""
    """What the analysis is for, for people; empty where nothing is said."""
    restrict: Restrict = Field(default_factory=dict)
    """Levels whose rows are kept, by category; empty for all rows."""
    level: Level = 0.95
    """Confidence level of the intervals, as a share."""


class EffectsAnalysis(Analysis):
    """Each effect with its interval."""

    kind: Literal["effects"]
    """Marks a list of the effects themselves."""


class Pooled(Analysis):
    """One mean of all effects, taken as independent."""

    kind: Literal["pooled"]
    """Marks one pooled mean."""
    method: Method = "REML"
    """Estimator of the variance between effects; `FE` for none."""
    test: Literal["z", "knha"] = "z"
    """Reference of the mean: normal, or Student's t after Knapp and Hartung."""
    prediction: Literal["default", "riley"] = "default"
    """Quantile of the prediction interval: as metafor takes it, or Riley's t with k - 2 degrees of freedom."""
    strata: str | None = None
    """Category whose levels get a mean each, besides the whole; None for the whole only."""


class Subgroups(Analysis):
    """One mean per subgroup, and the test between them."""

    kind: Literal["subgroups"]
    """Marks subgroups."""
    method: Method = "REML"
    """Estimator of the variance between effects; `FE` for none."""
    test: Literal["z", "knha"] = "z"
    """Reference of the means: normal, or Student's t after Knapp and Hartung."""
    prediction: Literal["default", "riley"] = "default"
    """Quantile of the prediction interval: as metafor takes it, or Riley's t with k - 2 degrees of freedom."""
    by: Columns
    """The category of the subgroups, or several whose levels are combined."""
    tau2: Literal["separate", "common"] = "separate"
    """Whether each subgroup has a variance of its own or all share one."""


class MetaRegression(Analysis, TwoLevelModel):
    """Two-level mixed-effects model with moderators."""

    kind: Literal["meta_regression"]
    """Marks a meta-regression."""
    strata: str | None = None
    """Category whose levels get a model each, besides the whole; None for the whole only."""


class ThreeLevel(Analysis, ThreeLevelModel):
    """Random effects of study and of effect within study."""

    kind: Literal["three_level"]
    """Marks a three-level model."""
    strata: str | None = None
    """Category whose levels get a model each, besides the whole; None for the whole only."""


class LikelihoodRatio(Analysis):
    """Comparison of two nested three-level models on the same rows."""

    kind: Literal["likelihood_ratio"]
    """Marks a likelihood-ratio test."""
    full: ThreeLevelModel
    """The larger model."""
    reduced: ThreeLevelModel
    """The smaller model, which the larger one contains."""


class VifThreeLevel(ThreeLevelModel):
    """A three-level model whose terms are judged."""

    kind: Literal["three_level"]
    """Marks a three-level model."""


class VifTwoLevel(TwoLevelModel):
    """A two-level model whose terms are judged."""

    kind: Literal["meta_regression"]
    """Marks a meta-regression."""


class Vif(Analysis):
    """Variance inflation from the covariance of the coefficients."""

    kind: Literal["vif"]
    """Marks a table of variance inflation."""
    model: Annotated[VifThreeLevel | VifTwoLevel, Field(discriminator="kind")]
    """The model whose terms are judged."""


Reading = Literal["independent", "che", "correlated_effects"]


class Robust(Analysis, Moderated):
    """Cluster-robust variances (CR2) with Satterthwaite degrees of freedom; the clusters are the studies."""

    kind: Literal["robust"]
    """Marks robust variances."""
    rho: Annotated[float, Field(ge=0, lt=1)] = 0.7
    """Correlation of one study's effects that the working models assume."""
    readings: list[Reading] = Field(default=["independent", "che", "correlated_effects"], min_length=1)
    """Working models that are tried, as the README defines them."""
    method: Literal["REML", "ML"] = "REML"
    """Restricted (REML) or full (ML) maximum likelihood of the working models."""
    variances: list[Literal["between", "within"]] = Field(default=["between", "within"], min_length=1, max_length=2)
    """Which variances the working models have: between studies, within studies, or both."""


class Egger(Analysis, Moderated):
    """Regression on the standard error."""

    kind: Literal["egger"]
    """Marks Egger's regression."""
    levels: Literal[2, 3] = 2
    """Levels of the model: 2, or 3 with effects within studies."""
    method: Method = "REML"
    """Estimator of the variances; with 3 levels REML or ML."""
    test: Literal["z", "knha", "t"] = "z"
    """Reference of the coefficients: normal, Knapp and Hartung's t (2 levels) or Student's t (3 levels)."""
    strata: str | None = None
    """Category whose levels get a test each, besides the whole; None for the whole only."""

    @model_validator(mode="after")
    def _fits_levels(self) -> "Egger":
        if self.levels == 3 and (self.method not in ("REML", "ML") or self.test == "knha"):
            raise ValueError("with 3 levels method is REML or ML, test z or t")
        if self.levels == 2 and self.test == "t":
            raise ValueError("with 2 levels test is z or knha")
        return self


class TrimAndFill(Analysis):
    """Duval and Tweedie's trim and fill."""

    kind: Literal["trim_and_fill"]
    """Marks trim and fill."""
    estimator: Literal["L0", "R0"] = "L0"
    """Estimator of the number of effects that are missing."""
    side: Literal["auto", "left", "right"] = "auto"
    """Side on which effects are missing; `auto` takes it from the slope on the standard error."""
    method: Method = "REML"
    """Estimator of the variance between effects; `FE` for none."""
    test: Literal["z", "knha"] = "z"
    """Reference of the mean: normal, or Student's t after Knapp and Hartung."""
    prediction: Literal["default", "riley"] = "default"
    """Quantile of the prediction interval: as metafor takes it, or Riley's t with k - 2 degrees of freedom."""
    strata: str | None = None
    """Category whose levels get a result each, besides the whole; None for the whole only."""


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
    """Version of the file's form."""
    exclusions: list[Exclusion] = Field(default_factory=list)
    """Conditions that rows must meet, in the order in which they are applied."""
    effects: EffectsSpec | None = None
    """How an effect comes from the table; None in a file without analyses."""
    analyses: list[AnyAnalysis] = Field(default_factory=list)
    """The analyses, in the order in which they are run."""

    @model_validator(mode="after")
    def _whole(self) -> "Analyses":
        for part in (self.exclusions, self.analyses):
            ids = [one.id for one in part]
            if doubled := next((one for one in ids if ids.count(one) > 1), None):
                raise ValueError(f"id {doubled!r} is given twice")
        if self.analyses and self.effects is None:
            raise ValueError("analyses need effects, which say how an effect comes from the table")
        return self
