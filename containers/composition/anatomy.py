"""The label map as the measures need it: names, midline, voxels and volumes by side."""

import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from containers.composition.midline import SagittalPlane, fit_midline
from containers.composition.volumes import count_voxels, side_volumes_cm3
from containers.contract.errors import ItemFault
from containers.contract.request import Item
from containers.contract.stage import Result
from containers.toolkit.images.reading import read_labels as read_label_map
from containers.toolkit.images.volume import Geometry


@dataclass(frozen=True)
class Anatomy:
    """A label map with its midline, voxels and volumes by side."""

    labels: npt.NDArray[np.uint8]
    """Label of each voxel, uint8 (k, j, i)."""
    geometry: Geometry
    """Grid of the labels, in LPS."""
    values: dict[str, int]
    """Label of each structure, by name."""
    plane: SagittalPlane | None
    """The midline that parts left from right; None where there is none."""
    counts: npt.NDArray[np.int64]
    """Voxels by label and side (right, on the plane, left), as `count_voxels` gives them."""
    volumes: dict[str, npt.NDArray[np.float64]]
    """Volume in cm3 by label, for each side and `both`."""

    @property
    def sides(self) -> tuple[str, ...]:
        """The sides that can be distinguished, `both` included."""
        return ("both", "left", "right") if self.plane else ("both",)

    def volume(self, name: str, side: str = "both") -> float | None:
        """Volume in cm3 of a structure on a side, None where it has no voxel."""
        return float(self.volumes[side][self.values[name]]) or None

    def voxels(self, name: str, side: str) -> int:
        """Voxels of a structure on a side; one centred on the midline belongs to both sides."""
        right, middle, left = (int(n) for n in self.counts[self.values[name]])
        return {"both": left + middle + right, "left": left + middle, "right": right + middle}[side]


@dataclass(frozen=True)
class Labels:
    """The label map as it was read."""

    data: npt.NDArray[np.uint8]
    """Label of each voxel, uint8 (k, j, i)."""
    geometry: Geometry
    """Grid of the labels, in LPS."""
    values: dict[str, int]
    """Label of each structure, by name."""
    facts: dict[str, str] = field(default_factory=dict)
    """Further facts of the file, such as where it was cropped from."""


def read_labels(item: Item, result: Result) -> Labels:
    """Read the input `labels`. Names become lower case with underscores ("Rectus femoris": rectus_femoris).

    Raises ItemFault for an unreadable or empty label map, or two segments of one name.
    """
    path = item.inputs["labels"]
    with result.step("read_labels"):
        found = read_label_map(path, result.warn, item.inputs.get("labels_names"))
        volume, names = found.volume, found.names
    values: dict[str, int] = {}
    for value, name in sorted(names.items()):
        canonical = re.sub(r"[^a-z0-9]+", "_", name.strip().lower())
        if canonical in values:
            raise ItemFault(f"has two segments named {canonical!r}", where=path.name, fix="rename or merge them")
        values[canonical] = value
    if not volume.data.any():
        raise ItemFault("has no labelled voxel", where=path.name, fix="give the segmentation of this item")
    return Labels(np.asarray(volume.data, np.uint8), volume.geometry, values, volume.facts)


def thigh_anatomy(labels: Labels, result: Result) -> Anatomy:
    """Fit the midline of a thigh's labels and count them by side."""
    with result.step("midline"):
        plane, warnings = fit_midline(labels.data, labels.geometry, labels.values)
    for warning in warnings:
        result.warn(warning)
    with result.step("volumes"):
        counts = count_voxels(labels.data, labels.geometry, plane)
    volumes = side_volumes_cm3(counts, labels.geometry.voxel_cm3)
    return Anatomy(labels.data, labels.geometry, labels.values, plane, counts, volumes)
