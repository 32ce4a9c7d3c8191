"""Compiled evaluation of the spine anatomy: a tissue code at any point, counts on lattices, tissue sums in voxels.

Points are patient LPS in mm. As in `tube_kernel`, results do not depend on the number of threads.

InterMAT is the set of points of a muscle where a field g is below the muscle's threshold. g is the smaller of two:

    streaks: |n(p)| + 0.6 max(0, s - e(p) - l(p))     n, e: smooth random fields of unit SD, l: more fat at L4 to S1
    layer:   d(p) / w                                 d: distance to the border of erector spinae and multifidus

The zeros of n are sheets along the fibres, which an axial slice cuts as lines; the second term lets them be only where
e is high, and pointed at their ends.
"""

from typing import Any, NamedTuple

import numba
import numpy as np

from containers.toolkit.runtime.compiled import compiled
from phantoms.shared.tube_kernel import (
    BONE,
    CANAL,
    COLUMNS,
    F64,
    FILLER,
    MUSCLE,
    OTHER_FASCIA,
    OTHER_SKIN,
    OUTER_FASCIA,
    OUTER_SKIN,
    RADIUS,
    Frame,
    Tubes,
    canonical_height,
    cut_section,
    outside_skin,
    outside_tube,
    squared_level,
    texture_at,
    to_canonical,
    voxel_point,
    waved,
)

ERECTOR_SPINAE, MULTIFIDUS = 1, 2
"""Codes of the two tubes that are labelled; at a point they become a label 1..4 (see SPINE_LABELS), or that plus 4
where the point is InterMAT."""
(
    OTHER_MUSCLE, SUBCUTANEOUS, INTERMUSCULAR, VISCERAL_FAT, FASCIA, CORTEX, MARROW, DISC, CSF, CORD, LUNG, AIRWAY,
    LIVER, SPLEEN, KIDNEY, BOWEL, BOWEL_FLUID, VESSEL, MYOCARDIUM, FLUID, CHEST_WALL, SKIN,
) = range(9, 31)  # fmt: skip
"""Tissue codes beyond the labels and their InterMAT (code 0 is air). CHEST_WALL becomes rib or muscle at a point."""
CODES = 32
_SPREAD_SD = 0.25
"""SD of `texture_at` with eight waves."""


class Back(NamedTuple):
    """What the back has beyond its tubes. All single numbers are floats, which decides the compiled types."""

    left_scale: float
    """Factor on the semi-axes of the Left labelled muscles."""
    right_scale: float
    """Factor on the semi-axes of the Right labelled muscles."""
    streak: F64
    """Waves of n, (8, 4)."""
    spread: F64
    """Waves of e, (8, 4)."""
    threshold: F64
    """Threshold of g for each label 1 to 4."""
    label_low: float
    """Canonical height from which the muscles are labelled, in mm."""
    label_high: float
    """Canonical height below which the muscles are labelled, in mm."""
    furrow_mm: float = 9.0
    """Depth of the midline furrow of the back's skin, in mm."""
    sheath_mm: float = 1.5
    """Width of the dark epimysium and thoracolumbar fascia around the labelled muscles, in mm."""
    gap_mm: float = 1.6
    """Width of the fat between other muscles, in mm."""
    layer_mm: float = 3.0
    """w of the module's text, in mm."""
    reach: float = 0.9
    """s of the module's text, in SD of e."""
    skin_mm: float = 2.0
    """Thickness of the skin, in mm."""


class SpineTables(NamedTuple):
    """The anatomy as arrays, for kernels that are called with `*tables`: a parallel loop takes no tuple in a tuple.

    The envelopes are the skin of trunk and arms, then their fascia.
    """

    tubes: Tubes
    """The tubes."""
    frame: Frame
    """The frame of the patient; its legs have the trunk's scale."""
    own: Back
    """What is the back's own."""


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def _wall(x: float, y: float, z: float, depth: float) -> int:
    """Rib or intercostal muscle of the chest wall; ribs fall from back to front. depth: 1 at the fascia, 0 inside."""
    phase = (z + 0.42 * y) / 25.0
    phase -= np.floor(phase)
    if phase > 0.5 or depth > 0.965 or depth < 0.87:
        return OTHER_MUSCLE
    return MARROW if 0.09 < phase < 0.41 and 0.885 < depth < 0.95 else CORTEX


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def _gut(x: float, y: float, z: float) -> int:
    """Wall, fluid or gas of the bowel: loops of no particular person."""
    u = x + 9.0 * np.sin(0.06 * y + 0.04 * z) + 6.0 * np.sin(0.11 * z - 0.05 * x)
    v = y + 9.0 * np.sin(0.05 * x - 0.07 * z) + 5.0 * np.sin(0.13 * y + 0.03 * z)
    loop = np.sin(0.15 * u + 0.05 * z) + np.sin(0.17 * v - 0.09 * z)
    if loop > 1.2 and np.sin(0.031 * u - 0.045 * v + 0.02 * z) > 0.35:
        return AIRWAY
    return BOWEL_FLUID if loop > 0.7 else BOWEL if loop > -0.4 else VISCERAL_FAT


