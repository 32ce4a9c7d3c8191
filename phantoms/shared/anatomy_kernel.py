"""Compiled evaluation of the anatomy: a tissue code at any point, counts on lattices, tissue sums in voxels.

Points are patient LPS in mm. Results do not depend on the number of threads: every slice is worked by one thread
and writes only its own part; sums over slices are taken in slice order. No fast-math, so equal inputs give equal bits.
"""

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from containers.toolkit.runtime.compiled import compiled

F64 = npt.NDArray[np.float64]
BONE, MUSCLE, FILLER, SKIN, FASCIA = range(5)
"""Classes in the order of precedence: bones before muscles before fillers; envelopes bound them all."""

LABEL_LIMIT_MM = 100.0
"""Muscles are labelled below this canonical height and go on unlabelled above it, as an annotation protocol does."""

SUBCUTANEOUS, INTERMUSCULAR, ORGAN, LUNG, OTHER_BONE, OTHER_MUSCLE, BOWEL, FLUID, ILIAC_CORTEX, FEMUR_CORTEX = range(
    28, 38
)
"""Tissue codes beyond the 27 labels (code 0 is air). The two cortices belong to the labels of their bones."""

_FEMUR = 27
CODES = 64


class Tables(NamedTuple):
    """The anatomy as arrays.

    The first four tubes are the envelopes: skin of leg and trunk, fascia of leg and trunk.
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
    texture: F64
    """Waves of the texture of the muscles' fat."""


@numba.njit  # type: ignore[untyped-decorator]
def cut_section(t: Any, cz: float, rows: F64) -> int:
    """Cut the anatomy at canonical height cz: fill `rows` (tubes, 8) for the tubes met there, return the z bin or -1.

    A row is centre x, y, 1 / a, 1 / b, cos, sin, bend, mean radius. Points are evaluated slice by slice, so that this
    interpolation is shared by all points of one height.
    """
    position = (cz - t.z0) / t.dz
    i = int(np.floor(position))
    if i < 0 or i >= t.tube.shape[1] - 1:
        return -1
    w = position - i
    count = t.start[i + 1] - t.start[i]
    for n in range(4 + count):
        p = n if n < 4 else t.member[t.start[i] + n - 4]
        r, s = t.tube[p, i], t.tube[p, i + 1]
        for c in range(7):
            rows[p, c] = (1.0 - w) * r[c] + w * s[c]
        rows[p, 7] = np.sqrt(rows[p, 2] * rows[p, 3])
        rows[p, 2] = 1.0 / rows[p, 2]
        rows[p, 3] = 1.0 / rows[p, 3]
    return i


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def squared_level(r: Any, q: float, x: float, y: float) -> float:
    """Square of the level of the tube with row r and squareness q at a canonical in-plane point."""
    dx, dy = x - r[0], y - r[1]
    u = dx * r[4] + dy * r[5]
    v = (dy * r[4] - dx * r[5] - r[6] * u * u) * r[3]
    uu, vv = (u * r[2]) * (u * r[2]), v * v
    return float((1.0 - q) * (uu + vv) + q * np.sqrt(uu * uu + vv * vv))


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def voxel_point(origin: F64, step: F64, i: float, j: float, k: float) -> tuple[float, float, float]:
    """Patient point at the voxel indices i, j, k, or between voxels; step: 3x3, columns are the steps along i, j, k."""
    x = origin[0] + step[0, 0] * i + step[0, 1] * j + step[0, 2] * k
    y = origin[1] + step[1, 0] * i + step[1, 1] * j + step[1, 2] * k
    z = origin[2] + step[2, 0] * i + step[2, 1] * j + step[2, 2] * k
    return x, y, z


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def to_canonical(f: F64, x: float, y: float, z: float) -> tuple[float, float, float, float]:
    """Canonical (|x|, y, z) and the side (+1 Left, -1 Right) of a patient point.

    frame = shift x, y, z; cos, sin of the rotation about z; tan of abduction; z scale; in-plane scale of the trunk,
    of the Left and of the Right leg; fascial gap; wave amplitude and number of the outlines.
    Below the hip the scale changes smoothly from the trunk's to the leg's, about the leg's own axis.
    """
    dx, dy = x - f[0], y - f[1]
    bx, by, bz = f[3] * dx + f[4] * dy, f[3] * dy - f[4] * dx, (z - f[2]) / f[6]
    side = 1.0 if bx >= 0.0 else -1.0
    blend = min(max((40.0 - bz) / 80.0, 0.0), 1.0)
    blend = blend * blend * (3.0 - 2.0 * blend)
    leg = f[8] if side > 0 else f[9]
    g = f[7] + (leg - f[7]) * blend
    depth = max(20.0 - bz, 0.0)
    axis = 92.0 * blend
    cx = (abs(bx) / f[7] - f[5] * depth * depth / (depth + 60.0) - axis) * (f[7] / g) + axis
    return cx, by / g, bz, side


