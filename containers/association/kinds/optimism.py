"""Kind `optimism`: Harrell's bootstrap validation of a logistic model."""

from typing import Literal

from containers.association.kinds._models import MODEL, fit_fixed_effects
from containers.association.kinds._resamples import ResamplingFields, describe_resamples
from containers.association.measures.resampling import harrell_optimism
from containers.association.report import CohortReport
from containers.toolkit.tables.cohort.columns import Cohort


class OptimismAnalysis(ResamplingFields):
    """Optimism of a model's discrimination and calibration, by resampling."""

    kind: Literal["optimism"]
    """Marks a correction for optimism."""

    example = ({"id": "validated", "kind": "optimism", "model": MODEL, "resamples": 20},)

    def run(self, cohort: Cohort, report: CohortReport) -> None:
        """Put c_index, optimism, c_index_corrected, corrected calibration_intercept and _slope. Raises ItemFault."""
        fit = fit_fixed_effects(self.model, cohort, report)
        x, y = fit.data.design.matrix, fit.data.y
        try:
            validation = harrell_optimism(x, y, fit.coefficients, self.seed, self.resamples)
        except ValueError as error:
            raise report.fault(str(error), fix="give more rows, or a model of fewer terms") from error
        report.put("c_index", validation.apparent)
        report.put("optimism", validation.optimism)
        report.put("c_index_corrected", validation.corrected)
        report.put("calibration_intercept", validation.intercept, term="corrected")
        report.put("calibration_slope", validation.slope, term="corrected")
        report.attach("bootstrap", describe_resamples(self, validation.fitted, len(y), report))
