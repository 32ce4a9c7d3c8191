"""Compiled evaluation of the spine anatomy: a tissue code at any point, counts on lattices, tissue sums in voxels.

Points are patient LPS in mm. As in `anatomy_kernel`, whose tubes and frame are used here, every slice is worked by one
thread and writes only its own part, so that results do not depend on the number of threads.

InterMAT is the set of points of a muscle where a field g is below the muscle's threshold. g is the smaller of two:

    streaks: |n(p)| + 0.6 max(0, s - e(p) - l(p))     n, e: smooth random fields of unit SD, l: more fat at L4 to S1
    layer:   d(p) / w                                 d: distance to the border of erector spinae and multifidus

The zeros of n are sheets along the fibres, which an axial slice cuts as lines; the second term lets them be only where
e is high, and pointed at their ends.
"""

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from containers.toolkit.runtime.compiled import compiled
from phantoms.shared.anatomy_kernel import cut_section, squared_level, texture_at, to_canonical, voxel_point

F64 = npt.NDArray[np.float64]
BONE, MUSCLE, FILLER, ENVELOPE, CANAL = range(5)
"""Classes in the order of precedence: canal before bones before muscles before fillers; envelopes bound them all."""

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


class SpineTables(NamedTuple):
    """The anatomy as arrays; the first fields are those of `anatomy_kernel.Tables`.

    The first four tubes are the envelopes: skin of trunk and arms, then their fascia.
    """

    tube: F64
    """Centre x, y, semi-axes a, b, cos, sin and bend of each tube at canonical heights, (tubes, nz, 7), in mm."""
    code: npt.NDArray[np.int64]
    """Tissue code of each tube, (tubes,)."""
    kind: npt.NDArray[np.int64]
    """Class of each tube in the order of precedence, (tubes,)."""
    signed: npt.NDArray[np.bool_]
    """Whether a tube is on one side only, with x positive to the Left, (tubes,)."""
    cortex: F64
    """Thickness of each bone's cortex in mm, (tubes,); 0 for none."""
    squareness: F64
    """Squareness of each tube's outline, (tubes,); 0 is an ellipse."""
    start: npt.NDArray[np.int64]
    """First place in `member` of each bin of z, and the end, (nz + 1,)."""
    member: npt.NDArray[np.int64]
    """Tubes that meet each bin of z, bin by bin."""
    box: F64
    """In-plane bounds of these tubes, (members, 4): x low, x high, y low, y high, in mm."""
    outline: F64
    """In-plane bounds of the skin in each bin, (nz, 4), in mm."""
    z0: float
    """Canonical height of the first bin, in mm."""
    dz: float
    """Height of a bin, in mm."""
    frame: F64
    """The frame of the patient, as `to_canonical` takes it."""
    side: F64
    """Factor on the semi-axes of the labelled muscles, Left and Right."""
    streak: F64
    """Waves of n, (8, 4)."""
    spread: F64
    """Waves of e, (8, 4)."""
    threshold: F64
    """Threshold of g for each label 1 to 4."""
    setting: F64
    """Depth of the midline furrow, width of the dark fascia around the labelled muscles, width of the fat between
    others, w, s, thickness of the skin; all in mm but s."""
    limits: F64
    """Canonical heights in mm between which the muscles are labelled."""


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


