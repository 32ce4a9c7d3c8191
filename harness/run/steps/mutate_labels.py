"""Labels with a seeded fault."""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from containers.toolkit.images.segmentation import read_segmentation, write_segmentation
from harness.run.steps import examples
from harness.run.steps.base import Example, Name, Reference, Step
from harness.run.steps.task import Made, Task


class MutateLabels(Step):
    """Seed one fault into a label map. Gives `labels`."""

    kind: Literal["mutate_labels"]
    """Marks the step that seeds a fault into labels."""
    labels: Reference
    """The label map that is changed."""
    fault: Name
    """Name of the fault that is seeded."""

    @classmethod
    def example(cls, folder: Path) -> Example:
        last = {"kind": "mutate_labels", "labels": "files.one", "fault": "upside_down"}
        inputs = {"labels": examples.labels(folder)}
        good, bad = (Task("mutate_labels", "a", inputs, {}, {"fault": fault}) for fault in ("upside_down", "no_such"))
        return Example({"inputs": {"files": examples.FILES}, "steps": {"last": last}}, good, bad)

    def inputs_by_name(self) -> dict[str, str]:
        return {"labels": self.labels}

    def settings(self) -> dict[str, Any]:
        return {"fault": self.fault}

    @classmethod
    def run(cls, task: Task, folder: Path) -> Made:
        """The labels with one seeded fault."""
        from phantoms.corrupt.labels import mutate_labels  # late: commands without this step start faster

        volume, names = read_segmentation(task.inputs["labels"])
        labels = np.asarray(volume.data, dtype=np.uint8)
        faulty = mutate_labels(labels, volume.geometry, task.parameters["fault"])
        write_segmentation(folder / "labels.seg.nrrd", faulty, volume.geometry, names)
        return Made(files={"labels": "labels.seg.nrrd"})
