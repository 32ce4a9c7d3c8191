"""A phantom's true image."""

from pathlib import Path
from typing import Any, Literal

import phantoms
from containers.toolkit.images.volume import Volume, read_nrrd, write_nrrd
from harness.run.steps import examples
from harness.run.steps.base import Example, Name, Reference, Run, Step
from harness.run.steps.phantom import modules_of
from harness.run.steps.task import Made, Task


class TruthVolume(Step):
    """The image that a right fusion gives, on the grid of an earlier output. Gives `volume`.

    Only of a phantom that knows every voxel (`dixon_ramp`).
    """

    kind: Literal["truth_volume"]
    """Marks the step that makes a phantom's true image."""
    of: Name
    """The phantom input whose truth is sampled."""
    grid: Reference
    """The volume whose grid the image is sampled on."""
    contrast: Name
    """The contrast that is made, by its name in the phantom."""
    fault: Name = "none"
    """Name of the fault that the image has, to prove that a comparison sees it; `none` for the right image."""

    @classmethod
    def example(cls, folder: Path) -> Example:
        last = {"kind": "truth_volume", "of": "people", "grid": "people.dicom_zip", "contrast": "water"}
        inputs = {"phantom": examples.phantom(folder, "dixon_ramp", {}), "grid": examples.volume(folder)}
        good, bad = (
            Task("truth_volume", "a", inputs, {}, {"contrast": "water", "fault": fault})
            for fault in ("none", "no_such")
        )
        return Example({"inputs": {"people": examples.PEOPLE}, "steps": {"last": last}}, good, bad)

    def inputs_by_name(self) -> dict[str, str]:
        return {"phantom": f"{self.of}.phantom", "grid": self.grid}

    def references(self) -> list[str]:
        return [self.grid]

    def phantoms(self) -> list[str]:
        return [self.of]

    def settings(self) -> dict[str, Any]:
        return {"contrast": self.contrast, "fault": self.fault}

    def modules(self, run: Run) -> tuple[str, ...]:
        return modules_of(run.case.inputs[self.of].phantom_name())

    @classmethod
    def run(cls, task: Task, folder: Path) -> Made:
        """The image of a right (or with a fault, of a wrong) fusion on the grid of `grid`."""
        geometry = read_nrrd(task.inputs["grid"]).geometry
        contrast = task.parameters["contrast"]
        data = phantoms.truth_volume(task.inputs["phantom"], geometry, contrast, task.parameters["fault"])
        write_nrrd(folder / "volume.nrrd", Volume(data, geometry, {"contrast": contrast}))
        return Made(files={"volume": "volume.nrrd"})
