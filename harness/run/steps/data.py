"""Files from the data folder."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from containers.contract.request import ItemId, Strict
from harness.run.steps.base import Example, Input, Name, Preset, Run

if TYPE_CHECKING:
    from harness.run.outcome import Outcome


class DataItem(Strict):
    """Files of one item."""

    id: ItemId
    """Identifier of the item, unique in the input."""
    files: dict[Name, str] = Field(min_length=1)
    """Paths relative to the data folder, by the names that references use."""


class DataInput(Input):
    """Files from the data folder (MYOREPRO_DATA), which may be missing: then the case is not run, and says so."""

    from_data: ClassVar[bool] = True
    """Its files lie in the data folder."""

    kind: Literal["data"]
    """Marks an input that lies in the data folder."""
    source: str
    """Where the files come from and under which licence."""
    items: list[DataItem] = Field(min_length=1)
    """The items and their files, one or more."""

    @classmethod
    def example(cls, folder: Path) -> Example:
        items = [{"id": "a", "files": {"text": "a.txt"}}]
        return Example({"inputs": {"last": {"kind": "data", "source": "nowhere", "items": items}}})

    def in_order(self, arrange: Callable[[list[Any]], None]) -> Input:
        items = list(self.items)
        arrange(items)
        return self.model_copy(update={"items": items})

    def item_ids(self, preset: Preset) -> list[str]:
        return [item.id for item in self.items]

    def missing(self, data: Path | None) -> str:
        files = (file for item in self.items for file in item.files.values())
        return next((file for file in files if data is None or not (data / file).exists()), "")

    def drive(self, run: Run, name: str, items: list[str]) -> dict[str, "Outcome"]:
        return run.give(self)