@numba.njit  # type: ignore[untyped-decorator]
def _place(t: Any, i: int, rows: F64, cx: float, cy: float, cz: float, side: float) -> tuple[int, float]:
    """Code of a canonical point in the section `rows` of bin i, InterMAT left out, and for a labelled muscle the
    distance in mm to the other one (large where it is not near)."""
    if t.frame[11] > 0.0:
        k, amp = t.frame[12], t.frame[11]
        cx, cy = cx + amp * np.sin(k * cy + 0.5 * k * cz), cy + amp * np.sin(k * cx - 0.4 * k * cz)
    if i < 0 or cx > t.outline[i, 1] or cy < t.outline[i, 2] or cy > t.outline[i, 3]:
        return 0, 0.0
    q = t.squareness
    back = cy + t.setting[0] * np.exp(-cx * cx / 250.0) if cy > 0.0 else cy
    trunk, arm = squared_level(rows[2], q[2], cx, back), squared_level(rows[3], q[3], cx, cy)
    if trunk >= 1.0 and arm >= 1.0:
        outer = min(
            (np.sqrt(squared_level(rows[0], q[0], cx, back)) - 1.0) * rows[0, 7],
            (np.sqrt(squared_level(rows[1], q[1], cx, cy)) - 1.0) * rows[1, 7],
        )
        if outer >= 0.0:
            return 0, 0.0
        return (SKIN if outer > -t.setting[5] else SUBCUTANEOUS), 0.0
    best, best_r, best_code = 9.0, 1.0, 0
    second, second_r, second_code = 9.0, 1.0, 0
    bone, bone_r, bone_p = 1.0, 1.0, -1
    canal, filler = 0, -1
    sheath = 99.0
    for m in range(t.start[i], t.start[i + 1]):
        p = t.member[m]
        px = cx * side if t.signed[p] else cx
        if px < t.box[m, 0] or px > t.box[m, 1] or cy < t.box[m, 2] or cy > t.box[m, 3]:
            continue
        kind = t.kind[p]
        if kind == FILLER and filler >= 0:
            continue
        f, r, code = np.sqrt(squared_level(rows[p], q[p], px, cy)), rows[p, 7], t.code[p]
        if kind == CANAL:
            if f < 1.0 and canal == 0:
                canal = code
        elif kind == BONE:
            if f < bone:
                bone, bone_r, bone_p = f, r, p
        elif kind == MUSCLE:
            if code <= MULTIFIDUS:
                scale = t.side[0] if side > 0.0 else t.side[1]
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
    if canal > 0:
        return canal, 0.0
    if bone_p >= 0:
        return (CORTEX if (1.0 - bone) * bone_r < t.cortex[bone_p] else int(t.code[bone_p])), 0.0
    if best < 1.0:
        apart = (second - best) / (1.0 / best_r + 1.0 / second_r) if second_code > 0 else 99.0
        labelled = best_code <= MULTIFIDUS
        if not (labelled and second_code <= MULTIFIDUS):
            either = labelled or 0 < second_code <= MULTIFIDUS
            if apart < 0.5 * (t.setting[1] if either else t.setting[2]):
                return (FASCIA if either else INTERMUSCULAR), 0.0
            apart = 99.0
        if labelled:
            if cz < t.limits[0] or cz >= t.limits[1]:
                return OTHER_MUSCLE, 0.0
            return 2 * best_code - (1 if side > 0.0 else 0), apart
        return best_code, 0.0
    if sheath < t.setting[1]:
        return FASCIA, 0.0
    if filler == CHEST_WALL:
        return _wall(cx, cy, cz, np.sqrt(trunk)), 0.0
    if filler == BOWEL:
        return _gut(cx * side, cy, cz), 0.0
    return (filler if filler >= 0 else OTHER_MUSCLE), 0.0


@numba.njit  # type: ignore[untyped-decorator]
def _streak(t: Any, x: float, y: float, z: float, apart: float) -> float:
    """The field g at a canonical point with signed x, `apart` mm from the other labelled muscle."""
    n = abs(texture_at(t.streak, x, y, z)) / _SPREAD_SD
    e = texture_at(t.spread, x, y, z) / _SPREAD_SD
    low = min(max((190.0 - z) / 100.0, 0.0), 1.0)
    medial = max(1.0 - abs(x) / 30.0, 0.0)
    return float(min(n + 0.6 * max(0.0, t.setting[4] - e - 0.9 * low - 0.5 * medial), apart / t.setting[3]))


@numba.njit  # type: ignore[untyped-decorator]
def _code(t: Any, i: int, rows: F64, cx: float, cy: float, cz: float, side: float) -> int:
    """Code of a canonical point, InterMAT included."""
    code, apart = _place(t, i, rows, cx, cy, cz, side)
    if 1 <= code <= 4 and _streak(t, cx * side, cy, cz, apart) < t.threshold[code - 1]:
        return int(code + 4)
    return int(code)


@compiled(parallel=True)
def codes_on_grid(t: Any, origin: F64, step: F64, out: Any) -> None:
    """Fill `out` (k, j, i) with codes at voxel centres; step: 3x3, columns are the steps along i, j, k."""
    for k in numba.prange(out.shape[0]):
        rows = np.empty((t.tube.shape[0], 8))
        cut, height = -1, np.inf
        for j in range(out.shape[1]):
            for i in range(out.shape[2]):
                x, y, z = voxel_point(origin, step, i, j, k)
                cx, cy, cz, side = to_canonical(t.frame, x, y, z)
                if cz != height:
                    cut, height = cut_section(t, cz, rows), cz
                out[k, j, i] = _code(t, cut, rows, cx, cy, cz, side)


