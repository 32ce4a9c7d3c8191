"""Fields that analyses share: the models that they state."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from containers.contract.request import Strict
from containers.meta_analysis.models.two_level import Method

if TYPE_CHECKING:
    pass

Restrict = dict[str, list[str]]
Terms = list[str]
Level = Annotated[float, Field(gt=0, lt=1)]


class ModeratorFields(Strict):
    """Fields of a model with moderators."""

    moderators: Terms = Field(default_factory=list)
    """Number or category columns; a category becomes indicators against its first level."""
    interactions: list[Terms] = Field(default_factory=list)
    """Products of moderators, as lists of columns."""
    scale: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(default_factory=dict)
    """Units of a number column that its coefficient is for; 1 where not named."""


class ThreeLevelModel(ModeratorFields):
    """Fields of a three-level model."""

    method: Literal["REML", "ML"] = "REML"
    """Restricted (REML) or full (ML) maximum likelihood."""
    variances: list[Literal["between", "within"]] = Field(default=["between", "within"], min_length=1, max_length=2)
    """Which variances are estimated: between studies, within studies, or both."""
    test: Literal["z", "t"] = "z"
    """Reference distribution of the coefficients: normal, or Student's t."""
    sampling_correlation: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Correlation of the sampling errors of one study's effects."""


class TwoLevelModel(ModeratorFields):
    """Fields of a two-level model with moderators."""

    method: Method = "REML"
    """Estimator of the variance between effects."""
    test: Literal["z", "knha"] = "z"
    """Reference of the coefficients: normal, or Student's t after Knapp and Hartung."""
