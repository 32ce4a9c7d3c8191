"""The rows of one analysis: its restriction, then complete cases, each row left out counted with its reason."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from containers.association.report import CohortReport
from containers.toolkit.tables.cohort.arrays import IntArray
from containers.toolkit.tables.cohort.columns import Category, Cohort


def complete_cases(
    cohort: Cohort, columns: Sequence[str], report: CohortReport, restrict: Mapping[str, Sequence[str]] | None = None
) -> Cohort:
    """The rows that have a value in every one of `columns` and a level that `restrict` keeps, with these columns only.

    A restricted column need not be one of `columns`. It loses the levels that are not kept. A row without a value in
    several columns counts under the first of them. Writes two steps of this analysis' flow, `restrict` (when there
    is a restriction) and `complete`. Raises ItemFault for unknown columns and levels, and when no row is left.
    """
    restrict = restrict or {}
    names = list(dict.fromkeys([*columns, *restrict]))
    used = cohort.only(names)
    for name, levels in restrict.items():
        _check_levels(used.category(name), name, levels, report)
    if restrict:
        used = _leave_out(used, "restrict", _not_kept(used, restrict), report)
        kept = {name: used.category(name).keep(levels) for name, levels in restrict.items()}
        used = Cohort({**used.columns, **kept}, used.rows)
    used = _leave_out(used, "complete", ((f"{n} missing", used.column(n).missing) for n in names), report)
    if used.size == 0:
        raise report.fault("no row has a value in every column it uses", fix="see the flow of a smaller analysis")
    return used


def guard_counts(
    rows: Cohort, report: CohortReport, *, strata: str | None = None, outcome: str | None = None, by: Sequence[str] = ()
) -> None:
    """Guard n, and events of `outcome`, of strata and of the levels of `by`, in all rows and in strata."""
    y = rows.binary(outcome) if outcome else None
    whole: tuple[list[str], IntArray] = ([""], np.zeros(rows.size, dtype=np.int64))
    across = [whole, _levels(rows, strata)] if strata else [whole]
    along = [whole, *(_levels(rows, name) for name in by if name != strata)]
    for strata_names, stratum in across:
        for terms, level in along:
            if strata_names == terms:
                continue  # all rows at once: nothing to subtract from
            shape, prefix = (len(strata_names), len(terms)), "level_" if terms != [""] else ""
            cells = stratum * len(terms) + level
            n = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
            report.guard(f"{prefix}n", strata_names, terms, n)
            if y is not None:
                events = np.bincount(cells, y, minlength=shape[0] * shape[1]).astype(np.int64).reshape(shape)
                report.guard(f"{prefix}events", strata_names, terms, events, n)


def _levels(rows: Cohort, name: str) -> tuple[list[str], IntArray]:
    column = rows.category(name)
    return [f"{name}:{level}" for level in column.levels], column.codes


def _check_levels(column: Category, name: str, levels: Sequence[str], report: CohortReport) -> None:
    if unknown := [level for level in levels if level not in column.levels]:
        known = f"levels are {', '.join(column.levels)}"
        raise report.fault(f"restricts to level {unknown[0]!r}, which is none", column=name, fix=known)
    if not levels:
        raise report.fault("restricts to no level", column=name, fix="name the levels to keep")


def _not_kept(cohort: Cohort, restrict: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, np.ndarray]]:
    for name, levels in restrict.items():
        column = cohort.category(name)
        yield f"{name} missing", column.missing
        yield f"{name} not {', '.join(levels)}", ~column.is_in(levels)


def _leave_out(cohort: Cohort, step: str, reasons: Iterator[tuple[str, np.ndarray]], report: CohortReport) -> Cohort:
    """Take the marked rows out; each counts under the first reason that marks it."""
    kept = report.leave_out(step, cohort.size, reasons)
    return cohort if kept.all() else cohort.take(kept)
