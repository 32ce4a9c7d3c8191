"""Tubes as arrays, for the thigh and for the back: their rows at heights, their bins along z, codes on a grid.

A tube and its knots are those of `anatomy_template`; a table of tubes is `tube` of `anatomy_kernel.Tables`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from containers.toolkit.images.volume import Geometry
from phantoms.shared.anatomy_kernel import F64
from phantoms.thigh.anatomy_template import Knot


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


def bin_tubes(table: F64) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], F64, F64]:
    """Per z bin the tubes that are there (envelopes left out) with their bounds, widened by 5 %; the skin's bounds."""
    x, y, a, b, c, s, k = np.moveaxis(table, 2, 0)
    a, b = 1.05 * a, 1.05 * b
    v = b + np.abs(k) * a * a
    ex, ey = np.abs(c) * a + np.abs(s) * v, np.abs(s) * a + np.abs(c) * v
    bound = np.stack([x - ex, x + ex, y - ey, y + ey], axis=-1)
    start, member, box = [0], [], []
    for i in range(table.shape[1] - 1):
        for p in range(4, table.shape[0]):
            if max(table[p, i, 2], table[p, i + 1, 2]) > 0.01:
                both = bound[p, i : i + 2]
                member.append(p)
                box.append([both[:, 0].min(), both[:, 1].max(), both[:, 2].min(), both[:, 3].max()])
        start.append(len(member))
    skin = np.concatenate([bound[:2, :-1], bound[:2, 1:]])
    outline = np.stack([skin[..., 0].min(0), skin[..., 1].max(0), skin[..., 2].min(0), skin[..., 3].max(0)], axis=-1)
    return np.array(start), np.array(member), np.array(box), outline


def fill_grid(kernel: Callable[..., None], tables: Any, geometry: Geometry) -> npt.NDArray[np.uint8]:
    """Tissue codes (k, j, i) at the voxel centres of a grid in LPS mm, by the kernel `codes_on_grid` of `tables`."""
    out = np.empty(geometry.shape, dtype=np.uint8)
    kernel(tables, np.asarray(geometry.origin_mm, dtype=float), geometry.matrix(), out)
    return out
