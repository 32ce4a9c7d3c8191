"""Labels on the grid of the images: nearest neighbour in LPS coordinates, never by array index."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from containers.toolkit.images.volume import Geometry


def labels_on_grid(labels: npt.NDArray[np.uint8], source: Geometry, grid: Geometry) -> npt.NDArray[np.uint8]:
    """The label (k, j, i) at each voxel centre of `grid`; 0 outside the voxels of `source`.

    A point half a voxel outside the last centre still lies inside the last voxel.
    """
    to_source = np.linalg.inv(source.matrix())
    matrix = to_source @ grid.matrix()
    offset = to_source @ (np.asarray(grid.origin_mm) - np.asarray(source.origin_mm))
    on_grid: npt.NDArray[np.uint8] = ndimage.affine_transform(
        labels,
        matrix[::-1, ::-1],
        offset[::-1],
        output_shape=grid.shape,
        order=0,
        mode="grid-constant",
        cval=0,
        prefilter=False,
    )
    return on_grid


def fraction_inside(labels: npt.NDArray[np.uint8], source: Geometry, grid: Geometry) -> float:
    """Fraction of the labelled voxel centres of `source` that lie inside the voxels of `grid`. 0 without labels."""
    inside = total = 0
    size = np.asarray(grid.size)
    for k, page in enumerate(labels):
        ji = np.argwhere(page)
        total += len(ji)
        position = source.position_mm(np.column_stack([ji[:, 1], ji[:, 0], np.full(len(ji), k)]))
        index = grid.index(position)
        inside += int(((index >= -0.5 - 1e-6) & (index <= size - 0.5 + 1e-6)).all(axis=1).sum())
    return inside / total if total else 0.0
