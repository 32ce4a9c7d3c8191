"""Volumes on the working grid and back, in world coordinates.

A volume is first turned (see `toolkit.images.turn`). The working grid has its axes, another spacing, and the same
middle, so that resampling is one linear interpolation per axis. Arrays are (z, y, x).
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


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
