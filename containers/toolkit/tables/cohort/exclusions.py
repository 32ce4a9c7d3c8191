"""Exclusions of the whole cohort, in the order of the file; each is a step of the flow."""

from collections.abc import Iterator

from pydantic import Field, model_validator

from containers.contract.errors import ItemFault
from containers.contract.request import Finite, Strict
from containers.toolkit.tables.cohort.arrays import BoolArray
from containers.toolkit.tables.cohort.columns import Cohort
from containers.toolkit.tables.cohort.flow import Flow, leave_out
from containers.toolkit.tables.cohort.json_input import Name


class Exclusion(Strict):
    """One line of the flow: rows that do not meet the condition go. Exactly one condition.

    A row without a value meets no condition.
    """

    id: Name
    """Name of the exclusion in the flow, unique in the file."""
    column: str | None = None
    """The column that `keep`, `at_least` or `at_most` is about; None with `complete`."""
    keep: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Levels of a category whose rows stay; None for another condition."""
    at_least: Finite | None = None
    """Smallest number whose rows stay, itself included, in the column's unit; None for no bound."""
    at_most: Finite | None = None
    """Largest number whose rows stay, itself included, in the column's unit; None for no bound."""
    complete: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Columns that must have a value; None for another condition."""
    description: str = ""
    """Why the rows go, for people; empty where nothing is said."""

    @model_validator(mode="after")
    def _one_condition(self) -> "Exclusion":
        ranged = self.at_least is not None or self.at_most is not None
        if [self.keep is not None, ranged, self.complete is not None].count(True) != 1:
            raise ValueError("give exactly one of keep, at_least/at_most, complete")
        if (self.complete is None) == (self.column is None):
            raise ValueError("column goes with keep or at_least/at_most, and only with these")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("at_least is above at_most: no row could be kept")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the condition is about."""
        return self.complete if self.complete is not None else (str(self.column),)


def exclude(cohort: Cohort, exclusion: Exclusion, flow: Flow) -> Cohort:
    """The rows that meet the condition. A row without a value meets none, and is counted apart. Raises ItemFault."""
    step, kept = leave_out(exclusion.id, cohort.size, _reasons(cohort, exclusion))
    flow.add(step)
    if step.after == 0:
        where = f"exclusion {exclusion.id}"
        raise ItemFault("leaves no row", where=where, fix="check its condition against the table")
    return cohort.take(kept)


def _reasons(cohort: Cohort, exclusion: Exclusion) -> Iterator[tuple[str, BoolArray]]:
    """Reason and the rows it marks; rows that an earlier reason marks may be marked too."""
    for name in exclusion.columns:
        yield f"{name} missing", cohort.missing(name)
    name = str(exclusion.column)
    if exclusion.keep is not None:
        column = cohort.category(name)
        if unknown := [level for level in exclusion.keep if level not in column.levels]:
            raise ItemFault(
                f"keeps level {unknown[0]!r}, which is none",
                where=f"exclusion {exclusion.id}, column {name}",
                fix=f"levels are {', '.join(column.levels)}",
            )
        yield f"{name} not {', '.join(exclusion.keep)}", ~column.is_in(exclusion.keep)
    if exclusion.at_least is not None:
        yield f"{name} below {exclusion.at_least:g}", cohort.number(name) < exclusion.at_least
    if exclusion.at_most is not None:
        yield f"{name} above {exclusion.at_most:g}", cohort.number(name) > exclusion.at_most
