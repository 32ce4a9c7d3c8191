"""The rows, outcome and design matrix of a model, as every kind that fits one needs them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from containers.association.data.cases import complete_cases, guard_counts
from containers.association.data.design import build_design
from containers.association.fields import ModelFields
from containers.association.report import CohortReport
from containers.toolkit.tables.cohort.arrays import FloatArray
from containers.toolkit.tables.cohort.columns import Category, Cohort
from containers.toolkit.tables.cohort.design import Design


@dataclass(frozen=True)
class ModelData:
    """What a model is fitted on."""

    cohort: Cohort
    """The complete rows that are used."""
    design: Design
    """Terms of the model, (n, p)."""
    y: FloatArray
    """The outcome, (n,), of 0 and 1."""
    stratum: str = ""
    """Column and level of a stratum, such as `sex:male`; empty for all rows."""

    @property
    def events(self) -> int:
        return int(self.y.sum())


def model_data(fields: ModelFields, cohort: Cohort, report: CohortReport, also: Sequence[str] = ()) -> ModelData:
    """Complete cases of the model's columns (and those of `also`), checked. Writes this analysis' flow once.

    Raises ItemFault (one line) for unknown columns, an outcome without two levels, without events or without
    non-events, constant and collinear columns.
    """
    rows = complete_cases(cohort, [fields.outcome, *fields.terms, *also], report, fields.restrict)
    return _data(fields, rows, report)


def stratified(
    fields: ModelFields, cohort: Cohort, report: CohortReport, strata: str | None, also: Sequence[str] = ()
) -> Iterator[ModelData]:
    """The whole, then one model per level of column `strata` (None: the whole only).

    In a stratum's model the column itself, and interactions with it, are left out: it is constant there.
    """
    extra = [*also, strata] if strata else list(also)
    whole = model_data(fields, cohort, report, extra)
    named = {name: whole.cohort.column(name) for name in (*fields.terms, *also)}
    # A level without rows (a group's: a term has none) is not among the results, so that it hides nothing.
    by = {name: _with_rows(column) for name, column in named.items() if isinstance(column, Category)}
    counted = Cohort({**whole.cohort.columns, **by}, whole.cohort.rows)
    guard_counts(counted, report, strata=strata, outcome=fields.outcome, by=list(by))
    yield whole
    if not strata:
        return
    terms = tuple(name for name in fields.terms if name != strata)
    if not terms:
        raise report.fault("is both the only term and the strata", column=strata, fix="stratify by another column")
    interactions = tuple(parts for parts in fields.interactions if strata not in parts)
    inside = fields.model_copy(update={"terms": terms, "interactions": interactions})
    column = whole.cohort.category(strata)
    for code, level in enumerate(column.levels):
        stratum = f"{strata}:{level}"
        rows = whole.cohort.take(column.codes == code)
        if rows.size == 0:
            raise report.fault(f"no row has level {level!r}", column=strata, fix="restrict it to the other levels")
        yield replace(_data(inside, rows, report, stratum), stratum=stratum)


def _with_rows(column: Category) -> Category:
    return column.keep([column.levels[code] for code in np.unique(column.codes)])


def _data(fields: ModelFields, rows: Cohort, report: CohortReport, stratum: str = "") -> ModelData:
    y = rows.binary(fields.outcome)
    event = rows.category(fields.outcome).levels[1]
    if not 0 < y.sum() < y.size:
        none = "no row" if y.sum() == 0 else "every row"
        of = f" of stratum {stratum}" if stratum else ""
        raise report.fault(
            f"{none}{of} has the event {event!r}", column=fields.outcome, fix="a model needs rows with and without it"
        )
    where = f"analysis {report.id}" + (f", stratum {stratum}" if stratum else "")
    design = build_design(rows, fields.terms, fields.interactions, where=where)
    if y.size <= len(design.names):
        raise report.fault(
            f"{y.size} rows for {len(design.names)} coefficients{' in stratum ' + stratum if stratum else ''}",
            fix="use fewer terms",
        )
    for name in fields.scale:
        if name not in design.numbers:
            raise report.fault("is scaled, and is not a number", column=name, fix="scale numbers only")
    return ModelData(rows, design, np.asarray(y, dtype=np.float64))
