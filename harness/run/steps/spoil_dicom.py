"""Bad zips of DICOM files."""

import shutil
from pathlib import Path
from typing import Literal

from harness.run.steps import examples
from harness.run.steps.base import Example, Reference
from harness.run.steps.spoil import Spoil
from harness.run.steps.task import Made, Task


class SpoilDicom(Spoil):
    """Make bad inputs of one item's zip, by `phantoms.corrupt.dicom`. Gives `dicom_zip`."""

    kind: Literal["spoil_dicom"]
    """Marks the step that spoils a zip of DICOM files."""
    source: Reference
    """The good zip."""

    @classmethod
    def example(cls, folder: Path) -> Example:
        last = {"kind": "spoil_dicom", "item": "a", "source": "files.one", "items": [{"id": "b"}]}
        inputs = {"source": examples.broken(folder)}
        good, bad = (Task("spoil_dicom", "b", inputs, {}, {"fault": fault}) for fault in (None, "no_such"))
        return Example({"inputs": {"files": examples.FILES}, "steps": {"last": last}}, good, bad)

    def inputs_by_name(self) -> dict[str, str]:
        return {"source": self.source}

    @classmethod
    def run(cls, task: Task, folder: Path) -> Made:
        """A copy of the zip, with one fault or with none."""
        from phantoms.corrupt import dicom  # late: commands without this step start faster

        source, target = task.inputs["source"], folder / task.inputs["source"].name
        if task.parameters["fault"] is None:
            shutil.copyfile(source, target)
        else:
            dicom.make(task.parameters["fault"], source, target)
        return Made(files={"dicom_zip": target.name})
