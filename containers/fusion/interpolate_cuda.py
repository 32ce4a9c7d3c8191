"""The numba-cuda backend, the paper's way: one GPU thread a voxel, one launch a station.

Runs under the CUDA simulator too (NUMBA_ENABLE_CUDASIM=1 before the first import of numba). Importing this
module needs numba-cuda, which images for CPUs leave out: `backends` imports it only when a GPU is asked for.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import cuda

from containers.contract.volume import Geometry
from containers.fusion.grid import EDGE_TOLERANCE_VOXELS, affine
from containers.fusion.stack import Station

BLOCK = (32, 4, 2)
"""Threads of a block along i, j, k: i first, so that a warp reads and writes neighbours."""


def _add_station(
    total: Any, count: Any, data: Any, slope: Any, intercept: Any, matrix: Any, offset: Any, edge: Any
) -> None:
    """Add one station to `total` and `count` (k, j, i), in any orientation."""
    i, j, k = cuda.grid(3)
    if i >= total.shape[2] or j >= total.shape[1] or k >= total.shape[0]:
        return
    last_k, last_j, last_i = data.shape[0] - 1, data.shape[1] - 1, data.shape[2] - 1
    x = matrix[0, 0] * i + matrix[0, 1] * j + matrix[0, 2] * k + offset[0]
    y = matrix[1, 0] * i + matrix[1, 1] * j + matrix[1, 2] * k + offset[1]
    z = matrix[2, 0] * i + matrix[2, 1] * j + matrix[2, 2] * k + offset[2]
    if x < -edge or y < -edge or z < -edge or x > last_i + edge or y > last_j + edge or z > last_k + edge:
        return
    x, y, z = min(max(x, 0.0), last_i), min(max(y, 0.0), last_j), min(max(z, 0.0), last_k)
    x0, y0, z0 = min(int(x), last_i - 1), min(int(y), last_j - 1), min(int(z), last_k - 1)
    x, y, z = x - x0, y - y0, z - z0
    lower = (1 - y) * ((1 - x) * data[z0, y0, x0] + x * data[z0, y0, x0 + 1]) + y * (
        (1 - x) * data[z0, y0 + 1, x0] + x * data[z0, y0 + 1, x0 + 1]
    )
    upper = (1 - y) * ((1 - x) * data[z0 + 1, y0, x0] + x * data[z0 + 1, y0, x0 + 1]) + y * (
        (1 - x) * data[z0 + 1, y0 + 1, x0] + x * data[z0 + 1, y0 + 1, x0 + 1]
    )
    total[k, j, i] += slope * ((1 - z) * lower + z * upper) + intercept
    count[k, j, i] += 1


_kernel = cuda.jit(_add_station)


def fuse(stations: Sequence[Station], grid: Geometry, out: npt.NDArray[np.float32]) -> None:
    """Fill `out` (k, j, i) with the plain average of all stations that contain each point of `grid`."""
    total = cuda.to_device(np.zeros(grid.shape, np.float32))
    count = cuda.to_device(np.zeros(grid.shape, np.int8))
    blocks = tuple(-(-n // b) for n, b in zip(grid.size, BLOCK, strict=True))
    for station in stations:
        matrix, offset = affine(grid, station.geometry)
        _kernel[blocks, BLOCK](
            total, count, cuda.to_device(station.data), station.slope, station.intercept,
            cuda.to_device(matrix), cuda.to_device(offset), EDGE_TOLERANCE_VOXELS,
        )  # fmt: skip
    total.copy_to_host(out)
    out /= np.maximum(count.copy_to_host(), 1)
