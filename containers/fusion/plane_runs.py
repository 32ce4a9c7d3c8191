"""In which order planes of the fused grid can be finished while stations are still on their way to the device.

Apart from `interpolate_cuda`, which works by it, so that it can be used and tested where no part of CUDA is installed.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from containers.fusion.grid import affine
from containers.toolkit.images.volume import Geometry


@dataclass(frozen=True)
class Run:
    """Planes of the grid that the same stations can reach."""

    start: int
    """First plane."""
    stop: int
    """Plane after the last one."""
    first: int
    """First station that can reach them."""
    last: int
    """Station after the last one that can."""


def reach(grid: Geometry, station: Geometry) -> tuple[int, int]:
    """Planes (first, last exclusive) of the grid outside which no voxel lies in the station; one too many each side."""
    matrix, offset = affine(station, grid)
    ends = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * (np.array(station.size) - 1.0)
    planes = ends @ matrix[2] + offset[2]
    return max(0, int(np.floor(planes.min())) - 1), min(grid.size[2], int(np.ceil(planes.max())) + 2)


def runs(reached: Sequence[tuple[int, int]], planes: int) -> list[Run]:
    """Cut all planes where a station begins or ends; `reached` rises in its first planes."""
    cuts = sorted({0, planes, *(min(max(end, 0), planes) for span in reached for end in span)})
    found = []
    for start, stop in itertools.pairwise(cuts):
        there = [n for n, (low, high) in enumerate(reached) if low < stop and high > start]
        found.append(Run(start, stop, there[0], there[-1] + 1) if there else Run(start, stop, 0, 0))
    return found
