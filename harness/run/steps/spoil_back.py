"""Bad images of the back, and bad labels of them."""

from pathlib import Path
from typing import Literal

import numpy as np

from containers.toolkit.images.labels import SPINE_LABELS
from containers.toolkit.images.segmentation import read_segmentation, write_segmentation
from containers.toolkit.images.volume import read_nrrd, write_nrrd
from harness.run.steps import examples
from harness.run.steps.base import Example, Reference
from harness.run.steps.spoil import Spoil
from harness.run.steps.task import Made, Task


class SpoilBack(Spoil):
    """Make bad inputs of one item's image of the back and its labels, by `phantoms.corrupt.back`. Gives both."""

    kind: Literal["spoil_back"]
    """Marks the step that spoils an image of the back."""
    image: Reference
    """The good T2-weighted volume."""
    labels: Reference
    """The good label map on the volume's grid."""

    @classmethod
    def example(cls, folder: Path) -> Example:
        last = {"kind": "spoil_back", "item": "a", "image": "files.one", "labels": "files.two", "items": [{"id": "b"}]}
        inputs = {"image": examples.volume(folder), "labels": examples.labels(folder, SPINE_LABELS)}
        good, bad = (Task("spoil_back", "b", inputs, {}, {"fault": fault}) for fault in ("left_empty", "no_such"))
        return Example({"inputs": {"files": examples.FILES}, "steps": {"last": last}}, good, bad)

    def inputs_by_name(self) -> dict[str, str]:
        return {"image": self.image, "labels": self.labels}

    @classmethod
    def run(cls, task: Task, folder: Path) -> Made:
        """Copies of a T2-weighted image and of its labels, with one fault in either or with none."""
        from phantoms.corrupt import back  # late: commands without this step start faster

        image = read_nrrd(task.inputs["image"])
        volume, names = read_segmentation(task.inputs["labels"])
        labels, fault = np.asarray(volume.data, dtype=np.uint8), task.parameters["fault"]
        if fault in back.LABEL_FAULTS:
            labels = back.spoil_labels(labels, fault)
        elif fault is not None:
            image = back.spoil_image(image, fault)
        write_nrrd(folder / "image.nrrd", image)
        write_segmentation(folder / "labels.seg.nrrd", labels, volume.geometry, names)
        return Made(files={"image": "image.nrrd", "labels": "labels.seg.nrrd"})
