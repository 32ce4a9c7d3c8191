"""Kind `calibration`: bootstrap calibration curve of a logistic model, and its calibration line (nako_cbp, Results)."""

import math
from typing import Literal

from containers.association.kinds._models import MODEL, fit_fixed_effects
from containers.association.kinds._resamples import Resampled, describe_resamples
from containers.association.measures.calibration import calibration_curve
from containers.association.measures.resampling import Cells, recalibration
from containers.association.report import CohortReport
from containers.toolkit.tables.cohort.arrays import FloatArray
from containers.toolkit.tables.cohort.columns import Cohort

TAUTOLOGY = (
    "apparent: on the data that the model was fitted to, maximum likelihood gives intercept 0 and slope 1 whatever the"
    " model, so this says nothing about calibration; see the term corrected"
)


class CalibrationAnalysis(Resampled):
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
            found = calibration_curve(x, y, fit.coefficients, self.seed, self.resamples)
        except ValueError as error:
            raise report.fault(str(error), mend="give more rows, or a model of fewer terms") from error
        cells = Cells.of(x, y)
        apparent = recalibration(fit.coefficients @ cells.columns, cells.trials, cells.events)
        pairs = {"apparent": apparent or (math.nan, math.nan), "corrected": (found.intercept, found.slope)}
        for term, line in pairs.items():
            note = (
                TAUTOLOGY if term == "apparent" else "no resample has a calibration line" if math.isnan(line[0]) else ""
            )
            for quantity, value in zip(("calibration_intercept", "calibration_slope"), line, strict=True):
                report.put(quantity, value, term=term, note=note)
        short = "fewer than two places of the curve are known" if math.isnan(found.mean_error) else ""
        report.put("calibration_error_mean", found.mean_error, note=short)
        report.attach(
            "curve",
            {
                "predicted": _known(found.predicted),
                "apparent": _known(found.apparent),
                "corrected": _known(found.corrected),
                "resamples_used": found.used.tolist(),
                "mean_squared_error": None if short else found.mean_squared_error,
                "p90_absolute_error": None if short else found.p90_error,
            },
        )
        report.attach("bootstrap", describe_resamples(self, found.fitted, len(y), report))


def _known(values: FloatArray) -> list[float | None]:
    return [float(value) if math.isfinite(value) else None for value in values]
