"""The numba-cuda backend, the paper's way: one GPU thread a voxel; one kernel adds, averages and writes.

Each voxel is written once and each station read once: nothing but the input and the output moves through the device's
memory. Stations are uploaded in the order of the planes that they reach. As soon as all stations of a run of planes
are there, its kernel starts, while the next station is on its way and finished planes travel back (three streams,
page-locked host memory).

Runs under the CUDA simulator too (NUMBA_ENABLE_CUDASIM=1 before the first import of numba). Importing this
module needs numba-cuda, which images for CPUs leave out: `backends` imports it only when a GPU is asked for.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import cuda

from containers.fusion.grid import EDGE_TOLERANCE_VOXELS, affine
from containers.fusion.plane_runs import reach, runs
from containers.fusion.stack import Station
from containers.toolkit.images.volume import Geometry

BLOCK = (32, 4, 2)
"""Threads of a block along i, j, k: i first, so that a warp reads and writes neighbours."""
ROWS = 18
"""Numbers of a station in the table: matrix (9), offset (3), size (3), start among the values, slope, intercept."""


def _fuse_planes(out: Any, values: Any, table: Any, start: Any, stop: Any, first: Any, last: Any, edge: Any) -> None:
    """Average stations `first` to `last` on planes `start` to `stop` of `out` (k, j, i), in any orientation."""
    i, j, k = cuda.grid(3)
    k += start
    if i >= out.shape[2] or j >= out.shape[1] or k >= stop:
        return
    total, count = np.float32(0.0), 0
    for n in range(first, last):
        x = table[n, 0] * i + table[n, 1] * j + table[n, 2] * k + table[n, 9]
        y = table[n, 3] * i + table[n, 4] * j + table[n, 5] * k + table[n, 10]
        z = table[n, 6] * i + table[n, 7] * j + table[n, 8] * k + table[n, 11]
        last_i, last_j, last_k = int(table[n, 12]) - 1, int(table[n, 13]) - 1, int(table[n, 14]) - 1
        if x < -edge or y < -edge or z < -edge or x > last_i + edge or y > last_j + edge or z > last_k + edge:
            continue
        x, y, z = min(max(x, 0.0), last_i), min(max(y, 0.0), last_j), min(max(z, 0.0), last_k)
        x0, y0, z0 = min(int(x), last_i - 1), min(int(y), last_j - 1), min(int(z), last_k - 1)
        u, v, w = np.float32(x - x0), np.float32(y - y0), np.float32(z - z0)
        row = last_i + 1
        plane = row * (last_j + 1)
        a = int(table[n, 15]) + z0 * plane + y0 * row + x0
        b = a + plane
        lower = (1 - v) * ((1 - u) * values[a] + u * values[a + 1]) + v * (
            (1 - u) * values[a + row] + u * values[a + row + 1]
        )
        upper = (1 - v) * ((1 - u) * values[b] + u * values[b + 1]) + v * (
            (1 - u) * values[b + row] + u * values[b + row + 1]
        )
        total += np.float32(table[n, 16]) * ((1 - w) * lower + w * upper) + np.float32(table[n, 17])
        count += 1
    out[k, j, i] = total / max(count, 1)


_kernel = cuda.jit(_fuse_planes)


def fuse(stations: Sequence[Station], grid: Geometry, out: npt.NDArray[np.float32]) -> None:
    """Fill `out` (k, j, i) with the plain average of all stations that contain each point of `grid`."""
    reached = [reach(grid, station.geometry) for station in stations]
    order = sorted(range(len(stations)), key=lambda n: reached[n])
    stations, reached = [stations[n] for n in order], [reached[n] for n in order]
    kind = np.result_type(*(station.data.dtype for station in stations))
    data = [np.ascontiguousarray(station.data, dtype=kind).reshape(-1) for station in stations]
    ends = np.cumsum([0, *(len(part) for part in data)])
    table = np.empty((len(stations), ROWS))
    for row, station, start in zip(table, stations, ends, strict=False):
        matrix, offset = affine(grid, station.geometry)
        row[:] = [*matrix.ravel(), *offset, *station.geometry.size, start, station.slope, station.intercept]
    upload, work, download = cuda.stream(), cuda.stream(), cuda.stream()
    with ExitStack() as locked:
        for array in (*data, out):
            locked.enter_context(cuda.pinned(array))
        facts = cuda.to_device(table)
        values, fused = cuda.device_array(int(ends[-1]), kind), cuda.device_array(grid.shape, np.float32)
        there = []
        for part, start in zip(data, ends, strict=False):
            values[int(start) : int(start) + len(part)].copy_to_device(part, stream=upload)
            there.append(cuda.event())
            there[-1].record(upload)
        for run in runs(reached, grid.size[2]):
            if run.last:
                there[run.last - 1].wait(work)
            size = (grid.size[0], grid.size[1], run.stop - run.start)
            blocks = tuple(-(-n // b) for n, b in zip(size, BLOCK, strict=True))
            _kernel[blocks, BLOCK, work](
                fused, values, facts, run.start, run.stop, run.first, run.last, EDGE_TOLERANCE_VOXELS
            )
            done = cuda.event()
            done.record(work)
            done.wait(download)
            fused[run.start : run.stop].copy_to_host(out[run.start : run.stop], stream=download)
        download.synchronize()
