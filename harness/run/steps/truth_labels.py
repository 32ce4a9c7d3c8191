"""A phantom's true labels."""

from pathlib import Path
from typing import Literal

import phantoms
from containers.toolkit.images.labels import THIGH_LABELS
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import read_nrrd
from harness.run.steps import examples
from harness.run.steps.base import Example, Name, Reference, Run, Step
from harness.run.steps.phantom import modules_of
from harness.run.steps.task import Made, Task, read_phantom


class TruthLabels(Step):
    """Sample the phantom's true labels on the grid of an earlier output. Gives `labels`."""

    kind: Literal["truth_labels"]
    """Marks the step that samples a phantom's true labels."""
    of: Name
    """The phantom input whose truth is sampled."""
    grid: Reference
    """The volume whose grid the labels are sampled on."""

    @classmethod
    def example(cls, folder: Path) -> Example:
        last = {"kind": "truth_labels", "of": "people", "grid": "people.dicom_zip"}
        who = examples.phantom(folder, "ukb_participant", {"seed": 1})
        good, bad = (
            Task("truth_labels", "a", {"phantom": who, "grid": grid}, {}, {})
            for grid in (examples.volume(folder), examples.broken(folder))
        )
        return Example({"inputs": {"people": examples.PEOPLE}, "steps": {"last": last}}, good, bad)

    def inputs_by_name(self) -> dict[str, str]:
        return {"phantom": f"{self.of}.phantom", "grid": self.grid}

    def references(self) -> list[str]:
        return [self.grid]

    def phantoms(self) -> list[str]:
        return [self.of]

    def modules(self, run: Run) -> tuple[str, ...]:
        return modules_of(run.case.inputs[self.of].phantom_name())

    @classmethod
    def run(cls, task: Task, folder: Path) -> Made:
        """The phantom's labels at the voxel centres of `grid`."""
        geometry = read_nrrd(task.inputs["grid"]).geometry
        labels = phantoms.truth_labels(task.inputs["phantom"], geometry)
        said = read_phantom(task.inputs["phantom"]).get("labels")
        names = {int(value): str(name) for value, name in said.items()} if said else THIGH_LABELS
        write_segmentation(folder / "labels.seg.nrrd", labels, geometry, names)
        return Made(files={"labels": "labels.seg.nrrd"})
