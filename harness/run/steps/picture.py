"""One picture for the report."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from containers.contract.request import ItemId
from harness.pictures.registry import find, pictures
from harness.run.steps import examples
from harness.run.steps.base import Example, Name, Part, Reference, Run
from harness.run.steps.task import Held, Made, Task


def _known(kind: str) -> str:
    return find(kind).name


PictureKind = Annotated[
    str,
    AfterValidator(_known),
    Field(json_schema_extra=lambda schema: schema.update(enum=list(pictures()))),
]
"""Name of a picture that is registered."""


class PictureSpec(Part):
    """One picture of one item, drawn by a function that is registered in `harness.pictures`."""

    name: Name
    """Name of the picture, unique in the case, and of its PNG."""
    title: str
    """Heading of the picture in the report."""
    kind: PictureKind
    """The function that draws it."""
    item: ItemId
    """The item that is drawn."""
    volume: Reference
    """What is drawn: a volume, or for plots the file with the numbers."""
    overlay: Reference | None = None
    """What goes with it (seams, labels, expected values, analyses of a table); None for kinds without one."""
    analysis: Name | None = None
    """Identifier of the analysis in a results.json that is drawn; None for kinds that draw a whole file."""
    alt: str
    """What the picture shows, for readers who do not see it."""

    @classmethod
    def kind_name(cls) -> str:
        return "picture"

    @classmethod
    def example(cls, folder: Path) -> Example:
        last = {"name": "last", "title": "t", "kind": "performance", "item": "a", "volume": "files.one", "alt": "t"}
        [shown] = find("performance").example(folder)
        parameters = {"draw": "performance", "title": "t", "evidence": "phantom"}
        good, bad = (
            Task("picture", "a", {"volume": path}, {}, parameters) for path in (shown, examples.broken(folder))
        )
        return Example({"inputs": {"files": examples.FILES}, "pictures": [last]}, good, bad)

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> "PictureSpec":
        needs = find(self.kind).needs
        for field, given in (("analysis", self.analysis is not None), ("overlay", self.overlay is not None)):
            needed = field == needs
            if given != needed:
                raise ValueError(f"picture {self.name} of kind {self.kind} {'needs' if needed else 'has no'} {field}")
        return self

    def references(self) -> dict[str, str]:
        """The references by the name of their field."""
        return {"volume": self.volume, **({"overlay": self.overlay} if self.overlay else {})}

    def task_of(self, run: Run) -> Task | Held:
        """What is to be drawn; or why it cannot be."""
        files = run.resolve(self.references(), self.item)
        if isinstance(files, Held):
            return files
        parameters = {"draw": self.kind, "title": self.title, "evidence": run.case.evidence}
        if self.analysis:
            parameters["analysis"] = self.analysis
        return self.task(self.item, files, parameters, (find(self.kind).module,))

    @classmethod
    def run(cls, task: Task, folder: Path) -> Made:
        """A PNG by the drawing function of its name; `evidence` is drawn into it."""
        # A kind has an overlay, an analysis, or neither: the case file says which.
        shown: list[Any] = [task.inputs[name] for name in ("volume", "overlay") if name in task.inputs]
        shown += [task.parameters["analysis"]] if "analysis" in task.parameters else []
        draw = find(task.parameters["draw"]).draw
        draw(*shown, folder / "picture.png", task.parameters["title"], task.parameters["evidence"])
        return Made(files={"picture": "picture.png"})