class _Nearest(NamedTuple):
    """What of a section a point is near to. A level is below 1 inside a tube; a radius is in mm."""

    canal: int
    """Tissue code of the first canal that holds the point; 0 for none."""
    bone: float
    """Level of the bone that the point is deepest in; 1 where it is in none."""
    bone_r: float
    """Mean radius of that bone."""
    bone_p: int
    """Place of that bone among the tubes; -1 for none."""
    muscle: float
    """Level of the muscle that the point is deepest in or nearest to."""
    muscle_r: float
    """Mean radius of that muscle."""
    code: int
    """Tissue code of that muscle; 0 where none is near."""
    second: float
    """Level of the next muscle of another code."""
    second_r: float
    """Mean radius of that muscle."""
    second_code: int
    """Tissue code of that muscle; 0 where none is near."""
    sheath_mm: float
    """Distance to the nearest labelled muscle in mm, negative inside; 99 where none is near."""
    filler: int
    """Tissue code of the first filler that holds the point; -1 for none."""


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def _nearest(t: Any, i: int, rows: F64, cx: float, cy: float, side: float, scale: float) -> _Nearest:
    """The tubes that decide the code of an in-plane point in the section `rows` of bin i. scale: factor on the
    semi-axes of the labelled muscles of this side."""
    best, best_r, best_code = 9.0, 1.0, 0
    second, second_r, second_code = 9.0, 1.0, 0
    bone, bone_r, bone_p = 1.0, 1.0, -1
    canal, filler = 0, -1
    sheath = 99.0
    for m in range(t.start[i], t.start[i + 1]):
        p = t.member[m]
        px = cx * side if t.signed[p] else cx
        kind = t.kind[p]
        if outside_tube(t, m, px, cy) or (kind == FILLER and filler >= 0):
            continue
        f, r, code = np.sqrt(squared_level(rows[p], t.squareness[p], px, cy)), rows[p, RADIUS], t.code[p]
        if kind == CANAL:
            if f < 1.0 and canal == 0:
                canal = code
        elif kind == BONE:
            if f < bone:
                bone, bone_r, bone_p = f, r, p
        elif kind == MUSCLE:
            if code <= MULTIFIDUS:
                f, r = f / scale, r * scale
                sheath = min(sheath, (f - 1.0) * r)
            if f < best:
                if code != best_code:
                    second, second_r, second_code = best, best_r, best_code
                best, best_r, best_code = f, r, code
            elif code != best_code and f < second:
                second, second_r, second_code = f, r, code
        elif f < 1.0:
            filler = code
    return _Nearest(canal, bone, bone_r, bone_p, best, best_r, best_code, second, second_r, second_code, sheath, filler)


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def _outside_fascia(rows: F64, q: F64, cx: float, cy: float, back: float, skin_mm: float) -> int:
    """Code of a point outside the fascia of trunk and arms: air, skin or subcutaneous fat."""
    outer = min(
        (np.sqrt(squared_level(rows[OUTER_SKIN], q[OUTER_SKIN], cx, back)) - 1.0) * rows[OUTER_SKIN, RADIUS],
        (np.sqrt(squared_level(rows[OTHER_SKIN], q[OTHER_SKIN], cx, cy)) - 1.0) * rows[OTHER_SKIN, RADIUS],
    )
    if outer >= 0.0:
        return 0
    return SKIN if outer > -skin_mm else SUBCUTANEOUS


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def _muscle(own: Any, n: Any, cz: float, side: float) -> tuple[int, float]:
    """Code of a point in a muscle, or of what parts it from its neighbour; and the distance as `_place` gives it."""
    apart = (n.second - n.muscle) / (1.0 / n.muscle_r + 1.0 / n.second_r) if n.second_code > 0 else 99.0
    labelled = n.code <= MULTIFIDUS
    if not (labelled and n.second_code <= MULTIFIDUS):
        either = labelled or 0 < n.second_code <= MULTIFIDUS
        if apart < 0.5 * (own.sheath_mm if either else own.gap_mm):
            return (FASCIA if either else INTERMUSCULAR), 0.0
        apart = 99.0
    if not labelled:
        return int(n.code), 0.0
    if cz < own.label_low or cz >= own.label_high:
        return OTHER_MUSCLE, 0.0
    return 2 * n.code - (1 if side > 0.0 else 0), apart


