"""Items that a phantom makes."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

import phantoms
from containers.contract.request import ItemId, Strict
from harness.run.steps.base import PRESETS, Example, Files, Input, Name, Preset, Run
from harness.run.steps.task import Made, Task, read_phantom

if TYPE_CHECKING:
    from harness.run.outcome import Outcome


class PhantomItem(Strict):
    """One participant or data set of a phantom."""

    id: ItemId
    """Identifier of the item, unique in the input."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Parameters of the phantom for this item alone; they go over those of the input."""
    presets: list[Preset] = Field(default_factory=lambda: list(PRESETS), min_length=1)
    """Presets in which the item is run; all of them where nothing is said."""


class PhantomInput(Input):
    """Items made by `phantoms.make`."""

    kind: Literal["phantom"]
    """Marks an input that a phantom makes."""
    phantom: Name
    """Name of the phantom in the register of `phantoms`."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Parameters of the phantom for every item that does not say otherwise."""
    items: list[PhantomItem] = Field(min_length=1)
    """The items to make, one or more."""

    @classmethod
    def example(cls, folder: Path) -> Example:
        fields = {"kind": "phantom", "phantom": "meta_studies", "items": [{"id": "a"}]}
        good = {"phantom": "meta_studies", "parameters": {"analyses": "overall"}}
        bad = {"phantom": "meta_studies", "parameters": {"no_such": 1}}
        tasks = [Task("phantom", "a", {}, {}, parameters) for parameters in (good, bad)]
        return Example({"inputs": {"last": fields}}, *tasks)

    def in_order(self, arrange: Callable[[list[Any]], None]) -> Input:
        items = list(self.items)
        arrange(items)
        return self.model_copy(update={"items": items})

    def item_ids(self, preset: Preset) -> list[str]:
        return [item.id for item in self.items if preset in item.presets]

    def phantom_name(self) -> str | None:
        return self.phantom

    def drive(self, run: Run, name: str, items: list[str]) -> dict[str, "Outcome"]:
        chosen = {i.id: {**self.parameters, **i.parameters} for i in self.items if i.id in set(items)}
        modules = modules_of(self.phantom)
        return run.perform(
            name,
            {
                item: self.task(item, Files({}, {}), {"phantom": self.phantom, "parameters": parameters}, modules)
                for item, parameters in chosen.items()
            },
        )

    @classmethod
    def run(cls, task: Task, folder: Path) -> Made:
        """A phantom's files, its facts, and its truth under `details`."""
        phantoms.make(task.parameters["phantom"], task.parameters["parameters"], folder)
        said = read_phantom(folder / "phantom.json")
        details = {"truth": said["truth"], "truth_precision": said.get("truth_precision", {})}
        return Made(files={**said["files"], "phantom": "phantom.json"}, facts=said["facts"], details=details)


def modules_of(phantom: str | None) -> tuple[str, ...]:
    """The module that makes a phantom; none for an unknown name, which the task then refuses."""
    return (phantoms.PHANTOMS[phantom],) if phantom in phantoms.PHANTOMS else ()
