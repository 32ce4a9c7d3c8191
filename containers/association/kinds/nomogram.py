"""Kind `nomogram`: points and axes of a model (nako_cbp, Fig. 2a), as R's rms draws them."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from containers.association.kinds._analysis import Analysis
from containers.association.kinds._models import MODEL, FixedEffects, Model, fit_fixed_effects
from containers.association.measures.nomogram import Variable, axis_values, nomogram
from containers.association.report import CohortReport
from containers.toolkit.tables.cohort.columns import Category, Cohort, Number


class NomogramAnalysis(Analysis):
    """Points of a logistic model's terms."""

    kind: Literal["nomogram"]
    """Marks a nomogram."""
    model: Model
    """The model, which has no interactions."""
    probabilities: tuple[Annotated[float, Field(gt=0.0, lt=1.0)], ...] = ()
    """Probabilities on the last axis, as shares; empty for R's pretty values."""

    example = ({"id": "points", "kind": "nomogram", "model": MODEL},)

    def run(self, cohort: Cohort, report: CohortReport) -> None:
        """Put points of each level, of each number (its end with the most) and of each probability. Raises ItemFault.

        Points of a probability are total points (term `probability:0.3`). results.json gets all axes. A mixed model's
        random intercept is taken as 0.
        """
        if self.model.interactions:
            raise report.fault(
                "a nomogram of a model with interactions has no single axis", fix="take interactions out"
            )
        fit = fit_fixed_effects(self.model, cohort, report)
        of_rows = fit.data.design.matrix @ fit.coefficients
        variables = _variables(fit, self.model.terms)
        ends = (float(of_rows.min()), float(of_rows.max()))
        try:
            chart = nomogram(float(fit.coefficients[0]), variables, ends, self.probabilities)
        except ValueError as error:
            raise report.fault(str(error), fix="give terms with an effect") from error
        axes = []
        for variable, points in zip(chart.variables, chart.points, strict=True):
            column = fit.data.cohort.column(variable.name)
            unit = column.unit if isinstance(column, Number) else "1"
            axis = {"variable": variable.name, "unit": unit, "values": list(variable.values), "points": points.tolist()}
            axes.append(axis)
            if isinstance(variable.values[0], str):
                for level, value in zip(variable.values, points, strict=True):
                    report.put("points", value, term=f"{variable.name}:{level}")
            else:
                report.put("points", points.max(), term=variable.name)
        totals = chart.total_points_of_probability(chart.probability_axis)
        for probability, total in zip(chart.probability_axis, totals, strict=True):
            report.put("points", total, term=f"probability:{probability:.12g}")
        on_predictor = chart.total_points(chart.predictor_axis)
        report.attach("axes", axes)
        report.attach("total_points", chart.total_axis.tolist())
        report.attach(
            "linear_predictor", {"values": chart.predictor_axis.tolist(), "total_points": on_predictor.tolist()}
        )
        report.attach("probability", {"values": chart.probability_axis.tolist(), "total_points": totals.tolist()})
        report.attach("points_per_unit_of_linear_predictor", chart.points_per_unit)
        report.attach("linear_predictor_at_zero_points", chart.predictor_at_zero)


def _variables(fit: FixedEffects, terms: tuple[str, ...]) -> list[Variable]:
    variables = []
    for name in terms:
        column, span = fit.data.cohort.column(name), fit.data.design.spans[name]
        coefficients = fit.coefficients[span]
        if isinstance(column, Category):
            variables.append(Variable(name, column.levels, np.concatenate([[0.0], coefficients])))
        else:
            values = axis_values(column.values)
            variables.append(Variable(name, tuple(values.tolist()), values * coefficients[0]))
    return variables
