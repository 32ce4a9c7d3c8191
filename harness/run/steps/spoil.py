"""What all steps have in common that make bad inputs of a good one."""

import re
from collections.abc import Mapping

from pydantic import Field, model_validator

from containers.contract.request import ItemId, Strict
from harness.run.steps.base import Name, Run, Step
from harness.run.steps.task import Held, Task


class SpoiledItem(Strict):
    """A copy of a good input with one fault, which the stage that reads it must refuse.

    An item without a fault must give a result among the bad ones.
    """

    id: ItemId
    """Identifier of the new item."""
    fault: Name | None = None
    """Name of the fault that the copy gets; None for an unchanged copy."""
    error: str | None = None
    """Regular expression that the stage's error line must match; None exactly where there is no fault."""

    @model_validator(mode="after")
    def _fault_has_an_error(self) -> "SpoiledItem":
        if (self.fault is None) != (self.error is None):
            raise ValueError(f"item {self.id} needs both fault and error, or neither")
        if self.error is not None:
            try:
                re.compile(self.error)
            except re.error as error:
                raise ValueError(f"error of item {self.id} is not a regular expression ({error})") from error
        return self


class Spoil(Step):
    """Bad inputs made of the good ones of `item`, for items of their own."""

    item: ItemId
    """The good item that the bad ones are made of."""
    items: list[SpoiledItem] = Field(min_length=1)
    """The items to make, one or more."""

    def item_ids(self, name: str, sets: Mapping[str, list[str]]) -> list[str]:
        if self.item not in sets[self.one_source(name, sets)]:
            raise ValueError(f"step {name} refers to item {self.item!r}, which its source does not have")
        return [item.id for item in self.items]

    def tasks(self, run: Run, items: list[str]) -> dict[str, Task | Held]:
        files = run.resolve(self.inputs_by_name(), self.item)
        if isinstance(files, Held):
            return {item.id: files for item in self.items}
        return {item.id: self.task(item.id, files, {"fault": item.fault}) for item in self.items}

    def expected_errors(self) -> dict[str, str]:
        return {item.id: item.error for item in self.items if item.error is not None}