@compiled(parallel=True)
def streaks_on_grid(t: Any, origin: F64, h: F64, out: Any) -> None:
    """Fill `out` (nz, ny, nx, 2) on a lattice with the label 1..4 of each point (0 elsewhere) and its g."""
    for k in numba.prange(out.shape[0]):
        rows = np.empty((t.tube.shape[0], 8))
        z = origin[2] + h[2] * k
        cut = cut_section(t, (z - t.frame[2]) / t.frame[6], rows)
        for j in range(out.shape[1]):
            for i in range(out.shape[2]):
                cx, cy, cz, side = to_canonical(t.frame, origin[0] + h[0] * i, origin[1] + h[1] * j, z)
                code, apart = _place(t, cut, rows, cx, cy, cz, side)
                out[k, j, i, 0] = code if 1 <= code <= 4 else 0.0
                out[k, j, i, 1] = _streak(t, cx * side, cy, cz, apart) if 1 <= code <= 4 else 0.0


@compiled(parallel=True)
def count_planes(t: Any, corner: F64, h: F64, size: Any, heights: F64) -> F64:
    """Lattice points per plane and code 0..8 (planes, 9): labels 1..4 and their InterMAT 5..8; all others count as 0.

    corner, h: x, y of the first point and the steps; size: points along x, y; heights: patient z of the planes.
    """
    nx, ny = size
    count = np.zeros((heights.shape[0], 9))
    for k in numba.prange(heights.shape[0]):
        z = heights[k]
        rows = np.empty((t.tube.shape[0], 8))
        cut = cut_section(t, (z - t.frame[2]) / t.frame[6], rows)
        for j in range(ny):
            for i in range(nx):
                cx, cy, cz, side = to_canonical(t.frame, corner[0] + h[0] * i, corner[1] + h[1] * j, z)
                code = _code(t, cut, rows, cx, cy, cz, side)
                count[k, code if code <= 8 else 0] += 1.0
    return count


@compiled(parallel=True)
def sample_voxels(
    t: Any, origin: F64, step: F64, sub: Any, density: F64, group: Any, texture: float, centre: Any, out: Any
) -> None:
    """Add to `out` (groups, k, j, i) the proton density of each voxel by group of tissues: mean over `sub` points.

    centre: codes at the voxel centres of the same grid with one slice more at either end, (k + 2, j, i). A voxel whose
    six neighbours have its own code, which is no labelled muscle, is taken as homogeneous. density, group: per code; a
    negative group adds nothing. texture: relative amplitude (SD) of the smooth variation of the labelled muscles'
    signal.
    """
    si, sj, sk = sub
    share = 1.0 / (si * sj * sk)
    nj, ni = out.shape[2], out.shape[3]
    for k in numba.prange(out.shape[1]):
        rows = np.empty((sk, t.tube.shape[0], 8))
        cut = np.full(sk, -1)
        height = np.full(sk, np.inf)
        for j in range(nj):
            for i in range(ni):
                own = centre[k + 1, j, i]
                if (
                    not 1 <= own <= 8
                    and own == centre[k, j, i]
                    and own == centre[k + 2, j, i]
                    and own == centre[k + 1, max(j - 1, 0), i]
                    and own == centre[k + 1, min(j + 1, nj - 1), i]
                    and own == centre[k + 1, j, max(i - 1, 0)]
                    and own == centre[k + 1, j, min(i + 1, ni - 1)]
                ):
                    if group[own] >= 0:
                        out[group[own], k, j, i] += density[own]
                    continue
                for c in range(sk):
                    kk = k + (c + 0.5) / sk - 0.5
                    for n in range(sj):
                        jj = j + (n + 0.5) / sj - 0.5
                        for m in range(si):
                            ii = i + (m + 0.5) / si - 0.5
                            x, y, z = voxel_point(origin, step, ii, jj, kk)
                            cx, cy, cz, side = to_canonical(t.frame, x, y, z)
                            if cz != height[c]:
                                cut[c], height[c] = cut_section(t, cz, rows[c]), cz
                            code = _code(t, cut[c], rows[c], cx, cy, cz, side)
                            if group[code] < 0:
                                continue
                            value = density[code]
                            if texture > 0.0 and 1 <= code <= 4:
                                wave = texture_at(t.spread, 2.0 * cx * side, 2.0 * cy, cz)
                                value *= 1.0 + texture / _SPREAD_SD * wave
                            out[group[code], k, j, i] += share * value
