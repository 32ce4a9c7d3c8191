"""Volumes turned so that their axes run Left, Posterior, Superior as nearly as they can, and back.

Axes are permuted and mirrored, never interpolated: networks know no directions, so what one is trained on and what it
is given must have the same ones. Arrays are (z, y, x) once turned; x runs to the Left.
"""

from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
import numpy.typing as npt

from containers.toolkit.images.volume import Geometry, Volume


@dataclass(frozen=True)
class Turn:
    """How a volume's axes (k, j, i) become (z, y, x)."""

    order: tuple[int, int, int]
    """Array axis of the volume that each turned axis is."""
    mirrored: tuple[int, ...]
    """Turned axes that run backwards, after the permutation."""
    spacing_mm: tuple[float, float, float]
    """Voxel edges along (z, y, x), in mm."""
    axial_degrees: float
    """Angle between the turned z axis and Superior, in degrees."""

    def apply(self, data: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Data (k, j, i) as (z, y, x), a view."""
        return np.flip(np.transpose(data, self.order), self.mirrored)

    def undo(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Data (z, y, x) as (k, j, i)."""
        back = np.argsort(self.order)
        return np.ascontiguousarray(np.transpose(np.flip(data, self.mirrored), back))


def slices_last(volume: Volume) -> Volume:
    """The volume with its axes i, j, k nearest to left-right, front-back and up-down: the same voxels and places.

    Axes are exchanged and none is mirrored. A file may store axial slices with any axis last.
    """
    order = turn_of(volume.geometry).order
    if order == (0, 1, 2):
        return volume
    axes = [2 - axis for axis in reversed(order)]  # old axis (0 = i) of the new i, j, k
    grid, sizes, edges = volume.geometry, volume.geometry.size, volume.geometry.spacing_mm
    turned = replace(
        grid,
        size=(sizes[axes[0]], sizes[axes[1]], sizes[axes[2]]),
        spacing_mm=(edges[axes[0]], edges[axes[1]], edges[axes[2]]),
        directions=tuple(grid.directions[axis] for axis in axes),
    )
    return replace(volume, data=np.ascontiguousarray(np.transpose(volume.data, order)), geometry=turned)


def turn_of(geometry: Geometry) -> Turn:
    """The turn that brings a grid nearest to LPS, oblique axes included; the origin plays no part."""
    directions = np.array(geometry.directions)  # rows: axes i, j, k; columns: x, y, z
    best = max(
        permutations(range(3)),
        key=lambda axes: sum(abs(directions[axis, world]) for world, axis in enumerate(axes)),
    )
    # best[world] is the voxel axis (0 = i) that runs along x, y, z; arrays count from k.
    order = (2 - best[2], 2 - best[1], 2 - best[0])
    mirrored = tuple(n for n, world in enumerate((2, 1, 0)) if directions[best[world], world] < 0)
    spacing = geometry.spacing_mm
    tilt = float(np.degrees(np.arccos(min(1.0, abs(directions[best[2], 2])))))
    return Turn(order, mirrored, (spacing[best[2]], spacing[best[1]], spacing[best[0]]), tilt)
