"""The compiled loops of `interpolate_numba`. They release the interpreter lock.

In a module of their own that imports no other of the stage: an edit elsewhere leaves the compiled code in use.
"""

from typing import Any

import numpy as np

from containers.toolkit.runtime.compiled import compiled


@compiled(nogil=True, error_model="numpy")
def aligned(
    out: Any, add: bool, share: Any, data: Any, slope: Any, intercept: Any,
    j_start: Any, i_start: Any, kz: Any, dz: Any, jy: Any, dy: Any, ix: Any, dx: Any,
) -> None:  # fmt: skip
    """Write (or add) one parallel station to `out` (planes, j, i), times `share` (j, i) where stations overlap.

    share of size 0 means that no other station reaches these planes. kz, jy, ix: lower index of every plane,
    row and column inside the station; dz, dy, dx: fractions.
    """
    planes, rows, columns = out.shape
    inside_rows, inside_columns = jy.size, ix.size
    width = data.shape[2]
    one, zero = np.float32(1), np.float32(0)
    line = np.empty(width, np.float32)
    alone = share.size == 0
    # With equal spacing every column has the same fraction: no gathering, two shifted reads.
    steady = True
    for n in range(1, inside_columns):
        steady = steady and ix[n] == ix[0] + n and dx[n] == dx[0]
    for p in range(planes):
        wz1 = dz[p]
        wz0 = one - wz1
        for j in range(rows):
            row = out[p, j]
            inside = j_start <= j < j_start + inside_rows
            if not add:
                if not inside:
                    for i in range(columns):
                        row[i] = zero
                    continue
                for i in range(i_start):
                    row[i] = zero
                for i in range(i_start + inside_columns, columns):
                    row[i] = zero
            elif not inside:
                continue
            y = jy[j - j_start]
            wy1 = dy[j - j_start]
            w00, w01 = wz0 * (one - wy1) * slope, wz0 * wy1 * slope
            w10, w11 = wz1 * (one - wy1) * slope, wz1 * wy1 * slope
            a, b, c, d = data[kz[p], y], data[kz[p], y + 1], data[kz[p] + 1, y], data[kz[p] + 1, y + 1]
            for x in range(width):
                line[x] = (
                    intercept
                    + w00 * np.float32(a[x])
                    + w01 * np.float32(b[x])
                    + w10 * np.float32(c[x])
                    + w11 * np.float32(d[x])
                )
            target = row[i_start : i_start + inside_columns]
            if steady and alone:
                wx1 = dx[0]
                wx0 = one - wx1
                left, right = line[ix[0] : ix[0] + inside_columns], line[ix[0] + 1 : ix[0] + 1 + inside_columns]
                for i in range(inside_columns):
                    target[i] = wx0 * left[i] + wx1 * right[i]
            else:
                for i in range(inside_columns):
                    value = (one - dx[i]) * line[ix[i]] + dx[i] * line[ix[i] + 1]
                    if not alone:
                        value *= share[j, i_start + i]
                    target[i] = target[i] + value if add else value


@compiled(nogil=True, error_model="numpy")
def oblique(
    total: Any, count: Any, first_plane: Any, data: Any, slope: Any, intercept: Any, matrix: Any, offset: Any, edge: Any
) -> None:
    """Add one station in any orientation to `total` and `count` (planes, j, i), planes counted from first_plane."""
    last_k, last_j, last_i = data.shape[0] - 1, data.shape[1] - 1, data.shape[2] - 1
    for p in range(total.shape[0]):
        for j in range(total.shape[1]):
            for i in range(total.shape[2]):
                k = p + first_plane
                x = matrix[0, 0] * i + matrix[0, 1] * j + matrix[0, 2] * k + offset[0]
                y = matrix[1, 0] * i + matrix[1, 1] * j + matrix[1, 2] * k + offset[1]
                z = matrix[2, 0] * i + matrix[2, 1] * j + matrix[2, 2] * k + offset[2]
                if not (-edge <= x <= last_i + edge and -edge <= y <= last_j + edge and -edge <= z <= last_k + edge):
                    continue
                x, y, z = min(max(x, 0.0), last_i), min(max(y, 0.0), last_j), min(max(z, 0.0), last_k)
                x0, y0, z0 = min(int(x), last_i - 1), min(int(y), last_j - 1), min(int(z), last_k - 1)
                x, y, z = x - x0, y - y0, z - z0
                lower = (1 - y) * ((1 - x) * data[z0, y0, x0] + x * data[z0, y0, x0 + 1]) + y * (
                    (1 - x) * data[z0, y0 + 1, x0] + x * data[z0, y0 + 1, x0 + 1]
                )
                upper = (1 - y) * ((1 - x) * data[z0 + 1, y0, x0] + x * data[z0 + 1, y0, x0 + 1]) + y * (
                    (1 - x) * data[z0 + 1, y0 + 1, x0] + x * data[z0 + 1, y0 + 1, x0 + 1]
                )
                total[p, j, i] += np.float32(slope * ((1 - z) * lower + z * upper) + intercept)
                count[p, j, i] += 1
