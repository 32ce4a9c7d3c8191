"""The base class of the kinds, and of those that pool effects."""

from abc import abstractmethod
from typing import Literal

from pydantic import Field

from containers.meta_analysis.data.effects import Effects
from containers.meta_analysis.fields import Level, Restrict
from containers.meta_analysis.models.two_level import Method
from containers.meta_analysis.report import EffectReport
from containers.toolkit.analyses import analysis


class Analysis(analysis.Analysis):
    """What every analysis of effects has."""

    restrict: Restrict = Field(default_factory=dict)
    """Levels whose rows are kept, by category; empty for all rows."""
    level: Level = 0.95
    """Confidence level of the intervals, as a share."""

    @abstractmethod
    def run(self, data: Effects, report: EffectReport) -> None:
        """Analyse the effects that are left after exclusions. Raises ItemFault."""


class PoolingFields(Analysis):
    """What the kinds that pool effects taken as independent share."""

    method: Method = "REML"
    """Estimator of the variance between effects; `FE` for none."""
    test: Literal["z", "knha"] = "z"
    """Reference of the mean: normal, or Student's t after Knapp and Hartung."""
    prediction: Literal["default", "riley"] = "default"
    """Quantile of the prediction interval: as metafor takes it, or Riley's t with k - 2 degrees of freedom."""
