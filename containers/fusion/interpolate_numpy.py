"""The plain reference: equations 1 to 3 of ukb_thigh as they are printed, one station after the other, float64."""

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from containers.fusion.grid import BACKGROUND, EDGE_TOLERANCE_VOXELS, affine
from containers.fusion.stack import Station
from containers.toolkit.images.volume import Geometry


def interpolate(
    station: Station, index: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Values at fractional indices (..., 3) in the order (i, j, k), and which of them lie inside the station.

    P(x, y, z) = sum over the eight corners of C_ijk w_i(x) w_j(y) w_k(z), with w_n(d) = d^n (1 - d)^(1 - n).
    """
    last = np.array(station.geometry.size) - 1
    inside = np.all((index >= -EDGE_TOLERANCE_VOXELS) & (index <= last + EDGE_TOLERANCE_VOXELS), axis=-1)
    clipped = np.clip(index, 0, last)
    corner = np.minimum(clipped.astype(np.int64), last - 1)
    d = clipped - corner
    values = np.zeros(index.shape[:-1])
    for i, j, k in itertools.product((0, 1), repeat=3):
        stored = station.data[corner[..., 2] + k, corner[..., 1] + j, corner[..., 0] + i]
        c_ijk = station.slope * stored.astype(np.float64) + station.intercept
        values += c_ijk * _weight(i, d[..., 0]) * _weight(j, d[..., 1]) * _weight(k, d[..., 2])
    return values, inside


def _weight(n: int, d: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return d**n * (1 - d) ** (1 - n)


def fuse(stations: Sequence[Station], grid: Geometry, out: npt.NDArray[np.float32]) -> None:
    """Fill `out` (k, j, i) with the plain average of all stations that contain each point of `grid`."""
    i, j = np.meshgrid(np.arange(grid.size[0]), np.arange(grid.size[1]))
    for k in range(grid.size[2]):
        points = np.stack([i, j, np.full_like(i, k)], axis=-1)
        total, count = np.zeros(i.shape), np.zeros(i.shape, np.int64)
        for station in stations:
            matrix, offset = affine(grid, station.geometry)
            values, inside = interpolate(station, points @ matrix.T + offset)
            total += np.where(inside, values, 0.0)
            count += inside
        out[k] = np.where(count > 0, total / np.maximum(count, 1), BACKGROUND)
