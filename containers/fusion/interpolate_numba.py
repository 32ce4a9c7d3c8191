"""The fast backend for CPUs, by numba.

Parallel stations: trilinear interpolation is separable, so for each output row the four stored rows around it
are combined with scalar weights into one row (vectorised), which is then interpolated along i and written once.
Oblique stations: one affine step per voxel. Kernels release the interpreter lock and are called from plain
threads, each on its own slab of output planes; a voxel's arithmetic does not depend on the slabs, so results
are byte-identical for any number of threads.
"""

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from containers.contract.volume import Geometry
from containers.fusion.grid import BACKGROUND, EDGE_TOLERANCE_VOXELS, AxisMap, affine, axis_maps
from containers.fusion.stack import Station

SLAB_PLANES = 16
"""Output planes per task: small enough to balance two threads, large enough to hide the call."""

Volume32 = npt.NDArray[np.float32]
Task = tuple[Callable[..., None], tuple[Any, ...]]


def _compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Compile without the interpreter lock; keep the machine code where a cache folder can be written."""
    try:
        kernel: Callable[..., None] = numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:  # numba found no folder to write its cache to (read-only root)
        kernel = numba.njit(nogil=True, error_model="numpy")(function)
    return kernel


def _aligned(
    out: Any, add: bool, share: Any, data: Any, slope: Any, intercept: Any,
    j_start: Any, i_start: Any, kz: Any, dz: Any, jy: Any, dy: Any, ix: Any, dx: Any,
) -> None:  # fmt: skip
    """Write (or add) one parallel station to `out` (planes, j, i), times `share` (j, i) where stations overlap.

    share of size 0 means that no other station reaches these planes. kz, jy, ix: lower index of every plane,
    row and column inside the station; dz, dy, dx: fractions.
    """
    planes, rows, columns = out.shape
    inside_rows, inside_columns = jy.size, ix.size
    width = data.shape[2]
    one, zero = np.float32(1), np.float32(0)
    line = np.empty(width, np.float32)
    alone = share.size == 0
    # With equal spacing every column has the same fraction: no gathering, two shifted reads.
    steady = True
    for n in range(1, inside_columns):
        steady = steady and ix[n] == ix[0] + n and dx[n] == dx[0]
    for p in range(planes):
        wz1 = dz[p]
        wz0 = one - wz1
        for j in range(rows):
            row = out[p, j]
            inside = j_start <= j < j_start + inside_rows
            if not add:
                if not inside:
                    for i in range(columns):
                        row[i] = zero
                    continue
                for i in range(i_start):
                    row[i] = zero
                for i in range(i_start + inside_columns, columns):
                    row[i] = zero
            elif not inside:
                continue
            y = jy[j - j_start]
            wy1 = dy[j - j_start]
            w00, w01 = wz0 * (one - wy1) * slope, wz0 * wy1 * slope
            w10, w11 = wz1 * (one - wy1) * slope, wz1 * wy1 * slope
            a, b, c, d = data[kz[p], y], data[kz[p], y + 1], data[kz[p] + 1, y], data[kz[p] + 1, y + 1]
            for x in range(width):
                line[x] = (
                    intercept
                    + w00 * np.float32(a[x])
                    + w01 * np.float32(b[x])
                    + w10 * np.float32(c[x])
                    + w11 * np.float32(d[x])
                )
            target = row[i_start : i_start + inside_columns]
            if steady and alone:
                wx1 = dx[0]
                wx0 = one - wx1
                left, right = line[ix[0] : ix[0] + inside_columns], line[ix[0] + 1 : ix[0] + 1 + inside_columns]
                for i in range(inside_columns):
                    target[i] = wx0 * left[i] + wx1 * right[i]
            else:
                for i in range(inside_columns):
                    value = (one - dx[i]) * line[ix[i]] + dx[i] * line[ix[i] + 1]
                    if not alone:
                        value *= share[j, i_start + i]
                    target[i] = target[i] + value if add else value


def _oblique(
    total: Any, count: Any, first_plane: Any, data: Any, slope: Any, intercept: Any, matrix: Any, offset: Any, edge: Any
) -> None:
    """Add one station in any orientation to `total` and `count` (planes, j, i), planes counted from first_plane."""
    last_k, last_j, last_i = data.shape[0] - 1, data.shape[1] - 1, data.shape[2] - 1
    for p in range(total.shape[0]):
        for j in range(total.shape[1]):
            for i in range(total.shape[2]):
                k = p + first_plane
                x = matrix[0, 0] * i + matrix[0, 1] * j + matrix[0, 2] * k + offset[0]
                y = matrix[1, 0] * i + matrix[1, 1] * j + matrix[1, 2] * k + offset[1]
                z = matrix[2, 0] * i + matrix[2, 1] * j + matrix[2, 2] * k + offset[2]
                if not (-edge <= x <= last_i + edge and -edge <= y <= last_j + edge and -edge <= z <= last_k + edge):
                    continue
                x, y, z = min(max(x, 0.0), last_i), min(max(y, 0.0), last_j), min(max(z, 0.0), last_k)
                x0, y0, z0 = min(int(x), last_i - 1), min(int(y), last_j - 1), min(int(z), last_k - 1)
                x, y, z = x - x0, y - y0, z - z0
                lower = (1 - y) * ((1 - x) * data[z0, y0, x0] + x * data[z0, y0, x0 + 1]) + y * (
                    (1 - x) * data[z0, y0 + 1, x0] + x * data[z0, y0 + 1, x0 + 1]
                )
                upper = (1 - y) * ((1 - x) * data[z0 + 1, y0, x0] + x * data[z0 + 1, y0, x0 + 1]) + y * (
                    (1 - x) * data[z0 + 1, y0 + 1, x0] + x * data[z0 + 1, y0 + 1, x0 + 1]
                )
                total[p, j, i] += np.float32(slope * ((1 - z) * lower + z * upper) + intercept)
                count[p, j, i] += 1


_aligned_kernel = _compiled(_aligned)
_oblique_kernel = _compiled(_oblique)


def _slabs(edges: set[int], planes: int) -> list[tuple[int, int]]:
    """Plane ranges that no station starts or ends in, cut to SLAB_PLANES."""
    marks = sorted({0, planes, *edges})
    return [(k, min(k + SLAB_PLANES, b)) for a, b in itertools.pairwise(marks) for k in range(a, b, SLAB_PLANES)]


def _aligned_slab(
    out: Volume32, slab: tuple[int, int], stations: Sequence[Station], maps: Sequence[tuple[AxisMap, AxisMap, AxisMap]]
) -> None:
    start, stop = slab
    present = [n for n, (_, _, k) in enumerate(maps) if k.start <= start and stop <= k.stop]
    planes = out[start:stop]
    if not present:
        planes[:] = BACKGROUND
        return
    share = np.empty((0, 0), np.float32)
    if len(present) > 1:
        count = np.zeros(out.shape[1:], np.float32)
        for n in present:
            i, j, _ = maps[n]
            count[j.start : j.stop, i.start : i.stop] += 1
        share = np.reciprocal(np.maximum(count, np.float32(1)))
    for order, n in enumerate(present):
        station, (i, j, k) = stations[n], maps[n]
        inside = slice(start - k.start, stop - k.start)
        _aligned_kernel(
            planes, order > 0, share, station.data, np.float32(station.slope), np.float32(station.intercept),
            j.start, i.start, k.lower[inside], k.fraction[inside], j.lower, j.fraction, i.lower, i.fraction,
        )  # fmt: skip


def _oblique_slab(out: Volume32, slab: tuple[int, int], stations: Sequence[Station], grid: Geometry) -> None:
    planes = out[slab[0] : slab[1]]
    planes[:] = 0
    count = np.zeros(planes.shape, np.uint8)
    for station in stations:
        matrix, offset = affine(grid, station.geometry)
        _oblique_kernel(
            planes,
            count,
            slab[0],
            station.data,
            station.slope,
            station.intercept,
            matrix,
            offset,
            EDGE_TOLERANCE_VOXELS,
        )
    planes /= np.maximum(count, 1)


def fuse(stations: Sequence[Station], grid: Geometry, out: Volume32, threads: int = 1) -> None:
    """Fill `out` (k, j, i) with the plain average of all stations that contain each point of `grid`."""
    maps = [found for station in stations if (found := axis_maps(grid, station.geometry)) is not None]
    if len(maps) == len(stations):
        slabs = _slabs({edge for _, _, k in maps for edge in (k.start, k.stop)}, grid.size[2])
        tasks: list[Task] = [(_aligned_slab, (out, slab, stations, maps)) for slab in slabs]
    else:
        tasks = [(_oblique_slab, (out, slab, stations, grid)) for slab in _slabs(set(), grid.size[2])]
    _run(tasks, threads)


def _run(tasks: Sequence[Task], threads: int) -> None:
    # The first task runs alone: it compiles, and two threads must not compile the same kernel at once.
    if tasks:
        function, arguments = tasks[0]
        function(*arguments)
    if threads == 1:
        for function, arguments in tasks[1:]:
            function(*arguments)
        return
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(function, *arguments) for function, arguments in tasks[1:]]:
            done.result()
