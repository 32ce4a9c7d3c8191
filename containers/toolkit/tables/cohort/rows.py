"""How error lines name the rows of a table."""

import numpy as np

from containers.toolkit.tables.cohort.arrays import BoolArray, IntArray

SHOWN_ROWS = 5
"""Rows that a message names before it only counts."""


def name_rows(rows: IntArray) -> str:
    """`row 3`, `rows 3, 7 and 9` or `rows 1, 2, 3, 4, 5 and 12 more`. rows: (k,) numbers of the table, from 1."""
    first = [str(row) for row in rows[:SHOWN_ROWS]]
    if len(rows) == 1:
        return f"row {first[0]}"
    if len(rows) > SHOWN_ROWS:
        return f"rows {', '.join(first)} and {len(rows) - SHOWN_ROWS} more"
    return f"rows {', '.join(first[:-1])} and {first[-1]}"


def rows_text(wrong: BoolArray, rows: IntArray | None = None) -> str:
    """The marked rows as `name_rows` names them. wrong: (n,). rows: (n,) their numbers, 1 to n by default."""
    return name_rows(np.flatnonzero(wrong) + 1 if rows is None else rows[wrong])
