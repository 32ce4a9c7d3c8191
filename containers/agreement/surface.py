"""Distances between the surfaces of two masks: Hausdorff 95 and surface Dice (normalised surface distance, NSD).

A surface runs through every cell of eight neighbouring voxel centres that holds voxels of both kinds. Its patch there
is that of marching cubes, through the middles of the cell's edges; the patch lies at the cell's centre and counts by
its area. So a mask's surface does not weigh more where voxels are small, and anisotropic and oblique grids are measured
in mm as they are. From each patch of one surface the distance to the nearest patch of the other is taken:

    surface Dice at t   area of both surfaces that lies within t of the other one, over the area of both
    Hausdorff 95        95th percentile of the distances by area, from either side; the larger of the two

Definitions: Nikolov et al., J Med Internet Res 23:e26151, 2021, whose implementation (surface-distance) takes the same
cells; the areas of its patches depend by a few per cent on how a body lies on the grid, where a patch is not flat. Here
they are the mean over the ways to cut it from one corner. Metrics Reloaded (Maier-Hein et al., Nat Methods 21:195,
2024) counts border voxels, without areas. The edge of the image is the edge of a mask that reaches it.
"""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from containers.toolkit.images.volume import Geometry

Array = npt.NDArray[np.float64]
Point = tuple[float, float, float]
CORNERS: tuple[tuple[int, int, int], ...] = tuple(itertools.product((0, 1), (0, 1), (0, 1)))
"""Corners of a cell (k, j, i), by their bit in a code: corner n is inside where the code has bit n."""
PERCENTILE = 95.0
ROUNDING_MM = 1e-6
"""By how much a distance may exceed a tolerance that it equals: steps of 1 mm on a turned grid are not quite 1 mm."""


@dataclass(frozen=True)
class Surfaces:
    """Distances between two surfaces that are both there."""

    distances: tuple[Array, Array]
    """Distance in mm of each patch of the labels to the truth, and the other way round."""
    areas: tuple[Array, Array]
    """Area in mm2 of each of these patches."""

    @property
    def hausdorff_95_mm(self) -> float:
        """The larger of both 95th percentiles by area, in mm."""
        return max(_percentile(*pair) for pair in zip(self.distances, self.areas, strict=True))

    def dice(self, tolerance_mm: float) -> float:
        """Surface Dice at a tolerance, 0 to 1."""
        near = sum(
            float(area[distance <= tolerance_mm + ROUNDING_MM].sum())
            for distance, area in zip(self.distances, self.areas, strict=True)
        )
        return near / sum(float(area.sum()) for area in self.areas)


def surfaces(
    labels: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8], pairs: Iterable[tuple[int, int]], geometry: Geometry
) -> Iterator[Surfaces]:
    """Distances between the surfaces of pairs of classes (label, true label) of two maps (k, j, i) on `geometry`.

    Every class must have a voxel, else it has no distance to anything. Raises ValueError where one has none.
    """
    table = _patch_areas(geometry)
    boxes, true_boxes = (ndimage.find_objects(volume, 255) for volume in (labels, truth))
    for label, true_label in pairs:
        box, true_box = boxes[label - 1], true_boxes[true_label - 1]
        if box is None or true_box is None:
            raise ValueError(f"label {label} or true label {true_label} has no voxel")
        around = tuple(slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(box, true_box, strict=True))
        yield _between(labels[around] == label, truth[around] == true_label, geometry, table)


def _between(labels: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_], geometry: Geometry, table: Array) -> Surfaces:
    """Distances between the surfaces of two masks. table: area of the patch of each code."""
    codes = [_codes(mask) for mask in (labels, truth)]
    cells = [np.flatnonzero((code != 0) & (code != 255)) for code in codes]
    areas = [table[code.reshape(-1)[cell]] for code, cell in zip(codes, cells, strict=True)]
    points = [_positions(cell, codes[0].shape, geometry) for cell in cells]
    one, other = (_nearest(cells[a], points[a], cells[1 - a], points[1 - a]) for a in (0, 1))
    return Surfaces((one, other), (areas[0], areas[1]))


