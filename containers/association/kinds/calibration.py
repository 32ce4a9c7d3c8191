"""Kind `calibration`: bootstrap calibration curve of a logistic model, and its calibration line (nako_cbp, Results)."""

import math
from typing import Literal

from containers.association.kinds._models import MODEL, fit_fixed_effects
from containers.association.kinds._resamples import ResamplingFields, describe_resamples
from containers.association.measures.calibration import calibration_curve
from containers.association.measures.resampling import CovariatePatterns, recalibration
from containers.association.report import CohortReport
from containers.toolkit.tables.cohort.arrays import FloatArray
from containers.toolkit.tables.cohort.columns import Cohort

TAUTOLOGY = (
    "apparent: on the data that the model was fitted to, maximum likelihood gives intercept 0 and slope 1 whatever the"
    " model, so this says nothing about calibration; see the term corrected"
)


class CalibrationAnalysis(ResamplingFields):
    """Calibration of a model, corrected for optimism by resampling."""

    kind: Literal["calibration"]
    """Marks a calibration."""

    example = ({"id": "curve", "kind": "calibration", "model": MODEL, "resamples": 20},)

    def run(self, cohort: Cohort, report: CohortReport) -> None:
        """Put calibration_intercept and _slope, apparent and corrected, and calibration_error_mean. Raises ItemFault.

        results.json gets the curve: predicted probability, apparent and corrected share.
        """
        fit = fit_fixed_effects(self.model, cohort, report)
        x, y = fit.data.design.matrix, fit.data.y
        try:
            curve = calibration_curve(x, y, fit.coefficients, self.seed, self.resamples)
        except ValueError as error:
            raise report.fault(str(error), fix="give more rows, or a model of fewer terms") from error
        patterns = CovariatePatterns.of(x, y)
        apparent = recalibration(fit.coefficients @ patterns.columns, patterns.trials, patterns.events)
        pairs = {"apparent": apparent or (math.nan, math.nan), "corrected": (curve.intercept, curve.slope)}
        for term, line in pairs.items():
            note = (
                TAUTOLOGY if term == "apparent" else "no resample has a calibration line" if math.isnan(line[0]) else ""
            )
            for quantity, value in zip(("calibration_intercept", "calibration_slope"), line, strict=True):
                report.put(quantity, value, term=term, note=note)
        short = "fewer than two places of the curve are known" if math.isnan(curve.mean_error) else ""
        report.put("calibration_error_mean", curve.mean_error, note=short)
        report.attach(
            "curve",
            {
                "predicted": _known(curve.predicted),
                "apparent": _known(curve.apparent),
                "corrected": _known(curve.corrected),
                "resamples_used": curve.used.tolist(),
                "mean_squared_error": None if short else curve.mean_squared_error,
                "p90_absolute_error": None if short else curve.p90_error,
            },
        )
        report.attach("bootstrap", describe_resamples(self, curve.fitted, len(y), report))


def _known(values: FloatArray) -> list[float | None]:
    return [float(value) if math.isfinite(value) else None for value in values]
