"""How error lines name rows and wrong cells. Tables of people show no identifier; tables of effects may."""

from dataclasses import dataclass

import numpy as np

from containers.contract.cohort.arrays import BoolArray, IntArray

SHOWN_ROWS = 5
"""Rows that a message names before it only counts."""


def name_rows(rows: IntArray, last: str = " and ") -> str:
    """`row 3`, `rows 3, 7 and 9` or `rows 1, 2, 3, 4, 5 and 12 more`. rows: (k,) numbers of the table, from 1.

    last: what stands before the last of several rows that are all named.
    """
    first = [str(row) for row in rows[:SHOWN_ROWS]]
    if len(rows) == 1:
        return f"row {first[0]}"
    if len(rows) > SHOWN_ROWS:
        return f"rows {', '.join(first)} and {len(rows) - SHOWN_ROWS} more"
    return f"rows {', '.join(first[:-1])}{last}{first[-1]}"


def rows_text(wrong: BoolArray, rows: IntArray | None = None, last: str = " and ") -> str:
    """The marked rows as `name_rows` names them. wrong: (n,). rows: (n,) their numbers, 1 to n by default."""
    return name_rows(np.flatnonzero(wrong) + 1 if rows is None else rows[wrong], last)


@dataclass(frozen=True)
class Wording:
    """Format strings of complaints about a table. The default is that of a table of people."""

    column: str = "column {name}"
    """The place of a wrong cell, of `name`."""
    absent: tuple[str, str] = ("column {name}", "is missing from the table")
    """Place and complaint for a column that is not there."""
    last_row: str = " and "
    """What stands before the last row number, as in `name_rows`."""
    outside: str = "{first} is outside {low} to {high} {unit}"
    """Complaint of `first` (the value), `low`, `high`, `unit`."""
    open_end: str = "-"
    """What stands for a bound that is not there."""
    unknown: str = "unknown level {first!r}"
    """Complaint of `first` (the value) and `levels` (up to three of those found)."""
    no_id: str = "has no identifier"
    """Complaint of a row without an identifier."""
    repeated: str = "repeats an identifier"
    """Complaint of `first` (the identifier) and `many`."""
    show_ids: bool = False
    """Whether a repeated identifier may be shown; its rows are then all of its own, else those of all repetitions."""
