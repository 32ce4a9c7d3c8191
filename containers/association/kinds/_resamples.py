"""What the kinds that refit a logistic model on resamples share."""

from typing import Any

from pydantic import Field

from containers.association.kinds._analysis import Analysis
from containers.association.kinds._models import LogisticModel
from containers.association.measures.draws import draws_sha256
from containers.association.report import CohortReport


class ResamplingFields(Analysis):
    """What the kinds share that draw rows again and refit the model."""

    model: LogisticModel
    """The logistic model that is fitted on the rows and on each resample."""
    resamples: int = Field(default=1000, ge=1, le=100_000)
    """Number of bootstrap resamples of the rows."""
    seed: int = Field(default=0, ge=0)
    """Start of the random draws."""


def describe_resamples(analysis: ResamplingFields, fitted: int, rows: int, report: CohortReport) -> dict[str, Any]:
    """How many resamples there were, how many could be fitted, and which rows they drew; warns of those left out."""
    lost = analysis.resamples - fitted
    if lost:
        report.warn(f"{lost} of {analysis.resamples} resamples have no maximum likelihood fit and are left out")
    drawn = draws_sha256(analysis.seed, analysis.resamples, rows)
    return {"resamples": analysis.resamples, "fitted": fitted, "draws_sha256": drawn}
