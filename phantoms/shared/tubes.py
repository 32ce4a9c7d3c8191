"""Tubes of an anatomy, for the thigh and for the back, and as arrays: rows at heights, bins along z, codes on a grid.

Frame: x lateral from the midline (both sides are mirror images), y to Posterior, z to Superior with z = 0 at the
centre of the femoral head; a person of 1.70 m; in mm. A tube is a list of knots

    (z, centre x, centre y, semi-axis a, semi-axis b, angle of a in degrees from +x towards +y, bend in 1/mm)

from top to bottom. In the rotated frame (u along a, v along b) a point has the level

    f = sqrt((1 - q) (U^2 + V^2) + q sqrt(U^4 + V^4)),  U = u / a,  V = (v - bend u^2) / b,

q being the tube's squareness: f < 1 inside. The bend is a shear, so it leaves the area pi a b (q = 0) as it is.
Semi-axes close to zero over `cap_mm` at both ends, as those of an ellipsoid.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from containers.toolkit.images.volume import Geometry
from phantoms.shared.tube_kernel import ENVELOPE, ENVELOPES, F64, Tubes

Knot = tuple[float, float, float, float, float, float, float]


@dataclass(frozen=True)
class Tube:
    """One tube along z in the canonical frame; several tubes may share a structure."""

    structure: str
    """Name of the structure that it belongs to."""
    kind: int
    """Class of the tube, of `tube_kernel`."""
    knots: tuple[Knot, ...]
    """Outlines from top to bottom, as the module defines them."""
    cap_mm: float = 12.0
    """Length over which the semi-axes close at both ends, in mm."""
    squareness: float = 0.2
    """Squareness of the outline; 0 is an ellipse."""
    cortex_mm: float = 0.0
    """Thickness of a bone's cortex, in mm; 0 for none."""
    signed: bool = False
    """Whether it is on one side only (organs), with centre x positive to the patient's Left."""


def rows_of(knots: tuple[Knot, ...], z: F64, cap_mm: float) -> F64:
    """Tube parameters (nz, 7) at heights z: shape-preserving cubic between knots, elliptic caps, a sliver outside."""
    table = np.array(sorted(knots))
    inside = np.clip(z, table[0, 0], table[-1, 0])
    values = PchipInterpolator(table[:, 0], table[:, 1:])(inside)
    depth = np.clip(np.minimum(z - table[0, 0], table[-1, 0] - z) / cap_mm, 0.0, 1.0)
    cap = np.sqrt(1.0 - (1.0 - depth) ** 2)
    angle = np.deg2rad(values[:, 4])
    a, b = np.maximum(values[:, 2] * cap, 1e-3), np.maximum(values[:, 3] * cap, 1e-3)
    return np.column_stack([values[:, 0], values[:, 1], a, b, np.cos(angle), np.sin(angle), values[:, 5]])


def as_arrays(
    envelopes: Sequence[F64],
    tubes: Sequence[Tube],
    rows: Sequence[F64],
    codes: Sequence[int],
    squareness: Sequence[float],
    z: F64,
) -> Tubes:
    """Tubes for the kernels, at equally spaced canonical heights z (nz,) in mm.

    envelopes, rows: of the four envelopes and of each tube, (nz, 7), as `rows_of` gives them; codes: tissue code of
    each tube; squareness: of the envelopes.
    """
    table = np.stack([*envelopes, *rows])
    start, member, box, outline = _bin_tubes(table)
    none = [0] * ENVELOPES
    return Tubes(
        tube=table,
        code=np.array([*none, *codes]),
        kind=np.array([ENVELOPE] * ENVELOPES + [t.kind for t in tubes]),
        signed=np.array([False] * ENVELOPES + [t.signed for t in tubes]),
        cortex=np.array([0.0] * ENVELOPES + [t.cortex_mm for t in tubes]),
        squareness=np.array([*squareness, *(t.squareness for t in tubes)]),
        start=start,
        member=member,
        box=box,
        outline=outline,
        z0=float(z[0]),
        dz=float(z[1] - z[0]),
    )


def _bin_tubes(table: F64) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], F64, F64]:
    """Per z bin the tubes that are there (envelopes left out) with their bounds, widened by 5 %; the skin's bounds."""
    x, y, a, b, c, s, k = np.moveaxis(table, 2, 0)
    a, b = 1.05 * a, 1.05 * b
    v = b + np.abs(k) * a * a
    ex, ey = np.abs(c) * a + np.abs(s) * v, np.abs(s) * a + np.abs(c) * v
    bound = np.stack([x - ex, x + ex, y - ey, y + ey], axis=-1)
    start, member, box = [0], [], []
    for i in range(table.shape[1] - 1):
        for p in range(ENVELOPES, table.shape[0]):
            if max(table[p, i, 2], table[p, i + 1, 2]) > 0.01:
                both = bound[p, i : i + 2]
                member.append(p)
                box.append([both[:, 0].min(), both[:, 1].max(), both[:, 2].min(), both[:, 3].max()])
        start.append(len(member))
    skin = np.concatenate([bound[:2, :-1], bound[:2, 1:]])
    outline = np.stack([skin[..., 0].min(0), skin[..., 1].max(0), skin[..., 2].min(0), skin[..., 3].max(0)], axis=-1)
    return np.array(start), np.array(member), np.array(box), outline


def fill_grid(kernel: Callable[..., None], tables: Any, geometry: Geometry) -> npt.NDArray[np.uint8]:
    """Tissue codes (k, j, i) at the voxel centres of a grid in LPS mm, by the kernel `codes_on_grid` of its tables."""
    out = np.empty(geometry.shape, dtype=np.uint8)
    kernel(*tables, np.asarray(geometry.origin_mm, dtype=float), geometry.matrix(), out)
    return out
