"""The sagittal plane between the two sides, fitted to the bones.

Femur and iliac bone are each cut into two halves along x (two-means in one dimension). The plane holds the
midpoint of the iliac halves and the midpoint of the femur halves, so that it follows a shifted or tilted
patient; its normal is the line between the iliac halves, because the pelvis is rigid while each leg may be
rotated or moved on its own. Medians, not means, place the halves: stray voxels do not move them.
Frame: LPS in mm; the normal points to the patient's left (+x).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from containers.toolkit.images.labels import BONES
from containers.toolkit.images.names.spelling import parted
from containers.toolkit.images.volume import Geometry

WIDER = {"hip_bone": "iliac_bone"}
"""Bones that stand in for one of BONES where that is not labelled: the hip bone is the iliac bone and more."""

ON_PLANE_MM = 1e-6
"""A voxel centre nearer than this lies on the plane: only rounding error is smaller."""

MIN_SEPARATION_MM = 60.0
"""Least distance between the halves of a two-sided structure. The halves of one femur or one iliac wing are
nearer to each other than this, the femurs or wings of two sides never are in an adult."""

MIN_LINE_MM = 50.0
"""Least height between two midpoints from which a direction is read."""

MAX_TURN_COSINE = 0.5
"""The normal must lie within 60 degrees of x: else the axes of the image are not those of the patient."""

MIN_SHARE = 0.1
"""Size of a muscle's second component over its first, under which it is a fragment and not the other side."""

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SagittalPlane:
    """The points p (LPS, mm) with normal . p = offset_mm."""

    normal: tuple[float, float, float]
    """Unit vector to the left, in LPS."""
    offset_mm: float
    """Distance of the plane from the origin along the normal, in mm."""
    source: str
    """What the plane was found from."""

    def distance_mm(self, geometry: Geometry, k: int) -> npt.NDArray[np.float64]:
        """Signed distance in mm of the voxel centres of slice k, shape (j, i); positive to the left."""
        along = np.asarray(self.normal) @ geometry.matrix()
        start = float(np.dot(self.normal, geometry.origin_mm)) + along[2] * k - self.offset_mm
        size_i, size_j, _ = geometry.size
        plane: npt.NDArray[np.float64] = start + along[1] * np.arange(size_j)[:, None] + along[0] * np.arange(size_i)
        return plane

    def side(self, geometry: Geometry, k: int) -> npt.NDArray[np.int8]:
        """Side of the voxel centres of slice k, int8 (j, i): 1 left, -1 right, 0 on the plane."""
        distance = self.distance_mm(geometry, k)
        side: npt.NDArray[np.int8] = (distance > ON_PLANE_MM).astype(np.int8) - (distance < -ON_PLANE_MM)
        return side


@dataclass(frozen=True)
class _Halves:
    """The points of a structure on either side."""

    left: Points
    """Points of the left part, (n, 3), LPS in mm."""
    right: Points
    """Points of the right part, (n, 3), LPS in mm."""

    @property
    def vector(self) -> Points:
        return np.asarray(np.median(self.left, axis=0) - np.median(self.right, axis=0))

    @property
    def middle(self) -> Points:
        return np.asarray((np.median(self.left, axis=0) + np.median(self.right, axis=0)) / 2)

    @property
    def two_sided(self) -> bool:
        distance = float(np.linalg.norm(self.vector))
        return distance >= MIN_SEPARATION_MM and float(self.vector[0]) >= MAX_TURN_COSINE * distance


def _halve(points: Points) -> _Halves | None:
    """Two-means along x. None when all points have the same x."""
    x = points[:, 0]
    cut = (x.min() + x.max()) / 2
    if x.min() == x.max():
        return None
    for _ in range(100):
        moved = (x[x > cut].mean() + x[x <= cut].mean()) / 2
        if moved == cut:
            break
        cut = moved
    return _Halves(points[x > cut], points[x <= cut])


def _points(labels: npt.NDArray[np.uint8], geometry: Geometry, values: list[int]) -> Points:
    """LPS positions (n, 3) in mm of all voxels with one of the label values."""
    wanted = np.zeros(256, bool)
    wanted[values] = True
    kji = np.argwhere(wanted[labels])
    return geometry.position_mm(kji[:, ::-1])


