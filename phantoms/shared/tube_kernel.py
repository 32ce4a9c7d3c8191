"""Compiled parts of an anatomy of tubes, for the thigh and for the back: tables, frame, and points in a section.

Points are patient LPS in mm; canonical points are (|x|, y, z) in the half-body frame of `phantoms.shared.tubes`.
Results do not depend on the number of threads: a kernel's slices are each worked by one thread, which writes only its
own part. No fast-math, so equal inputs give equal bits.
"""

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
BONE, MUSCLE, FILLER, CANAL, ENVELOPE = range(5)
"""Classes of tubes. Precedence: canal before bones before muscles before fillers; envelopes bound them all."""
ENVELOPES = 4
"""How many envelopes a table begins with: two of skin, then the fascia of each."""
OUTER_SKIN, OTHER_SKIN, OUTER_FASCIA, OTHER_FASCIA = range(ENVELOPES)
"""Their places: of leg and trunk, or of trunk and arms."""
COLUMNS = 8
X, Y, INVERSE_A, INVERSE_B, COS, SIN, BEND, RADIUS = range(COLUMNS)
"""Columns of a section's rows: centre, inverse semi-axes, direction of a, bend, mean radius; in mm."""


class Tubes(NamedTuple):
    """Tubes as arrays; the first four are the envelopes."""

    tube: F64
    """Centre x, y, semi-axes a, b, cos, sin and bend of each tube at canonical heights, (tubes, nz, 7), in mm."""
    code: npt.NDArray[np.int64]
    """Tissue code of each tube, (tubes,)."""
    kind: npt.NDArray[np.int64]
    """Class of each tube, (tubes,)."""
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


class Frame(NamedTuple):
    """From the patient to the canonical half body. All numbers are floats, which decides the compiled types."""

    shift_x: float
    """Patient x of the canonical origin, in mm."""
    shift_y: float
    """Patient y of the canonical origin, in mm."""
    shift_z: float
    """Patient z of the canonical origin, in mm."""
    cos: float
    """Cosine of the rotation about z."""
    sin: float
    """Sine of the rotation about z."""
    abduction: float
    """Tangent of the legs' abduction."""
    height: float
    """Scale along z."""
    trunk: float
    """In-plane scale of the trunk."""
    left: float
    """In-plane scale of the Left leg."""
    right: float
    """In-plane scale of the Right leg."""
    wave_mm: float
    """Amplitude of the waves that move the outlines, in mm; 0 for none."""
    wave_number: float
    """Their wave number, per mm."""


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def voxel_point(origin: F64, step: F64, i: float, j: float, k: float) -> tuple[float, float, float]:
    """Patient point at the voxel indices i, j, k, or between voxels; step: 3x3, columns are the steps along i, j, k."""
    x = origin[0] + step[0, 0] * i + step[0, 1] * j + step[0, 2] * k
    y = origin[1] + step[1, 0] * i + step[1, 1] * j + step[1, 2] * k
    z = origin[2] + step[2, 0] * i + step[2, 1] * j + step[2, 2] * k
    return x, y, z


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def canonical_height(f: Any, z: float) -> float:
    """Canonical z of a patient height."""
    return float((z - f.shift_z) / f.height)


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def to_canonical(f: Any, x: float, y: float, z: float) -> tuple[float, float, float, float]:
    """Canonical (|x|, y, z) and the side (+1 Left, -1 Right) of a patient point.

    Below the hip the scale changes smoothly from the trunk's to the leg's, about the leg's own axis.
    """
    dx, dy = x - f.shift_x, y - f.shift_y
    bx, by, bz = f.cos * dx + f.sin * dy, f.cos * dy - f.sin * dx, canonical_height(f, z)
    side = 1.0 if bx >= 0.0 else -1.0
    blend = min(max((40.0 - bz) / 80.0, 0.0), 1.0)
    blend = blend * blend * (3.0 - 2.0 * blend)
    leg = f.left if side > 0 else f.right
    g = f.trunk + (leg - f.trunk) * blend
    depth = max(20.0 - bz, 0.0)
    axis = 92.0 * blend
    cx = (abs(bx) / f.trunk - f.abduction * depth * depth / (depth + 60.0) - axis) * (f.trunk / g) + axis
    return cx, by / g, bz, side


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def waved(f: Any, cx: float, cy: float, cz: float) -> tuple[float, float]:
    """In-plane canonical point, moved by the waves of the outlines."""
    if f.wave_mm > 0.0:
        k, amp = f.wave_number, f.wave_mm
        cx, cy = cx + amp * np.sin(k * cy + 0.5 * k * cz), cy + amp * np.sin(k * cx - 0.4 * k * cz)
    return cx, cy


@numba.njit  # type: ignore[untyped-decorator]
def cut_section(t: Any, cz: float, rows: F64) -> int:
    """Cut the tubes at canonical height cz: fill `rows` (tubes, COLUMNS) for those met there, return the z bin or -1.

    Points are evaluated slice by slice, so that this interpolation is shared by all points of one height.
    """
    position = (cz - t.z0) / t.dz
    i = int(np.floor(position))
    if i < 0 or i >= t.tube.shape[1] - 1:
        return -1
    w = position - i
    count = t.start[i + 1] - t.start[i]
    for n in range(ENVELOPES + count):
        p = n if n < ENVELOPES else t.member[t.start[i] + n - ENVELOPES]
        r, s = t.tube[p, i], t.tube[p, i + 1]
        for c in range(RADIUS):
            rows[p, c] = (1.0 - w) * r[c] + w * s[c]
        rows[p, RADIUS] = np.sqrt(rows[p, INVERSE_A] * rows[p, INVERSE_B])
        rows[p, INVERSE_A] = 1.0 / rows[p, INVERSE_A]
        rows[p, INVERSE_B] = 1.0 / rows[p, INVERSE_B]
    return i


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def squared_level(r: Any, q: float, x: float, y: float) -> float:
    """Square of the level of the tube with row r and squareness q at a canonical in-plane point; below 1 inside."""
    dx, dy = x - r[X], y - r[Y]
    u = dx * r[COS] + dy * r[SIN]
    v = (dy * r[COS] - dx * r[SIN] - r[BEND] * u * u) * r[INVERSE_B]
    uu, vv = (u * r[INVERSE_A]) * (u * r[INVERSE_A]), v * v
    return float((1.0 - q) * (uu + vv) + q * np.sqrt(uu * uu + vv * vv))


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def outside_skin(t: Any, i: int, cx: float, cy: float) -> bool:
    """Whether an in-plane point is outside the box of the skin in bin i, or i is not a bin."""
    return bool(i < 0 or cx > t.outline[i, 1] or cy < t.outline[i, 2] or cy > t.outline[i, 3])


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def outside_tube(t: Any, m: int, px: float, cy: float) -> bool:
    """Whether an in-plane point is outside the box of the tube at place m of `member`; px: signed for a signed one."""
    return bool(px < t.box[m, 0] or px > t.box[m, 1] or cy < t.box[m, 2] or cy > t.box[m, 3])


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def texture_at(s: F64, x: float, y: float, z: float) -> float:
    """A smooth function of position between -1 and 1 with mean near zero; s: (waves, 4) = wave vector and phase."""
    total = 0.0
    for n in range(s.shape[0]):
        total += np.sin(s[n, 0] * x + s[n, 1] * y + s[n, 2] * z + s[n, 3])
    return float(total / s.shape[0])
