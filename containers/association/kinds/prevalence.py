"""Kind `prevalence`: share with the event in all rows and in groups (ukb_thigh, Fig. 4: sarcopenia by age group).

Invariant: a share is shown only where its counts are. Where the count of exactly one group is below the disclosure
threshold, that of the next smallest group is not shown either, since the total would give the first one back.
"""

from typing import Literal

import numpy as np
from pydantic import Field

from containers.association.kinds._rows import whole_and_strata
from containers.association.prevalence import wilson_interval
from containers.association.report import Report
from containers.association.spec import Analysis, Level
from containers.contract.cohort.columns import Cohort


class Spec(Analysis):
    """outcome: category of two levels, the second is the event. by: category of the groups."""

    kind: Literal["prevalence"]
    outcome: str
    by: str
    restrict: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    strata: str | None = None
    level: Level = 0.95


def run(analysis: Spec, cohort: Cohort, report: Report) -> None:
    """Put n, events and prevalence of all, and level_n, level_events and prevalence of each group. Raises ItemFault."""
    columns = (analysis.outcome, analysis.by)
    for stratum, rows in whole_and_strata(cohort, columns, report, analysis.restrict, analysis.strata):
        y, column = rows.binary(analysis.outcome), rows.category(analysis.by)
        n = np.bincount(column.codes, minlength=len(column.levels))
        events = np.bincount(column.codes, weights=y, minlength=len(column.levels)).astype(np.int64)
        _put(analysis, report, ("n", "events"), int(n.sum()), int(events.sum()), stratum, "")
        hidden = _hidden(n, report), _hidden(events, report) | _hidden(n - events, report)
        for code, level in enumerate(column.levels):
            term = f"{analysis.by}:{level}"
            hide = bool(hidden[0][code]), bool(hidden[1][code])
            _put(analysis, report, ("level_n", "level_events"), int(n[code]), int(events[code]), stratum, term, hide)


def _hidden(counts: np.ndarray, report: Report) -> np.ndarray:
    """(groups,) which counts are not shown. 0 is a small count like any other."""
    hidden = np.array([report.shown(int(count))[0] is None for count in counts])
    if hidden.sum() == 1 and len(counts) > 1:
        hidden[np.flatnonzero(~hidden)[np.argmin(counts[~hidden])]] = True
    return hidden


def _put(
    analysis: Spec,
    report: Report,
    names: tuple[str, str],
    n: int,
    events: int,
    stratum: str,
    term: str,
    hide: tuple[bool, bool] = (False, False),
) -> None:
    small = f"fewer than {report.threshold}, or a count that would tell such a one"
    notes = [
        small if hidden else report.shown(count, of=of)[1]
        for count, of, hidden in ((n, None, hide[0]), (events, n, hide[1]))
    ]
    for name, count, note in zip(names, (n, events), notes, strict=True):
        report.put(name, None if note else count, stratum=stratum, term=term, note=note)
    why = "no rows" if n == 0 else "its counts are not shown" if any(notes) else ""
    share, ends = (None, (None, None)) if why else (events / n, wilson_interval(events, n, analysis.level))
    undefined = dict.fromkeys(("estimate", "low", "high"), why)
    report.put_interval("prevalence", share, ends, stratum=stratum, term=term, notes=undefined)
