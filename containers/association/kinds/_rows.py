"""Rows for the kinds without a model: complete cases, whole and by stratum, and columns that vary."""

from collections.abc import Iterator, Mapping, Sequence

from containers.association.data.cases import complete_cases, guard_counts
from containers.association.report import CohortReport
from containers.toolkit.tables.cohort.arrays import FloatArray
from containers.toolkit.tables.cohort.columns import Cohort

LEAST_ROWS = 3
"""Fewest rows whose numbers an analysis takes: two always lie on a line."""


def whole_and_strata(
    cohort: Cohort,
    columns: Sequence[str],
    report: CohortReport,
    restrict: Mapping[str, Sequence[str]],
    strata: str | None,
    outcome: str | None = None,
    by: Sequence[str] = (),
) -> Iterator[tuple[str, Cohort]]:
    """Complete cases of `columns`: all (stratum empty), then those at each level of category `strata`.

    outcome, by: whose events and levels the analysis counts. Writes this analysis' flow once. Raises ItemFault, also
    for a level without rows.
    """
    rows = complete_cases(cohort, [*columns, *([strata] if strata else [])], report, restrict)
    guard_counts(rows, report, strata=strata, outcome=outcome, by=by)
    yield "", rows
    if strata is None:
        return
    column = rows.category(strata)
    for code, level in enumerate(column.levels):
        chosen = column.codes == code
        if not chosen.any():
            raise report.fault(f"no row has level {level!r}", column=strata, fix="restrict it to the other levels")
        yield f"{strata}:{level}", rows.take(chosen)


def varying(rows: Cohort, name: str, report: CohortReport, stratum: str = "") -> FloatArray:
    """(n,) values of a number column. Raises ItemFault for fewer than LEAST_ROWS rows and for a constant."""
    values, of = rows.number(name), f" of stratum {stratum}" if stratum else ""
    if len(values) < LEAST_ROWS:
        raise report.fault(f"{len(values)} rows{of}, {LEAST_ROWS} are needed", column=name, fix="give more rows")
    if values.min() == values.max():
        raise report.fault(f"has the same value in every row{of}", column=name, fix="take the analysis out")
    return values
