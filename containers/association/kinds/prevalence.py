"""Kind `prevalence`: share with the event in all rows and in groups (ukb_thigh, Fig. 4: sarcopenia by age group).

Invariant: a share is shown only where its counts are.
"""

from typing import Literal

import numpy as np
from pydantic import Field

from containers.association.fields import Level
from containers.association.kinds._analysis import Analysis
from containers.association.kinds._rows import whole_and_strata
from containers.association.measures.prevalence import wilson_interval
from containers.association.report import CohortReport
from containers.toolkit.tables.cohort.columns import Cohort


class PrevalenceAnalysis(Analysis):
    """Share of events in each group."""

    kind: Literal["prevalence"]
    """Marks a table of prevalences."""
    outcome: str
    """Category of two levels, of which the second is the event."""
    by: str
    """Category of the groups."""
    restrict: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Levels whose rows are kept, by category; empty for all rows."""
    strata: str | None = None
    """Category whose levels get a table each, besides the whole; None for the whole only."""
    level: Level = 0.95
    """Confidence level of the intervals, as a share."""

    example = ({"id": "share", "kind": "prevalence", "outcome": "pain", "by": "age_group", "strata": "sex"},)

    def run(self, cohort: Cohort, report: CohortReport) -> None:
        """Put n, events and prevalence of all, and level_n, level_events and prevalence of each group.

        Raises ItemFault.
        """
        columns = (self.outcome, self.by)
        for stratum, rows in whole_and_strata(
            cohort, columns, report, self.restrict, self.strata, self.outcome, [self.by]
        ):
            y, column = rows.binary(self.outcome), rows.category(self.by)
            n = np.bincount(column.codes, minlength=len(column.levels))
            events = np.bincount(column.codes, weights=y, minlength=len(column.levels)).astype(np.int64)
            _put(self, report, ("n", "events"), int(n.sum()), int(events.sum()), stratum, "")
            for code, level in enumerate(column.levels):
                term = f"{self.by}:{level}"
                _put(self, report, ("level_n", "level_events"), int(n[code]), int(events[code]), stratum, term)


def _put(
    analysis: PrevalenceAnalysis,
    report: CohortReport,
    names: tuple[str, str],
    n: int,
    events: int,
    stratum: str,
    term: str,
) -> None:
    for name, count, of in ((names[0], n, None), (names[1], events, n)):
        report.count(name, count, of=of, stratum=stratum, term=term)
    notes = [
        report.shown(count, of=of, at=(name, stratum, term))[1]
        for name, count, of in ((names[0], n, None), (names[1], events, n))
    ]
    why = "its counts are not shown" if any(notes) else "no rows" if n == 0 else ""
    share, ends = (None, (None, None)) if why else (events / n, wilson_interval(events, n, analysis.level))
    undefined = dict.fromkeys(("estimate", "low", "high"), why)
    report.put_interval("prevalence", share, ends, stratum=stratum, term=term, notes=undefined)
