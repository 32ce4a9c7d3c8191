"""A model inside another analysis: the field `model` of the kinds that need a fitted one."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, model_validator

from containers.association.data.model_data import ModelData, model_data
from containers.association.fields import ModelFields
from containers.association.kinds._fits import fit_model
from containers.association.kinds._mixed import MixedFields, fit_mixed
from containers.association.report import CohortReport
from containers.toolkit.tables.cohort.arrays import FloatArray
from containers.toolkit.tables.cohort.columns import Cohort


class InnerModel(ModelFields):
    """A model whose own odds ratios are not shown, so that `scale` has no place in it."""

    @model_validator(mode="after")
    def _no_scale(self) -> "InnerModel":
        if self.scale:
            raise ValueError("scale has no effect on a model inside another analysis: take it out")
        return self


class LogisticModel(InnerModel):
    """As an analysis of kind logistic, of the whole."""

    kind: Literal["logistic"]
    """Marks a logistic regression."""


class MixedModel(InnerModel, MixedFields):
    """As an analysis of kind mixed_logistic, of the whole."""

    kind: Literal["mixed_logistic"]
    """Marks a logistic regression with random intercepts."""


Model = Annotated[LogisticModel | MixedModel, Field(discriminator="kind")]

MODEL = {"kind": "logistic", "outcome": "pain", "terms": ["age_years", "bmi"]}
"""The model of the kinds' examples."""


@dataclass(frozen=True)
class FixedEffects:
    """The fixed effects of a fitted model."""

    data: ModelData
    """Rows and design that the model was fitted on."""
    coefficients: FloatArray
    """Coefficients, (p,), in the order of the design's columns."""
    covariance: FloatArray
    """Their covariance, (p, p)."""


def fit_fixed_effects(model: LogisticModel | MixedModel, cohort: Cohort, report: CohortReport) -> FixedEffects:
    """Fit the model on its complete cases (whose flow is this analysis'), and put n and events.

    Raises ItemFault, also where outcomes are separated, so that the covariance does not exist.
    """
    also = (model.group,) if isinstance(model, MixedModel) else ()
    data = model_data(model, cohort, report, also)
    report.count("n", data.y.size)
    report.count("events", data.events, of=data.y.size)
    if isinstance(model, MixedModel):
        mixed, notes = fit_mixed(model, data, report)
        if mixed:
            return FixedEffects(data, mixed.coefficients, mixed.covariance)
    else:
        logistic = fit_model(data, report)
        if not logistic.separation:
            return FixedEffects(data, logistic.fit.coefficients, logistic.fit.covariance)
        notes = logistic.notes
    term, note = next(iter(notes.items()))
    raise report.fault(f"{term}: {note}", fix="take the term out of the model")