def _nearest(
    cells: npt.NDArray[np.intp], points: Array, other_cells: npt.NDArray[np.intp], other_points: Array
) -> Array:
    """Distance of each point to the nearest of the others; 0 where both surfaces run through one cell."""
    distances = np.zeros(len(cells))
    apart = ~np.isin(cells, other_cells, assume_unique=True)
    if apart.any():
        distances[apart] = cKDTree(other_points).query(points[apart])[0]
    return distances


def _percentile(distances: Array, areas: Array) -> float:
    order = np.argsort(distances, kind="stable")
    below = np.cumsum(areas[order])
    place = int(np.searchsorted(below, PERCENTILE / 100 * below[-1]))
    return float(distances[order][min(place, len(order) - 1)])


def _codes(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Code of each cell, one more than voxels along each axis: which of its corners are inside (`CORNERS`)."""
    padded = np.pad(mask.astype(np.uint8), 1)
    code = np.zeros([n + 1 for n in mask.shape], np.uint8)
    for bit, corner in enumerate(CORNERS):
        code |= padded[tuple(slice(c, c + n + 1) for c, n in zip(corner, mask.shape, strict=True))] << np.uint8(bit)
    return code


def _positions(cells: npt.NDArray[np.intp], shape: tuple[int, ...], geometry: Geometry) -> Array:
    """Centres of cells in mm, but for one shift of all."""
    kji = np.column_stack(np.unravel_index(cells, shape)).astype(np.float64)
    return np.asarray(kji[:, ::-1] @ geometry.matrix().T)


def _patch_areas(geometry: Geometry) -> Array:
    """Area in mm2 of the surface in a cell of each code, (256,)."""
    steps = geometry.matrix()[:, ::-1]
    areas = np.zeros(256)
    for code in range(1, 255):
        # The fewer corners make the patches, so that a mask and what is outside of it have one surface.
        few = code if code.bit_count() <= 4 else 255 - code
        for loop in _loops(few):
            areas[code] += _area([steps @ np.asarray(point) for point in loop])
    return areas


def _area(points: list[Array]) -> float:
    """Area of a closed polygon (not flat), as the mean over the fans of triangles from each of its corners."""
    total = 0.0
    for first in range(len(points)):
        turned = points[first:] + points[:first]
        total += sum(
            float(np.linalg.norm(np.cross(b - turned[0], c - turned[0]))) / 2 for b, c in itertools.pairwise(turned[1:])
        )
    return total / len(points)


def _loops(code: int) -> Iterator[list[Point]]:
    """The closed polygons through the middles of a cell's edges that part the corners inside from the others."""
    inside = {corner: bool(code >> bit & 1) for bit, corner in enumerate(CORNERS)}
    joined: dict[Point, list[Point]] = {}
    for face in _faces():
        for one, other in _segments(face, inside):
            joined.setdefault(one, []).append(other)
            joined.setdefault(other, []).append(one)
    while joined:
        start = at = next(iter(joined))
        loop = []
        while at in joined:
            loop.append(at)
            at = next(iter([point for point in joined.pop(at) if point in joined] or [start]))
        yield loop


def _faces() -> Iterator[list[tuple[int, int, int]]]:
    """The six faces of a cell, each as its corners in turn."""
    for axis, side in itertools.product(range(3), (0, 1)):
        ring = []
        for u, v in ((0, 0), (1, 0), (1, 1), (0, 1)):
            corner = [u, v]
            corner.insert(axis, side)
            ring.append((corner[0], corner[1], corner[2]))
        yield ring


def _segments(face: list[tuple[int, int, int]], inside: dict[tuple[int, int, int], bool]) -> list[tuple[Point, Point]]:
    """Lines on a face between corners inside and outside; two corners that meet by a diagonal only are parted."""
    edges = list(zip(face, face[1:] + face[:1], strict=True))
    middles = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2) for a, b in edges if inside[a] != inside[b]]
    if len(middles) == 2:
        return [(middles[0], middles[1])]
    if len(middles) == 4:
        pairs = ((3, 0), (1, 2)) if inside[face[0]] else ((0, 1), (2, 3))
        return [(middles[a], middles[b]) for a, b in pairs]
    return []
