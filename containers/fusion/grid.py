"""The global grid, and where its points lie in a station.

- Axes: those of the superior-most station (canonical, see `stack`); other stations may be oblique to it.
- Spacing: per axis the finest of all stations, unless the request sets it.
- Extent: from the lowest to at least the highest voxel centre of all stations along each axis; the first grid
  point is the lowest centre, so the last may lie up to one voxel beyond the highest.
- Edge: a point counts for a station only when it lies within the span of that station's voxel centres, with
  EDGE_TOLERANCE_VOXELS for rounding. Nothing is extrapolated; outside all stations the value is BACKGROUND.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.toolkit.images.volume import Geometry

EDGE_TOLERANCE_VOXELS = 1e-3
"""Positions are printed to about 1e-3 mm: a centre must not fall out of its own station by rounding."""
ALIGNED_TOLERANCE_VOXELS = 1e-3
"""A station whose corners move by no more under the separable mapping counts as parallel to the grid."""
BACKGROUND = 0.0
VOXEL_BYTES = 4
"""One contrast is fused as float32."""
LARGEST_BYTES = 4 << 30
"""A box of 2 m x 1 m x 0.5 m at 1 mm fits: a grid beyond this is a slip, or its stations do not belong together."""


def memory_limit(memory_bytes: int | None) -> int:
    """Bytes that one contrast may take: the job's memory, or without a limit the machine's."""
    if memory_bytes is not None:
        return memory_bytes
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def global_grid(
    geometries: Sequence[Geometry], spacing_mm: Sequence[float] = (), memory_bytes: int | None = None
) -> Geometry:
    """The grid that covers all voxel centres of `geometries` (superior-most first). spacing_mm: (i, j, k) or empty.

    Raises ItemFault when one contrast on it would not fit into `memory_bytes`, or into the machine's memory.
    """
    directions = np.array(geometries[0].directions)
    spacing = np.array(spacing_mm or np.min([g.spacing_mm for g in geometries], axis=0), dtype=float)
    corners = np.concatenate([g.position_mm(_corners(g)) for g in geometries])
    # Along unit axes that need not be perpendicular to the digit: solve, do not project.
    along = corners @ np.linalg.inv(directions)
    low, high = along.min(axis=0), along.max(axis=0)
    counts = [math.ceil(n) + 1 for n in (high - low) / spacing - EDGE_TOLERANCE_VOXELS]
    size, limit = math.prod(counts) * VOXEL_BYTES, min(memory_limit(memory_bytes), LARGEST_BYTES)
    if size > limit:
        steps, sizes = " x ".join(f"{s:g}" for s in spacing), " x ".join(str(n) for n in counts)
        raise ItemFault(
            f"the common grid of {steps} mm would have {sizes} voxels, {size / 2**30:.1f} GiB a contrast, "
            f"and {limit / 2**30:.1f} GiB are allowed",
            where="stations",
            fix="check the positions of the series or ask for a coarser `spacing_mm`"
            + (" or for more memory" if limit < LARGEST_BYTES else ""),
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
    """One axis of a parallel station on the fused grid."""

    start: int
    """First grid point that lies inside the station."""
    stop: int
    """Grid point after the last one that lies inside."""
    lower: npt.NDArray[np.int64]
    """Index of the station's voxel below each of these points."""
    fraction: npt.NDArray[np.float32]
    """Distance from that voxel to the next one, 0 to 1."""


def axis_maps(grid: Geometry, station: Geometry) -> tuple[AxisMap, AxisMap, AxisMap] | None:
    """Maps of the axes i, j, k, or None for a station that is oblique to the grid."""
    matrix, offset = affine(grid, station)
    skew = matrix - np.diag(np.diag(matrix))
    # The farthest corner: the signs of a turn about the grid's diagonal cancel at one corner, never at all of them.
    if (np.abs(skew) @ (np.array(grid.size) - 1.0)).max() > ALIGNED_TOLERANCE_VOXELS or np.diag(matrix).min() <= 0:
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