def _plane(direction: Points, line: Points | None, point: Points, source: str) -> SagittalPlane | None:
    """The plane through `point` whose normal is `direction` less its part along `line`."""
    if line is not None:
        unit = line / np.linalg.norm(line)
        direction = direction - np.dot(direction, unit) * unit
    normal = direction / np.linalg.norm(direction)
    if normal[0] < MAX_TURN_COSINE:
        return None
    x, y, z = (float(part) for part in normal)
    return SagittalPlane((x, y, z), float(np.dot(normal, point)), source)


def _line(upper: Points, lower: Points) -> Points | None:
    """The direction from one midpoint to another, or None when they are too near to give one."""
    return upper - lower if abs(upper[2] - lower[2]) >= MIN_LINE_MM else None


def _femur_line(femur: _Halves) -> Points | None:
    """From the midpoint of the lower halves of both femurs to that of the upper ones."""
    height = np.median(np.concatenate([femur.left, femur.right])[:, 2])
    upper = [side[side[:, 2] > height] for side in (femur.left, femur.right)]
    lower = [side[side[:, 2] <= height] for side in (femur.left, femur.right)]
    if any(len(part) == 0 for part in (*upper, *lower)):
        return None
    return _line(_Halves(*upper).middle, _Halves(*lower).middle)


def fit_midline(
    labels: npt.NDArray[np.uint8], geometry: Geometry, values: dict[str, int]
) -> tuple[SagittalPlane | None, list[str]]:
    """The plane that parts left from right, and what the reader should know about it.

    labels: (k, j, i). values: structure name, with or without its side -> label. Without any bone voxel the plane
    x = const lies midway between the two components of the muscles that have one on either side, with a warning. None,
    with a warning, when the labels are on one side only.
    """
    found: dict[str, Points] = {}
    for name, numbers in _bones(values).items():
        points = _points(labels, geometry, numbers)
        if len(points):
            found[name] = points
    halves = {name: _halve(points) for name, points in found.items()}
    usable = {name: half for name, half in halves.items() if half is not None and half.two_sided}
    warnings = [f"{name} is on one side only; the midline is fitted without it" for name in found if name not in usable]
    if usable:
        femur, iliac = usable.get("femur"), usable.get("iliac_bone")
        plane = None
        if iliac is not None:
            line = _line(iliac.middle, femur.middle) if femur is not None else None
            plane = _plane(iliac.vector, line, iliac.middle, "bones")
        elif femur is not None:
            plane = _plane(femur.vector, _femur_line(femur), femur.middle, "bones")
        if plane is not None:
            return plane, warnings
    if found:
        return None, ["left and right are not distinguished: the bones are on one side only or do not part along x"]
    middles = [x for value in values.values() if (x := _between_components(labels, geometry, value)) is not None]
    if not middles:
        return None, ["left and right are not distinguished: no bones, and no muscle has a part on either side"]
    middle = float(np.median(middles))
    warning = (
        f"no bones: left and right are parted at x = {middle:.1f} mm, midway between the two sides of"
        f" {len(middles)} muscle{'s' * (len(middles) > 1)}"
    )
    return SagittalPlane((1.0, 0.0, 0.0), middle, "labels"), [warning]


def _bones(values: dict[str, int]) -> dict[str, list[int]]:
    """Labels of each bone of BONES, sides together."""
    found: dict[str, list[int]] = {}
    for name, value in values.items():
        found.setdefault(parted(name)[0], []).append(value)
    wider = {bone: found[wide] for wide, bone in WIDER.items() if wide in found and bone not in found}
    return {bone: numbers for bone in BONES if (numbers := found.get(bone) or wider.get(bone))}


def _between_components(labels: npt.NDArray[np.uint8], geometry: Geometry, value: int) -> float | None:
    """x midway between a label's two largest components, in mm; None where they do not lie on two sides of a body.

    Components, not halves: a single thick muscle can be halved too.
    """
    box = ndimage.find_objects((labels == value).view(np.uint8))
    if not box:
        return None
    parts, count = ndimage.label(labels[box[0]] == value, structure=np.ones((3, 3, 3), bool))
    if count < 2:
        return None
    sizes = np.bincount(parts.reshape(-1))[1:]
    first, second = (int(n) + 1 for n in np.argsort(-sizes, kind="stable")[:2])
    if sizes[second - 1] < MIN_SHARE * sizes[first - 1]:
        return None
    start = np.array([part.start for part in box[0]])
    pair = [geometry.position_mm((np.argwhere(parts == n) + start)[:, ::-1]) for n in (first, second)]
    pair.sort(key=lambda points: -float(np.median(points[:, 0])))
    sides = _Halves(*pair)
    return float(sides.middle[0]) if sides.two_sided else None
