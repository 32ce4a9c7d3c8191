"""Kind `optimism`: Harrell's bootstrap validation of a logistic model."""

from typing import Literal

from containers.association.kinds._models import fit_fixed_effects
from containers.association.kinds._resamples import Resampled, told
from containers.association.measures.resampling import harrell_optimism
from containers.association.report import Report
from containers.toolkit.tables.cohort.columns import Cohort


class Spec(Resampled):
    """Optimism of a model's discrimination and calibration, by resampling."""

    kind: Literal["optimism"]
    """Marks a correction for optimism."""


def run(analysis: Spec, cohort: Cohort, report: Report) -> None:
    """Put c_index, optimism, c_index_corrected, corrected calibration_intercept and _slope. Raises ItemFault."""
    fit = fit_fixed_effects(analysis.model, cohort, report)
    x, y = fit.data.design.matrix, fit.data.y
    try:
        found = harrell_optimism(x, y, fit.coefficients, analysis.seed, analysis.resamples)
    except ValueError as error:
        raise report.fault(str(error), mend="give more rows, or a model of fewer terms") from error
    report.put("c_index", found.apparent)
    report.put("optimism", found.optimism)
    report.put("c_index_corrected", found.corrected)
    report.put("calibration_intercept", found.intercept, term="corrected")
    report.put("calibration_slope", found.slope, term="corrected")
    report.tell("bootstrap", told(analysis, found.fitted, len(y), report))
