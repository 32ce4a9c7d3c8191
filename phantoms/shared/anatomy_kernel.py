"""Compiled evaluation of the thigh's anatomy: a tissue code at any point, counts on lattices, tissue sums in voxels.

Points are patient LPS in mm. As in `tube_kernel`, results do not depend on the number of threads; sums over slices are
taken in slice order.
"""

from typing import Any, NamedTuple

import numba
import numpy as np

from containers.toolkit.runtime.compiled import compiled
from phantoms.shared.tube_kernel import (
    BONE,
    COLUMNS,
    F64,
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

LABEL_LIMIT_MM = 100.0
"""Muscles are labelled below this canonical height and go on unlabelled above it, as an annotation protocol does."""

SUBCUTANEOUS, INTERMUSCULAR, ORGAN, LUNG, OTHER_BONE, OTHER_MUSCLE, BOWEL, FLUID, ILIAC_CORTEX, FEMUR_CORTEX = range(
    28, 38
)
"""Tissue codes beyond the 27 labels (code 0 is air). The two cortices belong to the labels of their bones."""

_FEMUR = 27
CODES = 64


class Thigh(NamedTuple):
    """What the thigh has beyond its tubes."""

    gap_mm: float
    """Width of the fat between muscles, in mm."""
    texture: F64
    """Waves of the texture of the muscles' fat, (8, 4)."""


class Tables(NamedTuple):
    """The anatomy as arrays, for kernels that are called with `*tables`: a parallel loop takes no tuple in a tuple.

    The envelopes are the skin of leg and trunk, then their fascia.
    """

    tubes: Tubes
    """The tubes."""
    frame: Frame
    """The frame of the patient."""
    own: Thigh
    """What is the thigh's own."""


class _Nearest(NamedTuple):
    """What of a section a point is near to. A level is below 1 inside a tube; a radius is in mm."""

    bone: float
    """Level of the bone that the point is deepest in; 1 where it is in none."""
    bone_r: float
    """Mean radius of that bone."""
    bone_p: int
    """Place of that bone among the tubes; -1 for none."""
    muscle: float
    """Level of the muscle that the point is deepest in."""
    muscle_r: float
    """Mean radius of that muscle."""
    code: int
    """Tissue code of that muscle; 0 where the point is in none."""
    second: float
    """Level of the next muscle of another code."""
    second_r: float
    """Mean radius of that muscle."""
    filler: int
    """Tissue code of the first filler that holds the point; -1 for none."""


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def _nearest(t: Any, i: int, rows: F64, cx: float, cy: float, side: float) -> _Nearest:
    """The tubes that decide the code of an in-plane point in the section `rows` of bin i."""
    best, best_r, best_code = 1.0, 1.0, 0
    second, second_r = 2.0, 1.0
    bone, bone_r, bone_p = 1.0, 1.0, -1
    filler = -1
    for m in range(t.start[i], t.start[i + 1]):
        p = t.member[m]
        px = cx * side if t.signed[p] else cx
        if outside_tube(t, m, px, cy) or (t.kind[p] > MUSCLE and filler >= 0):
            continue
        f, r = np.sqrt(squared_level(rows[p], t.squareness[p], px, cy)), rows[p, RADIUS]
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
    return _Nearest(bone, bone_r, bone_p, best, best_r, best_code, second, second_r, filler)


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def _bone_code(t: Any, n: Any) -> int:
    """Cortex or marrow of the bone that the point is in. A thin bone has a thin cortex."""
    cortex = t.cortex[n.bone_p] * min(1.0, (14.0 / n.bone_r) ** 3)
    if (1.0 - n.bone) * n.bone_r < cortex:
        return FEMUR_CORTEX if t.code[n.bone_p] == _FEMUR else ILIAC_CORTEX
    return int(t.code[n.bone_p])


@numba.njit  # type: ignore[untyped-decorator]
def _code(t: Any, f: Any, own: Any, i: int, rows: F64, cx: float, cy: float, cz: float, side: float) -> int:
    """Tissue code of a canonical point in the section `rows` of bin i."""
    cx, cy = waved(f, cx, cy, cz)
    if outside_skin(t, i, cx, cy):
        return 0
    q = t.squareness
    if (
        squared_level(rows[OUTER_FASCIA], q[OUTER_FASCIA], cx, cy) >= 1.0
        and squared_level(rows[OTHER_FASCIA], q[OTHER_FASCIA], cx, cy) >= 1.0
    ):
        if (
            squared_level(rows[OUTER_SKIN], q[OUTER_SKIN], cx, cy) >= 1.0
            and squared_level(rows[OTHER_SKIN], q[OTHER_SKIN], cx, cy) >= 1.0
        ):
            return 0
        return SUBCUTANEOUS
    n = _nearest(t, i, rows, cx, cy, side)
    if n.bone_p >= 0:
        return int(_bone_code(t, n))
    if n.code > 0:
        if n.second - n.muscle < 0.5 * own.gap_mm * (1.0 / n.muscle_r + 1.0 / n.second_r):
            return INTERMUSCULAR
        return int(n.code) if cz < LABEL_LIMIT_MM else OTHER_MUSCLE
    return int(n.filler) if n.filler >= 0 else INTERMUSCULAR


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
def count_lattice(t: Any, f: Any, own: Any, origin: F64, h: F64, size: Any, amplitude: float) -> tuple[F64, F64]:
    """Lattice points per (side, code), side 0 Left and 1 Right, and sums there of 1 + amplitude * texture."""
    nx, ny, nz = size
    count = np.zeros((nz, 2, CODES))
    weight = np.zeros((nz, 2, CODES))
    for k in numba.prange(nz):
        z = origin[2] + h[2] * k
        rows = np.empty((t.tube.shape[0], COLUMNS))
        cut = cut_section(t, canonical_height(f, z), rows)
        for j in range(ny):
            y = origin[1] + h[1] * j
            for i in range(nx):
                x = origin[0] + h[0] * i
                cx, cy, cz, side = to_canonical(f, x, y, z)
                code = _code(t, f, own, cut, rows, cx, cy, cz, side)
                if code > 0:
                    s = 0 if side > 0 else 1
                    count[k, s, code] += 1.0
                    weight[k, s, code] += 1.0 + amplitude * texture_at(own.texture, x, y, z) if amplitude > 0.0 else 1.0
    return count.sum(axis=0), weight.sum(axis=0)


@compiled(parallel=True)
def sample_voxels(
    t: Any, f: Any, own: Any, origin: F64, step: F64, sub: Any, tissue: F64, textured: Any, amplitude: float, out: Any
) -> None:
    """Mean over `sub` = (si, sj, sk) points in each voxel of four per-tissue quantities; out: (4, k, j, i).

    tissue: (codes, 4) = water proton density, water signal at echo 1 and at echo 2 (each per unit of water-only
    tissue), fat fraction in 0..1. out: the first three times (1 - fat fraction), and the fat fraction times the
    proton density; it must come in as zeros. Texture multiplies the fat fraction of codes with `textured`.
    """
    si, sj, sk = sub
    share = 1.0 / (si * sj * sk)
    for k in numba.prange(out.shape[1]):
        rows = np.empty((t.tube.shape[0], COLUMNS))
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
                    cx, cy, cz, side = to_canonical(f, x, y, z)
                    if cz != height:
                        cut, height = cut_section(t, cz, rows), cz
                    code = _code(t, f, own, cut, rows, cx, cy, cz, side)
                    if code == 0:
                        continue
                    ff = tissue[code, 3]
                    if amplitude > 0.0 and textured[code]:
                        ff *= 1.0 + amplitude * texture_at(own.texture, x, y, z)
                    out[0, k, j, i] += share * (1.0 - ff) * tissue[code, 0]
                    out[1, k, j, i] += share * (1.0 - ff) * tissue[code, 1]
                    out[2, k, j, i] += share * (1.0 - ff) * tissue[code, 2]
                    out[3, k, j, i] += share * ff * tissue[code, 0]
