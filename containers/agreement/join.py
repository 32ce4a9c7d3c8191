"""Two tables joined on identifier columns. No row and no value is dropped silently: each is counted and named."""

import math
from dataclasses import dataclass
from typing import Any

from containers.contract.errors import ItemFault

Table = dict[str, list[Any]]
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Joined:
    """Two tables joined by their identifiers."""

    pairs: dict[str, tuple[list[float | None], list[float | None]]]
    """Measured and expected values of each numeric column that both tables have; None for an empty field."""
    rows: int
    """Rows that both tables have."""
    only_measured: list[Key]
    """Identifiers of rows that only the measured table has."""
    only_expected: list[Key]
    """Identifiers of rows that only the expected table has."""
    unmatched_columns: list[str]
    """Numeric columns that only one table has."""


def _keys(table: Table, id_columns: list[str], where: str) -> dict[Key, int]:
    for name in id_columns:
        if name not in table:
            raise ItemFault(f"has no column {name!r}", where=where, fix="set parameter id_columns to the row's keys")
        if None in table[name]:
            row = table[name].index(None) + 1
            raise ItemFault(f"has no {name!r} in row {row}", where=where, fix="give every row its identifier")
    keys: dict[Key, int] = {}
    for row, key in enumerate(zip(*(table[name] for name in id_columns), strict=True)):
        if key in keys:
            shown = ", ".join(str(part) for part in key)
            raise ItemFault(
                f"has rows {keys[key] + 1} and {row + 1} with the same identifier ({shown})",
                where=where,
                fix="keep one, or add a column to parameter id_columns",
            )
        keys[key] = row
    return keys


def _numeric(table: Table, id_columns: list[str], where: str) -> dict[str, bool]:
    """Columns next to the identifiers: whether each is numeric (a column without values counts as such)."""
    numeric = {}
    for name, values in table.items():
        if name in id_columns:
            continue
        numeric[name] = all(v is None or (isinstance(v, (int, float)) and not isinstance(v, bool)) for v in values)
        if numeric[name]:
            bad = [row + 1 for row, v in enumerate(values) if v is not None and not math.isfinite(v)]
            if bad:
                more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
                raise ItemFault(
                    f"column {name!r} is NaN or infinite in row {', '.join(map(str, bad[:5]))}{more}",
                    where=where,
                    fix="leave undefined values empty, or correct them",
                )
    return numeric


def join(measured: Table, expected: Table, id_columns: list[str], names: tuple[str, str]) -> Joined:
    """Join two tables on `id_columns`, rows in the order of their keys as text. `names` are the files' names.

    Raises ItemFault for a missing, empty or repeated identifier, a non-finite value, a column that is numeric in
    one table only, and tables that share no row or no numeric column.
    """
    keys = _keys(measured, id_columns, names[0]), _keys(expected, id_columns, names[1])
    kinds = _numeric(measured, id_columns, names[0]), _numeric(expected, id_columns, names[1])
    common = sorted(set(keys[0]) & set(keys[1]), key=str)
    both = f"{names[0]} and {names[1]}"
    if not common:
        raise ItemFault("share no row", where=both, fix="check parameter id_columns and the identifiers' type")
    pairs: dict[str, tuple[list[float | None], list[float | None]]] = {}
    for name, numeric in kinds[0].items():
        if name not in kinds[1]:
            continue
        if numeric != kinds[1][name]:
            raise ItemFault(f"column {name!r} is numeric in one table only", where=both, fix="give it one type")
        if numeric:
            pairs[name] = [measured[name][keys[0][k]] for k in common], [expected[name][keys[1][k]] for k in common]
    if not pairs:
        raise ItemFault("share no numeric column", where=both, fix="give tables of the same measures")
    lone = [name for kind, other in (kinds, kinds[::-1]) for name in kind if kind[name] and name not in other]
    return Joined(
        pairs,
        len(common),
        sorted(set(keys[0]) - set(keys[1]), key=str),
        sorted(set(keys[1]) - set(keys[0]), key=str),
        sorted(lone),
    )
