"""Where each label lies in its grid: its voxels along each axis, from one pass over the map."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.toolkit.images.volume import Geometry

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Extent:
    """Voxels of each label in each plane across an axis."""

    geometry: Geometry
    """Grid of the labels, in LPS."""
    planes: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]
    """Per axis i, j, k: voxels (256, size) by label and index along the axis."""

    def middle_mm(self, labels: Iterable[int]) -> Array | None:
        """LPS position (3,) in mm of the median index along each axis, of labels taken as one; None without voxels.

        Medians: specks far off, as networks leave them, move no structure.
        """
        chosen = list(labels)
        index = []
        for axis in self.planes:
            along = np.cumsum(axis[chosen].sum(axis=0))
            if not along[-1]:
                return None
            low, high = np.searchsorted(along, [(along[-1] + 1) // 2, along[-1] // 2 + 1])
            index.append((low + high) / 2)
        return self.geometry.position_mm(index)

    def range_mm(self, labels: Iterable[int]) -> tuple[float, float]:
        """Least and largest x (LPS, mm) of the boxes of labels, taken as one. They have voxels."""
        chosen, spans = list(labels), []
        for axis in self.planes:
            there = np.flatnonzero(axis[chosen].sum(axis=0))
            spans.append((int(there[0]), int(there[-1])))
        corners = [[i, j, k] for i in spans[0] for j in spans[1] for k in spans[2]]
        x = self.geometry.position_mm(corners)[:, 0]
        return float(x.min()), float(x.max())

    def at_edge(self, label: int) -> bool:
        """Whether a label has a voxel in the first or last plane of the grid along any axis."""
        return any(bool(axis[label, 0] or axis[label, -1]) for axis in self.planes)


def extent_of(labels: npt.NDArray[np.uint8], geometry: Geometry) -> Extent:
    """Count labels (k, j, i), of which all are below 256, by plane. Slice by slice, so memory is that of one slice."""
    size_i, size_j, size_k = geometry.size
    i = np.zeros(256 * size_i, np.int64)
    j = np.zeros(256 * size_j, np.int64)
    k = np.zeros((256, size_k), np.int64)
    for number, page in enumerate(labels):
        flat = page.reshape(-1)
        places = np.flatnonzero(flat)
        label = flat[places].astype(np.intp)
        k[:, number] = np.bincount(label, minlength=256)
        j += np.bincount(label * size_j + places // size_i, minlength=256 * size_j)
        i += np.bincount(label * size_i + places % size_i, minlength=256 * size_i)
    return Extent(geometry, (i.reshape(256, size_i), j.reshape(256, size_j), k))
