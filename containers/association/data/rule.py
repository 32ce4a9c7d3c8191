"""What every rule for a derived column is."""

from abc import ABC, abstractmethod
from typing import Any

from pydantic import Field

from containers.contract.errors import ItemFault
from containers.contract.request import Strict
from containers.toolkit.tables.cohort.columns import Category, Cohort, Column


class Rule(Strict, ABC):
    """Makes a column from others. A row without a value in one of them gets none."""

    column: str = Field(min_length=1)
    """Name of the column that is made, which the table must not have."""
    description: str = ""
    """What the column is, for people; empty where nothing is said."""

    @property
    @abstractmethod
    def sources(self) -> tuple[str, ...]:
        """Names of the columns it reads."""

    @abstractmethod
    def make(self, cohort: Cohort) -> tuple[Column, dict[str, Any]]:
        """The column, and what results.json should say of it (cut points). Raises ItemFault."""

    def fault(self, what: str, fix: str) -> ItemFault:
        """A fault of this rule. Raise it."""
        return ItemFault(what, where=f"derived column {self.column}", fix=fix)

    def levels_of(self, cohort: Cohort, name: str, named: dict[str, Any]) -> Category:
        """Category `name`, whose levels must be exactly the keys of `named`. Raises ItemFault."""
        column = cohort.category(name)
        if set(named) != set(column.levels):
            levels = ", ".join(column.levels)
            raise self.fault(f"thresholds are for {', '.join(named)}, {name} has {levels}", "give one for every level")
        return column
