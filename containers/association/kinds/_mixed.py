"""A logistic model with random intercepts of prepared data: its fields, its groups, and the fit."""

import numpy as np
from pydantic import Field, model_validator

from containers.association.data.model_data import ModelData
from containers.association.fields import ModelFields
from containers.association.kinds._fits import fit_model
from containers.association.models.mixed_logistic import MixedLogisticFit, fit_mixed_logistic
from containers.association.models.quadrature import MAX_NODES
from containers.association.report import CohortReport
from containers.toolkit.tables.cohort.arrays import FloatArray


class MixedFields(ModelFields):
    """What a logistic regression with random intercepts states."""

    group: str
    """Category whose levels have a random intercept each; it is not a term."""
    nodes: int = Field(default=1, ge=1, le=MAX_NODES)
    """Points of the adaptive quadrature: 1 is Laplace's approximation."""

    @model_validator(mode="after")
    def _group_is_apart(self) -> "MixedFields":
        if self.group in (self.outcome, *self.terms):
            raise ValueError(f"group {self.group!r} is also the outcome or a term")
        return self


def group_sizes(fields: MixedFields, data: ModelData, report: CohortReport) -> dict[str, tuple[int, int]]:
    """Rows and events of each level of the group column that has rows. Raises ItemFault for one only."""
    column = data.cohort.category(fields.group)
    rows = np.bincount(column.codes, minlength=len(column.levels))
    events = np.bincount(column.codes, data.y, minlength=len(column.levels))
    sizes = {level: (int(rows[k]), int(events[k])) for k, level in enumerate(column.levels) if rows[k]}
    if len(sizes) < 2:
        of = f" in stratum {data.stratum}" if data.stratum else ""
        raise report.fault(
            f"has one group only{of} ({', '.join(sizes)}), and a random intercept needs at least two",
            column=fields.group,
            fix="use kind logistic",
        )
    return sizes


def fit_mixed(
    fields: MixedFields, data: ModelData, report: CohortReport
) -> tuple[MixedLogisticFit | None, dict[str, str]]:
    """The fit, or None where outcomes are separated, and then a note for every term.

    A direction that separates the outcomes does so whatever the intercepts are, so that the test of the plain
    regression holds here. Raises ItemFault for one group, and for a variance without a finite estimate.
    """
    group_sizes(fields, data, report)
    logistic = fit_model(data, report)
    if logistic.separation:
        apart = ", ".join(logistic.notes)
        return None, {
            name: logistic.notes.get(name, f"not estimated next to {apart}, which have no finite estimate")
            for name in data.design.names
        }
    return fit_columns(fields, data, report, data.design.matrix), {}


def fit_columns(fields: MixedFields, data: ModelData, report: CohortReport, x: FloatArray) -> MixedLogisticFit:
    """The fit of the columns x (n, p) to the rows of `data`. Raises ItemFault where it has no maximum."""
    fit = fit_mixed_logistic(x, data.y, data.cohort.category(fields.group).codes, fields.nodes)
    if fit.diverging:
        raise report.fault(
            "the variance of its intercepts has no finite estimate: (almost) all groups are without, or all, events",
            column=fields.group,
            fix="use larger groups, or kind logistic",
        )
    if not fit.converged:
        raise report.fault(
            f"mixed logistic fit does not settle in {fit.iterations} steps: its likelihood has no clear maximum",
            column=fields.group,
            fix="use fewer terms, or larger groups",
        )
    return fit
