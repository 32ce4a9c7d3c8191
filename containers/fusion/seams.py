"""How well neighbouring stations agree where they overlap: correlation, gain and shift.

The upper station is interpolated on the lower station's own voxels, so that only one of the two is smoothed.
All figures compare rescaled values over the voxels that lie inside both stations.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from containers.fusion import backends
from containers.fusion.grid import EDGE_TOLERANCE_VOXELS, affine, axis_maps
from containers.fusion.stack import Station
from containers.toolkit.images.volume import Geometry

MAX_SHIFT_VOXELS = 3
"""Shifts are sought this far each way along each axis."""
MIN_PLANES = 3
"""Planes that must be left at the largest shift tried; with fewer, smaller shifts are tried."""
SHIFT_SAMPLES = 200_000
"""A shift's correlation is taken over about this many voxels, evenly thinned out across the shift's axis."""
AXES = ("left", "posterior", "superior")

Array32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Agreement:
    """Upper against lower station where they overlap."""

    voxels: int
    """Voxels of the overlap that count."""
    correlation: float | None
    """Correlation of their intensities; None where it is undefined."""
    gain: float | None
    """Mean of the upper over mean of the lower station; None where it is undefined."""
    shift_mm: dict[str, float | None]
    """Shift in mm along the grid's axes (nearest to left, posterior, superior), positive when the upper station's
    content lies further along; None where it is undefined."""
    best_shift_voxels: dict[str, int | None]
    """Whole shift of highest correlation along the same axes, in voxels; None where it is undefined."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def _overlap(upper: Station, lower: Station, threads: int) -> tuple[Array32, Array32, npt.NDArray[np.bool_] | None]:
    """Values of both on the lower station's voxels, cut to the box that the upper one reaches, and which lie in both.

    The mask is None when the whole box does.
    """
    grid = lower.geometry
    maps = axis_maps(grid, upper.geometry)
    mask = None
    if maps is not None:
        box = tuple(slice(m.start, m.stop) for m in reversed(maps))
    else:
        mask = np.ones(grid.shape, np.bool_)
        matrix, offset = affine(grid, upper.geometry)
        k, j, i = np.ogrid[: grid.size[2], : grid.size[1], : grid.size[0]]
        for axis in range(3):
            at = matrix[axis, 0] * i + matrix[axis, 1] * j + matrix[axis, 2] * k + offset[axis]
            mask &= (at >= -EDGE_TOLERANCE_VOXELS) & (at <= upper.geometry.size[axis] - 1 + EDGE_TOLERANCE_VOXELS)
        reached = [np.flatnonzero(mask.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
        box = tuple(slice(int(r[0]), int(r[-1]) + 1) if r.size else slice(0, 0) for r in reached)
        mask = mask[box]
    own = lower.data[box].astype(np.float32) * np.float32(lower.slope) + np.float32(lower.intercept)
    if own.size == 0:
        return own, own, None
    origin = grid.position_mm([box[2].start, box[1].start, box[0].start])
    part = Geometry(
        size=(own.shape[2], own.shape[1], own.shape[0]),
        spacing_mm=grid.spacing_mm,
        origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
        directions=grid.directions,
    )
    return backends.fuse([upper], part, threads=threads), own, mask


def _correlation(a: Array32, b: Array32) -> float | None:
    """Pearson correlation, or None for constant input. Summed without BLAS, whose order depends on its threads."""
    x, y = a - a.mean(dtype=np.float64), b - b.mean(dtype=np.float64)
    scale = math.sqrt(float((x * x).sum()) * float((y * y).sum()))
    return None if scale == 0 else float((x * y).sum()) / scale


def _shifted(array: npt.NDArray[Any], axis: int, start: int, count: int, stride: int) -> npt.NDArray[Any]:
    cut = [slice(None, None, stride)] * 3
    cut[axis] = slice(start, start + count)
    return array[tuple(cut)]


def _shift(upper: Array32, lower: Array32, mask: npt.NDArray[np.bool_] | None, axis: int) -> tuple[int, float] | None:
    """Best whole shift along an array axis and its sub-voxel refinement by a parabola, in voxels."""
    length = upper.shape[axis]
    reach = min(MAX_SHIFT_VOXELS, (length - MIN_PLANES) // 2)
    if reach < 1:
        return None
    stride = max(1, math.ceil(math.sqrt(upper.size / SHIFT_SAMPLES)))
    count = length - 2 * reach
    fixed = _shifted(lower, axis, reach, count, stride)
    scores: dict[int, float] = {}
    for shift in range(-reach, reach + 1):
        moved = _shifted(upper, axis, reach + shift, count, stride)
        if mask is None:
            score = _correlation(moved, fixed)
        else:
            both = _shifted(mask, axis, reach, count, stride) & _shifted(mask, axis, reach + shift, count, stride)
            score = _correlation(moved[both], fixed[both]) if both.any() else None
        if score is not None:
            scores[shift] = score
    if not scores:
        return None
    best = max(scores, key=lambda s: (scores[s], -abs(s)))
    if best - 1 not in scores or best + 1 not in scores:
        return best, float(best)
    before, at, after = scores[best - 1], scores[best], scores[best + 1]
    bend = before - 2 * at + after
    return best, best + (0.5 * (before - after) / bend if bend < 0 else 0.0)


def compare(upper: Station, lower: Station, threads: int = 1, *, with_shift: bool = True) -> Agreement:
    """Agreement of two neighbouring stations over their overlap."""
    a, b, mask = _overlap(upper, lower, threads)
    shift_mm: dict[str, float | None] = dict.fromkeys(AXES)
    best: dict[str, int | None] = dict.fromkeys(AXES)
    if a.size == 0:
        return Agreement(0, None, None, shift_mm, best)
    if with_shift:
        for axis, name in enumerate(AXES):
            found = _shift(a, b, mask, 2 - axis)
            if found is not None:
                best[name], shift_mm[name] = found[0], round(found[1] * lower.geometry.spacing_mm[axis], 3)
    x, y = (a.reshape(-1), b.reshape(-1)) if mask is None else (a[mask], b[mask])
    correlation = _correlation(x, y)
    both = x + y
    # Background is noise whose mean says nothing of gain: only voxels brighter than the mean count.
    bright = both > both.mean(dtype=np.float64)
    below = float(y[bright].sum(dtype=np.float64))
    gain = float(x[bright].sum(dtype=np.float64)) / below if below > 0 else None
    return Agreement(
        voxels=int(x.size),
        correlation=None if correlation is None else round(correlation, 6),
        gain=None if gain is None else round(gain, 6),
        shift_mm=shift_mm,
        best_shift_voxels=best,
    )
