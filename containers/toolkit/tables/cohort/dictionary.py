"""`dictionary.json`: what each column of the table is, in which unit, and which values it may have.

A column is an `id`, a `label`, a `number` or a `category`. Missing codes are named here; an empty field and a null are
always missing. The range of a number is what catches a slip of the unit (a height in cm where m is declared).
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, field_validator, model_validator

from containers.contract.errors import ItemFault
from containers.contract.request import Finite, Strict
from containers.toolkit.tables.cohort.json_input import checked, read_json

Code = int | Finite | str
"""A value as it may stand in a table: number or text."""


class IdColumn(Strict):
    """Names the row (the participant, the effect); every value is there once."""

    type: Literal["id"]
    """Marks the column that names the row; a dictionary has at most one."""
    description: str = ""
    """What the column is, for people; empty where nothing is said."""


class LabelColumn(Strict):
    """A name without declared levels, as the study that an effect is from."""

    type: Literal["label"]
    """Marks a column of names without declared levels."""
    missing: tuple[Code, ...] = ()
    """Values that stand for a missing one, as numbers or text; empty fields and nulls always do."""
    description: str = ""
    """What the column is, for people; empty where nothing is said."""


class NumberColumn(Strict):
    """A column of finite numbers."""

    type: Literal["number"]
    """Marks a column of numbers."""
    unit: str = Field(min_length=1)
    """Unit of the numbers; `1` for a pure number."""
    minimum: Finite | None = None
    """Smallest value that is possible, itself included; one below is an error, not missing; None for no bound."""
    maximum: Finite | None = None
    """Largest value that is possible, itself included; one above is an error, not missing; None for no bound."""
    missing: tuple[Code, ...] = ()
    """Values that stand for a missing one, as numbers or text; empty fields and nulls always do."""
    description: str = ""
    """What the column is, for people; empty where nothing is said."""

    @model_validator(mode="after")
    def _range(self) -> "NumberColumn":
        if self.minimum is not None and self.maximum is not None and self.minimum >= self.maximum:
            raise ValueError("minimum is not below maximum")
        return self


class CategoryColumn(Strict):
    """A column of declared levels."""

    type: Literal["category"]
    """Marks a column of levels."""
    levels: tuple[str, ...] = Field(min_length=2)
    """Every value that there may be, as text; the first is the reference, an outcome's second the event."""
    missing: tuple[Code, ...] = ()
    """Values that stand for a missing one, as numbers or text; empty fields and nulls always do."""
    description: str = ""
    """What the column is, for people; empty where nothing is said."""

    @field_validator("levels", mode="before")
    @classmethod
    def _text(cls, levels: object) -> object:
        if isinstance(levels, (list, tuple)):
            return tuple(text_of(level) if not isinstance(level, str) else level for level in levels)
        return levels

    @model_validator(mode="after")
    def _distinct(self) -> "CategoryColumn":
        if len(set(self.levels)) < len(self.levels):
            raise ValueError("a level is given twice")
        if "" in self.levels:
            raise ValueError("a level is empty text, which is always missing")
        if both := [text_of(code) for code in self.missing if text_of(code) in self.levels]:
            raise ValueError(f"{both[0]!r} is both a level and a missing code")
        return self


TYPES = ("id", "label", "number", "category")

ColumnSpec = Annotated[IdColumn | LabelColumn | NumberColumn | CategoryColumn, Field(discriminator="type")]


class Dictionary(Strict):
    """The whole file."""

    schema_version: str
    """Version of the file's form."""
    columns: Mapping[str, ColumnSpec] = Field(default_factory=dict)
    """What each column of the table is, by its name; columns of the table that are not named are ignored."""
    description: str = ""
    """What the table is, for people; empty where nothing is said."""

    @model_validator(mode="after")
    def _one_id(self) -> "Dictionary":
        if len([column for column in self.columns.values() if isinstance(column, IdColumn)]) > 1:
            raise ValueError("more than one column is an id")
        return self


DictionaryT = TypeVar("DictionaryT", bound=Dictionary)


def text_of(value: object) -> str:
    """A value as the text that levels are compared by: 1, 1.0 and "1" are all `1`; true is `true`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        return str(int(value))
    return str(value)


def read_dictionary(path: Path, model: type[DictionaryT]) -> DictionaryT:
    """Read and check dictionary.json as `model`. Raises ItemFault with the column and field."""
    value = read_json(path, "dictionary")
    if isinstance(value.get("columns"), dict):
        for name, column in value["columns"].items():
            if isinstance(column, dict) and column.get("type") not in TYPES:
                raise ItemFault(
                    f"type is {column.get('type')!r}",
                    where=f"input dictionary, column {name}",
                    fix=f"known: {', '.join(TYPES)}",
                )
    return checked(model, value, "input dictionary")
