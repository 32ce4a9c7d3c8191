"""Which slices a picture shows, chosen by the data alone so that equal volumes give equal pictures."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from containers.toolkit.images.volume import Volume


@dataclass(frozen=True)
class Upright:
    """A volume turned upright, with its outer edges."""

    data: npt.NDArray[Any]
    """Array (z, y, x), with x to the left, y to posterior, z to superior."""
    x: tuple[float, float]
    """Lower and upper outer edge along x, in mm."""
    y: tuple[float, float]
    """Lower and upper outer edge along y, in mm."""
    z: tuple[float, float]
    """Lower and upper outer edge along z, in mm."""


def upright(volume: Volume) -> Upright:
    """Turn and flip a volume (k, j, i) so that its axes run along the nearest patient axes (LPS)."""
    matrix = volume.geometry.matrix()
    axes = max(
        itertools.permutations(range(3)),
        key=lambda p: sum(abs(matrix[c, a]) / _norm(matrix, a) for c, a in enumerate(p)),
    )
    data = np.asarray(volume.data).transpose(2, 1, 0).transpose(axes)
    first = np.zeros(3)
    for coordinate, axis in enumerate(axes):
        if matrix[coordinate, axis] < 0:
            data = np.flip(data, coordinate)
            first[axis] = volume.geometry.size[axis] - 1
    corner = volume.geometry.position_mm(first)
    edges = []
    for coordinate, axis in enumerate(axes):
        step = _norm(matrix, axis)
        low = float(corner[coordinate]) - step / 2
        edges.append((low, low + step * data.shape[coordinate]))
    return Upright(np.ascontiguousarray(data.transpose(2, 1, 0)), edges[0], edges[1], edges[2])


def _norm(matrix: npt.NDArray[np.float64], axis: int) -> float:
    return float(np.linalg.norm(matrix[:, axis]))


def _most(weights: npt.NDArray[np.float64]) -> int:
    """Index of the centre of mass of non-negative weights; the middle when there is nothing."""
    total = float(weights.sum())
    return round(float(np.arange(len(weights)) @ weights) / total) if total > 0 else len(weights) // 2


def _signal(volume: Upright) -> npt.NDArray[np.float64]:
    return np.clip(np.nan_to_num(np.asarray(volume.data, dtype=np.float64)), 0.0, None)


def coronal_row(volume: Upright) -> int:
    """Row (y index) of the coronal slice through the centre of mass of the signal."""
    return _most(_signal(volume).sum(axis=(0, 2)))


def sagittal_column(volume: Upright) -> int:
    """Column (x index) of the sagittal slice through the centre of mass of the patient's right half."""
    return _most(_signal(volume)[:, :, : max(1, volume.data.shape[2] // 2)].sum(axis=(0, 1)))


THIGH, PELVIS = 0.3, 0.78
"""Where mid-thigh and pelvis lie in the range of the 27 structures, from its lower to its upper end."""


def label_slices(labels: npt.NDArray[Any]) -> tuple[int, int]:
    """Slices (k) at mid-thigh and pelvis of the labelled range, or of the whole stack when nothing is labelled."""
    filled = np.flatnonzero((labels > 0).any(axis=(1, 2)))
    low, high = (int(filled[0]), int(filled[-1])) if filled.size else (0, len(labels) - 1)
    return low + round(THIGH * (high - low)), low + round(PELVIS * (high - low))
