"""Kind `trend`: trend of a proportion over ordered groups, by the standard test and as ukb_thigh prints it."""

from typing import Literal

import numpy as np
from pydantic import Field

from containers.association.kinds._analysis import Analysis
from containers.association.kinds._rows import whole_and_strata
from containers.association.measures.trend import DIFFERENCE, cochran_armitage, trend_as_printed
from containers.association.report import CohortReport
from containers.contract.request import Finite
from containers.toolkit.tables.cohort.columns import Cohort


class TrendAnalysis(Analysis):
    """Trend of an event's share over ordered groups."""

    kind: Literal["trend"]
    """Marks a test for trend."""
    outcome: str
    """Category of two levels, of which the second is the event."""
    by: str
    """Category of the groups, with its levels in order."""
    weights: tuple[Finite, ...] | None = None
    """Score of each level of `by` that `restrict` leaves; None for 1, 2, 3 and so on."""
    restrict: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Levels whose rows are kept, by category; empty for all rows."""
    strata: str | None = None
    """Category whose levels get a test each, besides the whole; None for the whole only."""

    example = ({"id": "trend", "kind": "trend", "outcome": "pain", "by": "age_group", "strata": "sex"},)

    def run(self, cohort: Cohort, report: CohortReport) -> None:
        """Put n, events, and trend_z, p and log10_p with the terms `standard` and `as_printed`. Raises ItemFault."""
        columns = (self.outcome, self.by)
        for stratum, rows in whole_and_strata(cohort, columns, report, self.restrict, self.strata, self.outcome):
            y, column = rows.binary(self.outcome), rows.category(self.by)
            n = np.bincount(column.codes, minlength=len(column.levels)).astype(np.float64)
            events = np.bincount(column.codes, weights=y, minlength=len(column.levels)).astype(np.float64)
            of = f" in stratum {stratum}" if stratum else ""
            if (n == 0).any():
                level = column.levels[int(np.argmin(n))]
                raise report.fault(f"no row has level {level!r}{of}", column=self.by, fix="restrict it to the others")
            weights = np.array(self.weights or range(1, len(n) + 1), dtype=np.float64)
            if len(weights) != len(n):
                raise report.fault(f"{len(weights)} weights for {len(n)} levels", column=self.by, fix="give one each")
            report.count("n", rows.size, stratum=stratum)
            report.count("events", int(events.sum()), of=rows.size, stratum=stratum)
            try:
                tests = {
                    "standard": cochran_armitage(events, n, weights),
                    "as_printed": trend_as_printed(events, n, weights),
                }
            except ValueError as error:
                raise report.fault(f"{error}{of}", column=self.outcome, fix="take the analysis out") from error
            for term, test in tests.items():
                note = DIFFERENCE if term == "as_printed" else ""
                report.put("trend_z", test.z, stratum=stratum, term=term, note=note)
                report.put("p", test.p, stratum=stratum, term=term, note=note)
                report.put("log10_p", test.log10_p, stratum=stratum, term=term, note=note)
