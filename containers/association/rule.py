"""What every rule for a derived column is."""

from typing import Any

from pydantic import Field

from containers.contract.cohort.columns import Category, Cohort, Column
from containers.contract.errors import ItemFault
from containers.contract.request import Strict


class Rule(Strict):
    """Makes column `column` from the columns `sources`. A row without a value in one of them gets none."""

    column: str = Field(min_length=1)
    description: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the columns it reads."""
        raise NotImplementedError

    def make(self, cohort: Cohort) -> tuple[Column, dict[str, Any]]:
        """The column, and what results.json should say of it (cut points). Raises ItemFault."""
        raise NotImplementedError

    def fault(self, what: str, mend: str) -> ItemFault:
        """A fault of this rule. Raise it."""
        return ItemFault(what, where=f"derived column {self.column}", mend=mend)

    def levels_of(self, cohort: Cohort, name: str, named: dict[str, Any]) -> Category:
        """Category `name`, whose levels must be exactly the keys of `named`. Raises ItemFault."""
        column = cohort.category(name)
        if set(named) != set(column.levels):
            levels = ", ".join(column.levels)
            raise self.fault(f"thresholds are for {', '.join(named)}, {name} has {levels}", "give one for every level")
        return column
