"""NIfTI files as NRRD."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from containers.contract.errors import ItemFault
from containers.toolkit.images.reading import read_volume
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd
from harness.run.steps import examples
from harness.run.steps.base import Example, Name, Reference, Step
from harness.run.steps.task import Made, Task


class ImportNifti(Step):
    """NIfTI files to NRRD in LPS. Gives the names of `volumes` and `masks`."""

    kind: Literal["import_nifti"]
    """Marks the step that imports NIfTI files."""
    volumes: dict[Name, Reference] = Field(min_length=1)
    """The images, by the names that they get."""
    masks: dict[Name, Reference] = Field(default_factory=dict)
    """Masks by their names, sampled by nearest neighbour in world coordinates on the grid of the volume `grid`."""
    grid: Name
    """Name of the volume in `volumes` whose grid the masks are sampled on."""
    structure: str = "region"
    """Name of the structure that a mask's values above 0 become."""
    structures: dict[str, str] = Field(default_factory=dict)
    """Names of a mask's values (as text), where it has several structures; empty for one, `structure`."""

    @classmethod
    def example(cls, folder: Path) -> Example:
        import nibabel

        last = {"kind": "import_nifti", "volumes": {"v": "files.one"}, "masks": {"m": "files.two"}, "grid": "v"}
        data = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
        nibabel.save(nibabel.Nifti1Image(data, np.diag([2.0, 2.0, 3.0, 1.0])), folder / "v.nii")
        parameters = {"volumes": ["v"], "masks": ["m"], "grid": "v", "structure": "region", "structures": {}}
        good, bad = (
            Task("import_nifti", "a", {"v": path, "m": folder / "v.nii"}, {}, parameters)
            for path in (folder / "v.nii", examples.broken(folder))
        )
        return Example({"inputs": {"files": examples.FILES}, "steps": {"last": last}}, good, bad)

    def inputs_by_name(self) -> dict[str, str]:
        return {**self.volumes, **self.masks}

    def references(self) -> list[str]:
        return [*self.volumes.values(), *self.masks.values()]

    def settings(self) -> dict[str, Any]:
        return {
            "volumes": sorted(self.volumes),
            "masks": sorted(self.masks),
            "grid": self.grid,
            "structure": self.structure,
            "structures": self.structures,
        }

    @classmethod
    def run(cls, task: Task, folder: Path) -> Made:
        """NIfTI (RAS, i fastest) as NRRD (LPS, (k, j, i)): the signs of x and y change. Only masks are resampled."""
        made = Made()
        grid: Geometry | None = None
        for name in task.parameters["volumes"]:
            volume = read_volume(task.inputs[name], made.warnings.append)
            volume = Volume(np.asarray(volume.data, dtype=np.float32), volume.geometry)
            grid = volume.geometry if name == task.parameters["grid"] else grid
            write_nrrd(folder / f"{name}.nrrd", volume)
            made.files[name] = f"{name}.nrrd"
        if grid is None:
            raise ItemFault("is not among the volumes", where=f"grid {task.parameters['grid']}", fix="name a volume")
        for name in task.parameters["masks"]:
            labels = sample_nearest(read_volume(task.inputs[name], made.warnings.append), grid)
            names = {int(value): said for value, said in task.parameters["structures"].items()}
            if unnamed := sorted({int(value) for value in np.unique(labels) if value} - set(names)) if names else []:
                raise ItemFault(
                    f"has the value {unnamed[0]}, which has no name", where=name, fix="name it in structures"
                )
            values = labels if names else labels > 0
            names = names or {1: task.parameters["structure"]}
            write_segmentation(folder / f"{name}.seg.nrrd", values.astype(np.uint8), grid, names)
            made.files[name] = f"{name}.seg.nrrd"
        return made


def sample_nearest(volume: Volume, grid: Geometry) -> npt.NDArray[np.float32]:
    """Values of `volume` at the voxel centres of `grid` (k, j, i), nearest neighbour in mm; 0 outside it."""
    k, j, i = np.indices(grid.shape)
    centres = grid.position_mm(np.stack([i, j, k], axis=-1).reshape(-1, 3))
    index = np.rint(volume.geometry.index(centres)).astype(int)
    inside = np.all((index >= 0) & (index < np.array(volume.geometry.size)), axis=1)
    values = np.zeros(len(index), dtype=np.float32)
    at = index[inside]
    values[inside] = volume.data[at[:, 2], at[:, 1], at[:, 0]]
    return values.reshape(grid.shape)
