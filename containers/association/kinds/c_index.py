"""Kind `c_index`: concordance of a model's predictions, with DeLong's and a bootstrap interval (nako_cbp)."""

from typing import Literal

import numpy as np
from pydantic import Field

from containers.association.kinds._analysis import Analysis
from containers.association.kinds._models import MODEL, Model, fit_fixed_effects
from containers.association.measures.c_index import bootstrap_c, concordance_index, percentile_interval
from containers.association.measures.draws import draws_sha256
from containers.association.measures.resampling import CovariatePatterns
from containers.association.report import CohortReport
from containers.toolkit.tables.cohort.columns import Cohort


class CIndexAnalysis(Analysis):
    """Discrimination of a model's score."""

    kind: Literal["c_index"]
    """Marks a c-index."""
    model: Model
    """The model whose fixed effects are the score."""
    resamples: int = Field(default=1000, ge=0, le=100_000)
    """Bootstrap resamples of the rows for the interval, with the score kept; 0 leaves them out."""
    seed: int = Field(default=0, ge=0)
    """Start of the random draws."""

    example = ({"id": "c", "kind": "c_index", "model": MODEL, "resamples": 20},)

    def run(self, cohort: Cohort, report: CohortReport) -> None:
        """Put c_index with its standard error and DeLong interval, and the interval's ends by bootstrap.

        c_index_low and c_index_high with the term `bootstrap` are percentiles over resamples of rows. Raises ItemFault.
        """
        fit = fit_fixed_effects(self.model, cohort, report)
        y, level = fit.data.y, self.model.level
        patterns = CovariatePatterns.of(fit.data.design.matrix, y)
        score = patterns.of_rows(fit.coefficients @ patterns.columns)
        index = concordance_index(score, y, level)
        one = "one event or non-event: no variance"
        notes = dict.fromkeys(("low", "high"), one) if np.isnan(index.standard_error) else {}
        report.put_interval("c_index", index.c, (index.low, index.high), notes=notes)
        report.put("c_index_se", index.standard_error, note=notes.get("low", ""))
        if not self.resamples:
            return
        values = bootstrap_c(score, y, self.seed, self.resamples)
        used = int(np.isfinite(values).sum())
        note = "" if used else "every resample has one outcome only"
        for side, end in zip(("low", "high"), percentile_interval(values, level), strict=True):
            report.put(f"c_index_{side}", end, term="bootstrap", note=note)
        drawn = draws_sha256(self.seed, self.resamples, len(y))
        report.attach("bootstrap", {"resamples": self.resamples, "used": used, "draws_sha256": drawn})