@numba.njit  # type: ignore[untyped-decorator]
def _code(t: Any, i: int, rows: F64, cx: float, cy: float, cz: float, side: float) -> int:
    """Tissue code of a canonical point in the section `rows` of bin i."""
    if t.frame[11] > 0.0:
        k, amp = t.frame[12], t.frame[11]
        cx, cy = cx + amp * np.sin(k * cy + 0.5 * k * cz), cy + amp * np.sin(k * cx - 0.4 * k * cz)
    if i < 0 or cx > t.outline[i, 1] or cy < t.outline[i, 2] or cy > t.outline[i, 3]:
        return 0
    q = t.squareness
    if squared_level(rows[2], q[2], cx, cy) >= 1.0 and squared_level(rows[3], q[3], cx, cy) >= 1.0:
        if squared_level(rows[0], q[0], cx, cy) >= 1.0 and squared_level(rows[1], q[1], cx, cy) >= 1.0:
            return 0
        return SUBCUTANEOUS
    best, best_r, best_code = 1.0, 1.0, 0
    second, second_r = 2.0, 1.0
    bone, bone_r, bone_p = 1.0, 1.0, -1
    filler = -1
    for m in range(t.start[i], t.start[i + 1]):
        p = t.member[m]
        px = cx * side if t.signed[p] else cx
        if px < t.box[m, 0] or px > t.box[m, 1] or cy < t.box[m, 2] or cy > t.box[m, 3]:
            continue
        if t.kind[p] > MUSCLE and filler >= 0:
            continue
        f, r = np.sqrt(squared_level(rows[p], q[p], px, cy)), rows[p, 7]
        if t.kind[p] == BONE:
            if f < bone:
                bone, bone_r, bone_p = f, r, p
        elif t.kind[p] == MUSCLE:
            code = t.code[p]
            if f < best:
                if code != best_code:
                    second, second_r = best if best_code > 0 else 2.0, best_r
                best, best_r, best_code = f, r, code
            elif code != best_code and f < second:
                second, second_r = f, r
        elif f < 1.0:
            filler = t.code[p]
    if bone_p >= 0:
        cortex = t.cortex[bone_p] * min(1.0, (14.0 / bone_r) ** 3)
        if (1.0 - bone) * bone_r < cortex:
            return FEMUR_CORTEX if t.code[bone_p] == _FEMUR else ILIAC_CORTEX
        return int(t.code[bone_p])
    if best_code > 0:
        if second - best < 0.5 * t.frame[10] * (1.0 / best_r + 1.0 / second_r):
            return INTERMUSCULAR
        return best_code if cz < LABEL_LIMIT_MM else OTHER_MUSCLE
    return filler if filler >= 0 else INTERMUSCULAR


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def texture_at(s: F64, x: float, y: float, z: float) -> float:
    """A smooth function of position between -1 and 1 with mean near zero; s: (waves, 4) = wave vector and phase."""
    total = 0.0
    for n in range(s.shape[0]):
        total += np.sin(s[n, 0] * x + s[n, 1] * y + s[n, 2] * z + s[n, 3])
    return float(total / s.shape[0])


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
def count_lattice(t: Any, origin: F64, h: F64, size: Any, amplitude: float) -> tuple[F64, F64]:
    """Lattice points per (side, code), side 0 Left and 1 Right, and sums there of 1 + amplitude * texture."""
    nx, ny, nz = size
    count = np.zeros((nz, 2, CODES))
    weight = np.zeros((nz, 2, CODES))
    for k in numba.prange(nz):
        z = origin[2] + h[2] * k
        rows = np.empty((t.tube.shape[0], 8))
        cut = cut_section(t, (z - t.frame[2]) / t.frame[6], rows)
        for j in range(ny):
            y = origin[1] + h[1] * j
            for i in range(nx):
                x = origin[0] + h[0] * i
                cx, cy, cz, side = to_canonical(t.frame, x, y, z)
                code = _code(t, cut, rows, cx, cy, cz, side)
                if code > 0:
                    s = 0 if side > 0 else 1
                    count[k, s, code] += 1.0
                    weight[k, s, code] += 1.0 + amplitude * texture_at(t.texture, x, y, z) if amplitude > 0.0 else 1.0
    return count.sum(axis=0), weight.sum(axis=0)


@compiled(parallel=True)
def sample_voxels(
    t: Any, origin: F64, step: F64, sub: Any, tissue: F64, textured: Any, amplitude: float, out: Any
) -> None:
    """Mean over `sub` = (si, sj, sk) points in each voxel of four per-tissue quantities; out: (4, k, j, i).

    tissue: (codes, 4) = water proton density, water signal at echo 1 and at echo 2 (each per unit of water-only
    tissue), fat fraction in 0..1. out: the first three times (1 - fat fraction), and the fat fraction times the
    proton density; it must come in as zeros. Texture multiplies the fat fraction of codes with `textured`.
    """
    si, sj, sk = sub
    share = 1.0 / (si * sj * sk)
    for k in numba.prange(out.shape[1]):
        rows = np.empty((t.tube.shape[0], 8))
        cut, height = -1, np.inf
        for c in range(sk):
            kk = k + (c + 0.5) / sk - 0.5
            for n in range(out.shape[2] * sj):
                j = n // sj
                jj = (n + 0.5) / sj - 0.5
                for m in range(out.shape[3] * si):
                    i = m // si
                    ii = (m + 0.5) / si - 0.5
                    x, y, z = voxel_point(origin, step, ii, jj, kk)
                    cx, cy, cz, side = to_canonical(t.frame, x, y, z)
                    if cz != height:
                        cut, height = cut_section(t, cz, rows), cz
                    code = _code(t, cut, rows, cx, cy, cz, side)
                    if code == 0:
                        continue
                    ff = tissue[code, 3]
                    if amplitude > 0.0 and textured[code]:
                        ff *= 1.0 + amplitude * texture_at(t.texture, x, y, z)
                    out[0, k, j, i] += share * (1.0 - ff) * tissue[code, 0]
                    out[1, k, j, i] += share * (1.0 - ff) * tissue[code, 1]
                    out[2, k, j, i] += share * (1.0 - ff) * tissue[code, 2]
                    out[3, k, j, i] += share * ff * tissue[code, 0]
