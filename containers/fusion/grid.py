"""The global grid, and where its points lie in a station.

- Axes: those of the superior-most station (canonical, see `stack`); other stations may be oblique to it.
- Spacing: per axis the finest of all stations, unless the request sets it.
- Extent: from the lowest to at least the highest voxel centre of all stations along each axis; the first grid
  point is the lowest centre, so the last may lie up to one voxel beyond the highest.
- Edge: a point counts for a station only when it lies within the span of that station's voxel centres, with
  EDGE_TOLERANCE_VOXELS for rounding. Nothing is extrapolated; outside all stations the value is BACKGROUND.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.contract.volume import Geometry

EDGE_TOLERANCE_VOXELS = 1e-3
"""Positions are printed to about 1e-3 mm: a centre must not fall out of its own station by rounding."""
ALIGNED_TOLERANCE_VOXELS = 1e-3
"""A station whose corners move by no more under the separable mapping counts as parallel to the grid."""
BACKGROUND = 0.0
MAX_VOXELS = 2**31
"""8 GiB of float32: a grid beyond this comes from stations that do not belong together."""


def global_grid(geometries: Sequence[Geometry], spacing_mm: Sequence[float] = ()) -> Geometry:
    """The grid that covers all voxel centres of `geometries` (superior-most first). spacing_mm: (i, j, k) or empty."""
    directions = np.array(geometries[0].directions)
    spacing = np.array(spacing_mm or np.min([g.spacing_mm for g in geometries], axis=0), dtype=float)
    corners = np.concatenate([g.position_mm(_corners(g)) for g in geometries])
    # Along unit axes that need not be perpendicular to the digit: solve, do not project.
    along = corners @ np.linalg.inv(directions)
    low, high = along.min(axis=0), along.max(axis=0)
    counts = [math.ceil(n) + 1 for n in (high - low) / spacing - EDGE_TOLERANCE_VOXELS]
    if math.prod(counts) > MAX_VOXELS:
        raise ItemFault(
            f"the common grid would have {counts[0]} x {counts[1]} x {counts[2]} voxels",
            where="stations",
            mend="check the positions of the series or ask for a coarser `spacing_mm`",
        )
    origin = low @ directions
    return Geometry(
        size=(counts[0], counts[1], counts[2]),
        spacing_mm=(float(spacing[0]), float(spacing[1]), float(spacing[2])),
        origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
        directions=geometries[0].directions,
    )


def _corners(geometry: Geometry) -> npt.NDArray[np.float64]:
    ends = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)], dtype=float)
    corners: npt.NDArray[np.float64] = ends * (np.array(geometry.size) - 1)
    return corners


def affine(grid: Geometry, station: Geometry) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """3x3 matrix A and offset b with station index = A @ grid index + b, both in the order (i, j, k)."""
    inverse = np.linalg.inv(station.matrix())
    return inverse @ grid.matrix(), inverse @ (np.array(grid.origin_mm) - np.array(station.origin_mm))


@dataclass(frozen=True)
class AxisMap:
    """One axis of a parallel station: grid points `start` to `stop` (exclusive) lie inside, at lower + fraction."""

    start: int
    stop: int
    lower: npt.NDArray[np.int64]
    fraction: npt.NDArray[np.float32]


def axis_maps(grid: Geometry, station: Geometry) -> tuple[AxisMap, AxisMap, AxisMap] | None:
    """Maps of the axes i, j, k, or None for a station that is oblique to the grid."""
    matrix, offset = affine(grid, station)
    skew = matrix - np.diag(np.diag(matrix))
    if np.abs(skew @ (np.array(grid.size) - 1.0)).max() > ALIGNED_TOLERANCE_VOXELS or np.diag(matrix).min() <= 0:
        return None
    maps = []
    for axis in range(3):
        index = matrix[axis, axis] * np.arange(grid.size[axis]) + offset[axis]
        last = station.size[axis] - 1
        inside = np.flatnonzero((index >= -EDGE_TOLERANCE_VOXELS) & (index <= last + EDGE_TOLERANCE_VOXELS))
        start, stop = (int(inside[0]), int(inside[-1]) + 1) if inside.size else (0, 0)
        index = np.clip(index[start:stop], 0, last)
        lower = np.minimum(index.astype(np.int64), last - 1)
        maps.append(AxisMap(start, stop, lower, (index - lower).astype(np.float32)))
    return maps[0], maps[1], maps[2]
