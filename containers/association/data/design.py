"""The design matrix of a model: intercept, terms, interactions, named as in the metrics.

Coding: treatment contrasts against the first level (R's default). A term's name is the column for a number,
`column:level` for a level, and parts joined by `*` in the order given for a product.
"""

from collections.abc import Sequence

import numpy as np

from containers.contract.errors import ItemFault
from containers.toolkit.tables.cohort.arrays import FloatArray
from containers.toolkit.tables.cohort.columns import Category, Cohort
from containers.toolkit.tables.cohort.design import Columns, Design, find_collinear, join_columns


def build_design(
    cohort: Cohort, terms: Sequence[str], interactions: Sequence[Sequence[str]] = (), *, where: str = ""
) -> Design:
    """Columns of a model over all rows of `cohort`, which must be complete.

    Raises ItemFault (one line, `where` before it) for a level without rows, a column that is constant, and columns
    that are perfectly collinear, by name.
    """
    design = join_columns(cohort.size, {name: _columns_of(cohort, name, where) for name in terms}, interactions)
    _check_collinear(design.names, design.matrix, where)
    return design


def _columns_of(cohort: Cohort, name: str, where: str) -> Columns:
    """Names and values of a term's columns."""
    column = cohort.column(name)
    place = ", ".join(part for part in (where, f"column {name}") if part)
    if not isinstance(column, Category):
        if column.values.min() == column.values.max():
            raise ItemFault("has the same value in every row", where=place, fix="take it out of the terms")
        return [(name, column.values)]
    counts = np.bincount(column.codes, minlength=len(column.levels))
    if (counts > 0).sum() < 2:
        raise ItemFault("has the same level in every row", where=place, fix="take it out of the terms")
    if empty := [level for level, rows in zip(column.levels, counts, strict=True) if rows == 0]:
        raise ItemFault(f"no row has level {empty[0]!r}", where=place, fix="restrict the column to the other levels")
    return [(f"{name}:{level}", column.codes == code) for code, level in enumerate(column.levels) if code]


def _check_collinear(names: Sequence[str], matrix: FloatArray, where: str) -> None:
    """Raise ItemFault when a column is constant or a combination of those before it, naming all that are part of it."""
    if (collinear := find_collinear(names, matrix)) is None:
        return
    name, others = collinear
    if not others:
        raise ItemFault(f"{name} is constant", where=where, fix="take it out of the model")
    raise ItemFault(
        f"{name} is perfectly collinear with {' and '.join(others)}",
        where=where,
        fix="take one of them out of the model",
    )
