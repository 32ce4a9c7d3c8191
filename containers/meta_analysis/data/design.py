"""The design matrix of a model with moderators, named as in the metrics.

Coding: treatment contrasts against the first level that has rows. A term is the column's name for a number,
`column:level` for a level, parts joined by `*` in the order given for a product. The intercept comes first.
"""

from collections.abc import Sequence

from containers.contract.errors import ItemFault
from containers.meta_analysis.data.table import EffectTable
from containers.meta_analysis.fields import ModeratorFields
from containers.toolkit.tables.cohort.arrays import FloatArray
from containers.toolkit.tables.cohort.design import Columns, Design, find_collinear, join_columns


def check_terms(model: ModeratorFields, where: str) -> None:
    """Raise ItemFault when moderators, interactions and scale do not fit each other."""
    names = model.moderators
    if twice := [name for name in names if names.count(name) > 1]:
        raise ItemFault(f"moderator {twice[0]!r} is given twice", where=where, fix="name it once")
    for parts in model.interactions:
        if len(parts) < 2 or len(set(parts)) < len(parts) or any(part not in names for part in parts):
            raise ItemFault(
                f"interaction {'*'.join(parts)} is not of two or more different moderators",
                where=where,
                fix="name its parts as moderators too",
            )
    if unknown := [name for name in model.scale if name not in names]:
        raise ItemFault(
            f"scale names {unknown[0]!r}, which is not a moderator", where=where, fix="take it out of scale"
        )


def build_design(table: EffectTable, model: ModeratorFields, where: str) -> tuple[Design, list[str]]:
    """Columns of a model over all rows of `table`, which must be complete; and warnings for the reader.

    Raises ItemFault for too few rows, by name for constant and collinear columns, and for what `check_terms` finds.
    """
    check_terms(model, where)
    warnings: list[str] = []
    parts = {name: _part(table, name, model, where, warnings) for name in model.moderators}
    design = join_columns(len(table), parts, model.interactions)
    if len(table) <= len(design.names):
        raise ItemFault(
            f"{len(table)} effects are too few for {len(design.names)} coefficients",
            where=where,
            fix="name fewer moderators",
        )
    _check_collinear(design.names, design.matrix, where)
    return design, warnings


def _part(table: EffectTable, name: str, model: ModeratorFields, where: str, warnings: list[str]) -> Columns:
    if table.is_number(name):
        values = table.number(name, where) / model.scale.get(name, 1.0)
        if values.min() == values.max():
            raise _constant(name, "value", where)
        return [(name, values)]
    category = table.category(name, where)
    if name in model.scale:
        raise ItemFault(f"scale names {name!r}, which is not a number", where=where, fix="take it out of scale")
    present = [code for code in range(len(category.levels)) if (category.codes == code).any()]
    if len(present) < 2:
        raise _constant(name, "level", where)
    levels = category.levels
    if present[0]:
        warnings.append(f"{name}: no row has {levels[0]}, {levels[present[0]]} is the reference")
    return [(f"{name}:{levels[code]}", category.codes == code) for code in present[1:]]


def _constant(name: str, what: str, where: str) -> ItemFault:
    return ItemFault(
        f"has the same {what} in every row", where=f"{where}, column {name}", fix="take it out of the moderators"
    )


def _check_collinear(names: Sequence[str], matrix: FloatArray, where: str) -> None:
    """Raise ItemFault when a column is constant or a combination of those before it, naming all that are part of it."""
    if (collinear := find_collinear(names, matrix)) is None:
        return
    name, others = collinear
    if not others:
        raise _constant(name, "value", where)
    raise ItemFault(
        f"{name} is perfectly collinear with {' and '.join(others)}",
        where=where,
        fix="take one of them out of the moderators",
    )