@numba.njit  # type: ignore[untyped-decorator]
def _place(
    t: Any, f: Any, own: Any, i: int, rows: F64, cx: float, cy: float, cz: float, side: float
) -> tuple[int, float]:
    """Code of a canonical point in the section `rows` of bin i, InterMAT left out, and for a labelled muscle the
    distance in mm to the other one (large where it is not near)."""
    cx, cy = waved(f, cx, cy, cz)
    if outside_skin(t, i, cx, cy):
        return 0, 0.0
    q = t.squareness
    back = cy + own.furrow_mm * np.exp(-cx * cx / 250.0) if cy > 0.0 else cy
    trunk = squared_level(rows[OUTER_FASCIA], q[OUTER_FASCIA], cx, back)
    if trunk >= 1.0 and squared_level(rows[OTHER_FASCIA], q[OTHER_FASCIA], cx, cy) >= 1.0:
        return _outside_fascia(rows, q, cx, cy, back, own.skin_mm), 0.0
    n = _nearest(t, i, rows, cx, cy, side, own.left_scale if side > 0.0 else own.right_scale)
    if n.canal > 0:
        return n.canal, 0.0
    if n.bone_p >= 0:
        cortex = (1.0 - n.bone) * n.bone_r < t.cortex[n.bone_p]
        return (CORTEX if cortex else int(t.code[n.bone_p])), 0.0
    if n.muscle < 1.0:
        code, apart = _muscle(own, n, cz, side)
        return int(code), float(apart)
    if n.sheath_mm < own.sheath_mm:
        return FASCIA, 0.0
    if n.filler == CHEST_WALL:
        return _wall(cx, cy, cz, np.sqrt(trunk)), 0.0
    if n.filler == BOWEL:
        return _gut(cx * side, cy, cz), 0.0
    return (n.filler if n.filler >= 0 else OTHER_MUSCLE), 0.0


@numba.njit  # type: ignore[untyped-decorator]
def _streak(own: Any, x: float, y: float, z: float, apart: float) -> float:
    """The field g at a canonical point with signed x, `apart` mm from the other labelled muscle."""
    n = abs(texture_at(own.streak, x, y, z)) / _SPREAD_SD
    e = texture_at(own.spread, x, y, z) / _SPREAD_SD
    low = min(max((190.0 - z) / 100.0, 0.0), 1.0)
    medial = max(1.0 - abs(x) / 30.0, 0.0)
    return float(min(n + 0.6 * max(0.0, own.reach - e - 0.9 * low - 0.5 * medial), apart / own.layer_mm))


@numba.njit  # type: ignore[untyped-decorator]
def _code(t: Any, f: Any, own: Any, i: int, rows: F64, cx: float, cy: float, cz: float, side: float) -> int:
    """Code of a canonical point, InterMAT included."""
    code, apart = _place(t, f, own, i, rows, cx, cy, cz, side)
    if 1 <= code <= 4 and _streak(own, cx * side, cy, cz, apart) < own.threshold[code - 1]:
        return int(code + 4)
    return int(code)


@compiled(parallel=True)
def codes_on_grid(t: Any, f: Any, own: Any, origin: F64, step: F64, out: Any) -> None:
    """Fill `out` (k, j, i) with codes at voxel centres; step: 3x3, columns are the steps along i, j, k."""
    for k in numba.prange(out.shape[0]):
        rows = np.empty((t.tube.shape[0], COLUMNS))
        cut, height = -1, np.inf
        for j in range(out.shape[1]):
            for i in range(out.shape[2]):
                x, y, z = voxel_point(origin, step, i, j, k)
                cx, cy, cz, side = to_canonical(f, x, y, z)
                if cz != height:
                    cut, height = cut_section(t, cz, rows), cz
                out[k, j, i] = _code(t, f, own, cut, rows, cx, cy, cz, side)


