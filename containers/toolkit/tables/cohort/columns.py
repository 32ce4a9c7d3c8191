"""The cohort in memory: typed columns of equal length, and which rows of the table they are.

Invariants: a column is never changed; choosing rows makes a new cohort. A missing number is NaN, a missing
category -1, a missing label None. `rows` holds the row numbers of the table (from 1), so that any message can name
rows of the file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.toolkit.tables.cohort.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Number:
    """A column of numbers."""

    values: FloatArray
    """The numbers, (n,); NaN where missing."""
    unit: str = "1"
    """Unit of the numbers, as the dictionary says."""

    @property
    def missing(self) -> BoolArray:
        return np.isnan(self.values)

    def take(self, chosen: BoolArray) -> "Number":
        return Number(self.values[chosen], self.unit)


@dataclass(frozen=True)
class Category:
    """A column of declared levels."""

    codes: IntArray
    """Position of each value in `levels`, (n,); -1 where missing."""
    levels: tuple[str, ...]
    """The levels; the first is the reference."""

    @property
    def missing(self) -> BoolArray:
        return self.codes < 0

    def take(self, chosen: BoolArray) -> "Category":
        return Category(self.codes[chosen], self.levels)

    def is_in(self, levels: Sequence[str]) -> BoolArray:
        """(n,) whether the value is one of `levels`; never where it is missing."""
        return np.isin(self.codes, [self.levels.index(level) for level in levels])

    def keep(self, levels: Sequence[str]) -> "Category":
        """With only these levels, in the order they have here; other values become missing."""
        kept = tuple(level for level in self.levels if level in levels)
        position = np.full(len(self.levels) + 1, -1, dtype=np.int64)
        for new, level in enumerate(kept):
            position[self.levels.index(level)] = new
        return Category(position[self.codes], kept)


@dataclass(frozen=True)
class Label:
    """A column of names without declared levels."""

    texts: npt.NDArray[Any]
    """The names, (n,) of str; None where missing."""

    @property
    def missing(self) -> BoolArray:
        return np.array([text is None for text in self.texts], dtype=bool)

    def take(self, chosen: BoolArray) -> "Label":
        return Label(self.texts[chosen])


Column = Number | Category
"""What a model can have as a term."""


@dataclass(frozen=True)
class Cohort:
    """A table that was read by its dictionary."""

    columns: Mapping[str, Column]
    """Number and category columns, by name."""
    rows: IntArray
    """Row number in the table of each row, (n,), counted from 1."""
    ignored_columns: tuple[str, ...] = ()
    """Columns that are in the table and not in the dictionary."""
    labels: Mapping[str, Label] = field(default_factory=dict)
    """Label columns, by name."""

    @property
    def size(self) -> int:
        """Rows."""
        return len(self.rows)

    def column(self, name: str) -> Column:
        """A number or category. Raises ItemFault when there is none of that name."""
        if name in self.labels:
            raise ItemFault("is a label", where=f"column {name}", fix="use a number or a category")
        if name not in self.columns:
            raise ItemFault(
                "is not a column here", where=f"column {name}", fix="name it in the dictionary, or derive it"
            )
        return self.columns[name]

    def missing(self, name: str) -> BoolArray:
        """(n,) which rows have no value in a column, a label too. Raises ItemFault when there is none of that name."""
        return self.labels[name].missing if name in self.labels else self.column(name).missing

    def number(self, name: str) -> FloatArray:
        """(n,) values of a number column. Raises ItemFault when it is none."""
        column = self.column(name)
        if not isinstance(column, Number):
            raise ItemFault("is a category, where a number is needed", where=f"column {name}", fix="use a number")
        return column.values

    def category(self, name: str) -> Category:
        """A category column. Raises ItemFault when it is none."""
        column = self.column(name)
        if not isinstance(column, Category):
            raise ItemFault("is a number, where a category is needed", where=f"column {name}", fix="use a category")
        return column

    def binary(self, name: str) -> FloatArray:
        """(n,) 1.0 for the second of two levels, 0.0 for the first, NaN where missing. Raises ItemFault."""
        column = self.category(name)
        if len(column.levels) != 2:
            raise ItemFault(
                f"has {len(column.levels)} levels ({', '.join(column.levels)}), where two are needed",
                where=f"column {name}",
                fix="restrict it to two levels, or recode it",
            )
        return np.where(column.missing, np.nan, column.codes.astype(np.float64))

    def take(self, chosen: BoolArray) -> "Cohort":
        """The chosen rows."""
        columns = {name: column.take(chosen) for name, column in self.columns.items()}
        labels = {name: label.take(chosen) for name, label in self.labels.items()}
        return Cohort(columns, self.rows[chosen], self.ignored_columns, labels)

    def only(self, names: Sequence[str]) -> "Cohort":
        """With these columns only, so that choosing rows copies no other."""
        return Cohort({name: self.column(name) for name in names}, self.rows, self.ignored_columns)

    def with_column(self, name: str, column: Column) -> "Cohort":
        """With one more column. Raises ItemFault when the name is taken."""
        if name in self.columns or name in self.labels:
            raise ItemFault("is there already", where=f"derived column {name}", fix="give it another name")
        return Cohort({**self.columns, name: column}, self.rows, self.ignored_columns, self.labels)
