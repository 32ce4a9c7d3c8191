"""Volumes on the working grid and back, in world coordinates.

A volume is first turned so that its axes run Left, Posterior, Superior as nearly as they can (permuted and mirrored,
never interpolated). The working grid has those axes, another spacing, and the same middle, so that resampling is one
linear interpolation per axis. Arrays are (z, y, x) once turned.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.toolkit.images.volume import Geometry

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Turn:
    """How a volume's axes (k, j, i) become (z, y, x)."""

    order: tuple[int, int, int]
    """Array axis of the volume that each turned axis is."""
    mirrored: tuple[int, ...]
    """Turned axes that run backwards, after the permutation."""
    spacing_mm: tuple[float, float, float]
    """Voxel edges along (z, y, x), in mm."""

    def apply(self, data: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Data (k, j, i) as (z, y, x), a view."""
        return np.flip(np.transpose(data, self.order), self.mirrored)

    def undo(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Data (z, y, x) as (k, j, i)."""
        back = np.argsort(self.order)
        return np.ascontiguousarray(np.transpose(np.flip(data, self.mirrored), back))


def turn_of(geometry: Geometry) -> Turn:
    """The turn that brings a grid nearest to LPS. `spacing_mm` of it is along (z, y, x)."""
    directions = np.array(geometry.directions)  # rows: axes i, j, k; columns: x, y, z
    best = max(
        ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)),
        key=lambda axes: sum(abs(directions[axis, world]) for world, axis in enumerate(axes)),
    )
    # best[world] is the voxel axis (0 = i) that runs along x, y, z; arrays count from k.
    order = (2 - best[2], 2 - best[1], 2 - best[0])
    mirrored = tuple(n for n, world in enumerate((2, 1, 0)) if directions[best[world], world] < 0)
    spacing = geometry.spacing_mm
    return Turn(order, mirrored, (spacing[best[2]], spacing[best[1]], spacing[best[0]]))


@dataclass(frozen=True)
class Axis:
    """One axis of two grids with the same middle."""

    native: int
    """Voxels of the native grid."""
    working: int
    """Voxels of the working grid."""
    native_mm: float
    """Edge of a native voxel, in mm."""
    working_mm: float
    """Edge of a working voxel, in mm."""

    def to_native(self) -> npt.NDArray[np.float64]:
        """Positions of the working voxels, in native voxels."""
        middle = np.arange(self.working) - (self.working - 1) / 2
        return np.asarray(middle * (self.working_mm / self.native_mm) + (self.native - 1) / 2)

    def to_working(self) -> npt.NDArray[np.float64]:
        """Positions of the native voxels, in working voxels."""
        middle = np.arange(self.native) - (self.native - 1) / 2
        return np.asarray(middle * (self.native_mm / self.working_mm) + (self.working - 1) / 2)


def axes_of(shape: tuple[int, ...], spacing_mm: tuple[float, ...], working_mm: tuple[float, ...]) -> list[Axis]:
    """Axes (z, y, x) of a turned volume and its working grid, which covers all of it."""
    return [
        Axis(n, max(1, math.ceil(n * native / working - 1e-6)), native, working)
        for n, native, working in zip(shape, spacing_mm, working_mm, strict=True)
    ]


def interpolate(data: Array, positions: npt.NDArray[np.float64], axis: int) -> Array:
    """Linear interpolation of `data` along one axis; the end values go on outside."""
    last = data.shape[axis] - 1
    inside = np.clip(positions, 0, last)
    lower = np.minimum(inside.astype(np.int64), max(last - 1, 0))
    weight = (inside - lower).astype(np.float32)
    shape = [1] * data.ndim
    shape[axis] = -1
    low: Array = np.take(data, lower, axis=axis)
    high: Array = np.take(data, np.minimum(lower + 1, last), axis=axis)
    high -= low
    high *= weight.reshape(shape)
    high += low
    return high


def image_to_working(data: Array, axes: list[Axis]) -> Array:
    """Trilinear interpolation (ukb_thigh, Methods: images) of a turned volume onto the working grid."""
    for n, axis in enumerate(axes):
        data = interpolate(data, axis.to_native(), n)
    return np.ascontiguousarray(data)


def mask_to_working(data: npt.NDArray[np.uint8], axes: list[Axis]) -> npt.NDArray[np.uint8]:
    """Nearest neighbour (ukb_thigh, Methods: masks) of a turned label map onto the working grid."""
    index = [np.clip(np.floor(axis.to_native() + 0.5).astype(np.int64), 0, axis.native - 1) for axis in axes]
    return np.ascontiguousarray(data[np.ix_(*index)])


def windowed(data: npt.NDArray[np.generic], window: tuple[float, float]) -> Array:
    """Intensities with the window mapped to 0..1 and cut off there (ukb_thigh, Methods)."""
    low, high = window
    scaled: Array = np.asarray(data, dtype=np.float32) - np.float32(low)
    scaled *= np.float32(1 / (high - low))
    np.clip(scaled, 0.0, 1.0, out=scaled)
    return scaled
