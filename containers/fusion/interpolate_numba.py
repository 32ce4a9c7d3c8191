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

import numpy as np
import numpy.typing as npt

from containers.fusion.grid import BACKGROUND, EDGE_TOLERANCE_VOXELS, AxisMap, affine, axis_maps
from containers.fusion.kernels import aligned, oblique
from containers.fusion.stack import Station
from containers.toolkit.images.volume import Geometry

SLAB_PLANES = 16
"""Output planes per task: small enough to balance two threads, large enough to hide the call."""

Volume32 = npt.NDArray[np.float32]
Task = tuple[Callable[..., None], tuple[Any, ...]]


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
        aligned(
            planes, order > 0, share, station.data, np.float32(station.slope), np.float32(station.intercept),
            j.start, i.start, k.lower[inside], k.fraction[inside], j.lower, j.fraction, i.lower, i.fraction,
        )  # fmt: skip


def _oblique_slab(out: Volume32, slab: tuple[int, int], stations: Sequence[Station], grid: Geometry) -> None:
    planes = out[slab[0] : slab[1]]
    planes[:] = 0
    count = np.zeros(planes.shape, np.uint8)
    for station in stations:
        matrix, offset = affine(grid, station.geometry)
        oblique(
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
