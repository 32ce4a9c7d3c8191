"""Kind `correlation`: Pearson's r of two numbers (ukb_thigh, Fig. 3 and Statistical analysis)."""

from typing import Literal

from pydantic import Field

from containers.association.fields import Level
from containers.association.kinds._analysis import Analysis
from containers.association.kinds._rows import varying, whole_and_strata
from containers.association.measures.correlation import pearson
from containers.association.report import CohortReport
from containers.toolkit.tables.cohort.columns import Cohort


class CorrelationAnalysis(Analysis):
    """Correlation of two numbers."""

    kind: Literal["correlation"]
    """Marks a correlation."""
    of: tuple[str, str]
    """The two numbers."""
    restrict: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Levels whose rows are kept, by category; empty for all rows."""
    strata: str | None = None
    """Category whose levels get a result each, besides the whole; None for the whole only."""
    level: Level = 0.95
    """Confidence level of the interval, as a share."""

    example = ({"id": "r", "kind": "correlation", "of": ["age_years", "bmi"], "strata": "sex"},)

    def run(self, cohort: Cohort, report: CohortReport) -> None:
        """Put n, correlation with Fisher's interval, t, df, p and log10_p. Raises ItemFault."""
        for stratum, rows in whole_and_strata(cohort, self.of, report, self.restrict, self.strata):
            x, y = (varying(rows, name, report, stratum) for name in self.of)
            correlation = pearson(x, y, self.level)
            report.count("n", rows.size, stratum=stratum)
            perfect = "the columns lie on a straight line" if correlation.t is None else ""
            why = perfect or ("an interval needs more than three rows" if correlation.low is None else "")
            notes = dict.fromkeys(("low", "high"), why)
            report.put_interval(
                "correlation", correlation.r, (correlation.low, correlation.high), stratum=stratum, notes=notes
            )
            small = report.shown(rows.size, at=("n", stratum, ""))[1]
            report.put("df", None if small else correlation.df, stratum=stratum, note=small)
            for quantity, value in {"t": correlation.t, "p": correlation.p, "log10_p": correlation.log10_p}.items():
                report.put(quantity, value, stratum=stratum, note=perfect)
