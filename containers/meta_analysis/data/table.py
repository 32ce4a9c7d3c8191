"""The table of effects: rows in use, whose columns an analysis asks for by name, and the flow.

Invariant: nothing is left out without a line in the flow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from containers.contract.errors import ItemFault
from containers.meta_analysis.data.flow import EffectsFlow
from containers.toolkit.tables.cohort import dictionary
from containers.toolkit.tables.cohort.arrays import BoolArray, FloatArray, IntArray
from containers.toolkit.tables.cohort.columns import Category, Cohort, Number
from containers.toolkit.tables.cohort.exclusions import Exclusion, exclude
from containers.toolkit.tables.cohort.table import read_cohort


class StatisticColumn(dictionary.NumberColumn):
    """A number; a statistic of a paper may go without a unit."""

    unit: str = ""
    """Unit of the numbers; empty where the dictionary states none."""


class EffectDictionary(dictionary.Dictionary):
    """dictionary.json."""

    columns: Mapping[
        str,
        Annotated[
            dictionary.IdColumn | dictionary.LabelColumn | StatisticColumn | dictionary.CategoryColumn,
            Field(discriminator="type"),
        ],
    ] = Field(default_factory=dict)
    """What each column of the table is, by its name; columns of the table that are not named are ignored."""


@dataclass(frozen=True)
class EffectTable:
    """Rows in use. `asked_by` of the methods is the place that their messages name."""

    dictionary: EffectDictionary
    """What the columns are."""
    id_column: str
    """Name of the column that identifies the effects."""
    cohort: Cohort
    """The columns of the rows in use."""
    flow: EffectsFlow
    """Rows that were left out so far."""

    def __len__(self) -> int:
        return self.cohort.size

    @property
    def row(self) -> IntArray:
        """(n,) row numbers of the table, from 1."""
        return self.cohort.rows

    def is_number(self, name: str) -> bool:
        """Whether there is a number column of that name."""
        return isinstance(self.cohort.columns.get(name), Number)

    def number(self, name: str, asked_by: str) -> FloatArray:
        """A number column, NaN for missing. Raises ItemFault when there is no such number."""
        column = self.cohort.columns.get(name)
        if not isinstance(column, Number):
            raise self._unknown(name, "number", asked_by)
        return column.values

    def category(self, name: str, asked_by: str) -> Category:
        """A category column. Raises ItemFault when there is none."""
        column = self.cohort.columns.get(name)
        if not isinstance(column, Category):
            raise self._unknown(name, "category", asked_by)
        return column

    def text(self, name: str, asked_by: str, kinds: tuple[str, ...] = ("category",)) -> list[str | None]:
        """A category (or id, label) column, None for missing. Raises ItemFault when there is none of these kinds."""
        declared = self.dictionary.columns.get(name)
        if declared is None or declared.type not in kinds:
            raise self._unknown(name, " or ".join(kinds), asked_by)
        if name in self.cohort.labels:
            return list(self.cohort.labels[name].texts)
        column = self.category(name, asked_by)
        return [None if code < 0 else column.levels[code] for code in column.codes]

    def known_levels(self, name: str, levels: Sequence[str], asked_by: str) -> None:
        """Raise ItemFault when one of `levels` is none of a category's levels."""
        declared = self.category(name, asked_by).levels
        for level in levels:
            if level not in declared:
                raise ItemFault(
                    f"{level!r} is not a level of column {name}", where=asked_by, fix=f"levels: {', '.join(declared)}"
                )

    def missing(self, name: str, asked_by: str) -> BoolArray:
        """(n,) which rows miss a value of any column. Raises ItemFault when there is no such column."""
        if name not in self.cohort.columns and name not in self.cohort.labels:
            raise self._unknown(name, "category or label or id", asked_by)
        return self.cohort.missing(name)

    def kept(self, rows: BoolArray) -> "EffectTable":
        """The same with only the rows that are True."""
        return replace(self, cohort=self.cohort.take(rows))

    def with_numbers(self, numbers: Mapping[str, FloatArray]) -> "EffectTable":
        """The same with number columns, which take the place of any of their names."""
        made = {name: Number(values) for name, values in numbers.items()}
        return replace(self, cohort=replace(self.cohort, columns={**self.cohort.columns, **made}))

    def _unknown(self, name: str, kind: str, asked_by: str) -> ItemFault:
        declared = self.dictionary.columns.get(name)
        what = f"column {name!r} is not in the dictionary"
        if declared:
            what = f"column {name!r} is of type {declared.type}, not {kind}"
        return ItemFault(what, where=asked_by, fix=f"name a column of type {kind}")


def read_effect_table(path: Path, described: EffectDictionary) -> EffectTable:
    """Read and check a table. Raises ItemFault with column and rows for whatever breaks the dictionary."""
    ids = [name for name, column in described.columns.items() if column.type == "id"]
    if described.columns and not ids:
        raise ItemFault("has no column of type id", where="input dictionary", fix="declare one, the name of the effect")
    cohort = read_cohort(path, described, show_ids=True)
    return EffectTable(described, ids[0] if ids else "", cohort, EffectsFlow(cohort.size, cohort.ignored_columns))


def exclude_rows(table: EffectTable, exclusions: Sequence[Exclusion]) -> EffectTable:
    """Apply the exclusions in order, one line of the flow each. Raises ItemFault."""
    for exclusion in exclusions:
        table = replace(table, cohort=exclude(table.cohort, exclusion, table.flow))
    return table