@compiled(parallel=True)
def streaks_on_grid(t: Any, f: Any, own: Any, origin: F64, h: F64, out: Any) -> None:
    """Fill `out` (nz, ny, nx, 2) on a lattice with the label 1..4 of each point (0 elsewhere) and its g."""
    for k in numba.prange(out.shape[0]):
        rows = np.empty((t.tube.shape[0], COLUMNS))
        z = origin[2] + h[2] * k
        cut = cut_section(t, canonical_height(f, z), rows)
        for j in range(out.shape[1]):
            for i in range(out.shape[2]):
                cx, cy, cz, side = to_canonical(f, origin[0] + h[0] * i, origin[1] + h[1] * j, z)
                code, apart = _place(t, f, own, cut, rows, cx, cy, cz, side)
                out[k, j, i, 0] = code if 1 <= code <= 4 else 0.0
                out[k, j, i, 1] = _streak(own, cx * side, cy, cz, apart) if 1 <= code <= 4 else 0.0


@compiled(parallel=True)
def count_planes(t: Any, f: Any, own: Any, corner: F64, h: F64, size: Any, heights: F64) -> F64:
    """Lattice points per plane and code 0..8 (planes, 9): labels 1..4 and their InterMAT 5..8; all others count as 0.

    corner, h: x, y of the first point and the steps; size: points along x, y; heights: patient z of the planes.
    """
    nx, ny = size
    count = np.zeros((heights.shape[0], 9))
    for k in numba.prange(heights.shape[0]):
        z = heights[k]
        rows = np.empty((t.tube.shape[0], COLUMNS))
        cut = cut_section(t, canonical_height(f, z), rows)
        for j in range(ny):
            for i in range(nx):
                cx, cy, cz, side = to_canonical(f, corner[0] + h[0] * i, corner[1] + h[1] * j, z)
                code = _code(t, f, own, cut, rows, cx, cy, cz, side)
                count[k, code if code <= 8 else 0] += 1.0
    return count


@compiled(parallel=True)
def sample_voxels(
    t: Any,
    f: Any,
    own: Any,
    origin: F64,
    step: F64,
    sub: Any,
    density: F64,
    group: Any,
    texture: float,
    centre: Any,
    out: Any,
) -> None:
    """Add to `out` (groups, k, j, i) the proton density of each voxel by group of tissues: mean over `sub` points.

    centre: codes at the voxel centres of the same grid with one slice more at either end, (k + 2, j, i). A voxel whose
    six neighbours have its own code, which is not a labelled muscle, is taken as homogeneous. density, group: per code;
    a negative group adds nothing. texture: relative amplitude (SD) of the smooth variation of the labelled muscles'
    signal.
    """
    si, sj, sk = sub
    share = 1.0 / (si * sj * sk)
    nj, ni = out.shape[2], out.shape[3]
    for k in numba.prange(out.shape[1]):
        rows = np.empty((sk, t.tube.shape[0], COLUMNS))
        cut = np.full(sk, -1)
        height = np.full(sk, np.inf)
        for j in range(nj):
            for i in range(ni):
                middle = centre[k + 1, j, i]
                if (
                    not 1 <= middle <= 8
                    and middle == centre[k, j, i]
                    and middle == centre[k + 2, j, i]
                    and middle == centre[k + 1, max(j - 1, 0), i]
                    and middle == centre[k + 1, min(j + 1, nj - 1), i]
                    and middle == centre[k + 1, j, max(i - 1, 0)]
                    and middle == centre[k + 1, j, min(i + 1, ni - 1)]
                ):
                    if group[middle] >= 0:
                        out[group[middle], k, j, i] += density[middle]
                    continue
                for c in range(sk):
                    kk = k + (c + 0.5) / sk - 0.5
                    for n in range(sj):
                        jj = j + (n + 0.5) / sj - 0.5
                        for m in range(si):
                            ii = i + (m + 0.5) / si - 0.5
                            x, y, z = voxel_point(origin, step, ii, jj, kk)
                            cx, cy, cz, side = to_canonical(f, x, y, z)
                            if cz != height[c]:
                                cut[c], height[c] = cut_section(t, cz, rows[c]), cz
                            code = _code(t, f, own, cut[c], rows[c], cx, cy, cz, side)
                            if group[code] < 0:
                                continue
                            value = density[code]
                            if texture > 0.0 and 1 <= code <= 4:
                                wave = texture_at(own.spread, 2.0 * cx * side, 2.0 * cy, cz)
                                value *= 1.0 + texture / _SPREAD_SD * wave
                            out[group[code], k, j, i] += share * value
