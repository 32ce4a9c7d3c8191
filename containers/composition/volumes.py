"""Voxels per label and side in one pass, and the volumes of groups.

A structure without a voxel has no volume (None, never 0), and a group has a volume only when all of its
members have one: a total that lacks a muscle is another quantity, not a smaller total.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.composition.midline import SagittalPlane
from containers.toolkit.images.volume import Geometry

LABELS = 256

Defined = tuple[float | None, str]
"""A value, or None with the reason."""


@dataclass(frozen=True)
class LabelVolumes:
    """Volumes of the labels, which make up structures."""

    by_label: dict[int, float]
    """Volume in cm3 of each label, by value."""
    names: dict[int, str]
    """Name of each label, by value."""

    def of(self, labels: tuple[int, ...]) -> Defined:
        """A structure's volume; None with the labels that have no voxel."""
        lacking = [self.names[value] for value in labels if not self.by_label[value]]
        if lacking:
            return None, f"no voxel of {', '.join(lacking)}"
        return sum(self.by_label[value] for value in labels), ""


def count_voxels(
    labels: npt.NDArray[np.uint8], geometry: Geometry, plane: SagittalPlane | None
) -> npt.NDArray[np.int64]:
    """Count voxels per label and side.

    labels: (k, j, i). Returns int64 (256, 3): per label the voxels right of the plane, on it, and left of it.
    Without a plane all voxels are in the middle column. Slice by slice, so memory is that of one slice.
    """
    counts = np.zeros(3 * LABELS, np.int64)
    for k, page in enumerate(labels):
        key = page.astype(np.intp)
        if plane is None:
            key += LABELS
        else:
            key += LABELS * (1 + plane.side(geometry, k).astype(np.intp))
        counts += np.bincount(key.reshape(-1), minlength=3 * LABELS)
    return counts.reshape(3, LABELS).T


def side_volumes_cm3(counts: npt.NDArray[np.int64], voxel_cm3: float) -> dict[str, npt.NDArray[np.float64]]:
    """Volumes (256,) in cm3 by side from `count_voxels`. A voxel centred on the plane counts half to each side."""
    right, middle, left = (counts[:, column].astype(np.float64) for column in range(3))
    return {
        "both": (right + middle + left) * voxel_cm3,
        "left": (left + middle / 2) * voxel_cm3,
        "right": (right + middle / 2) * voxel_cm3,
    }


def group_volume(volumes: Mapping[str, float | None], members: Iterable[str]) -> tuple[float | None, str]:
    """Sum of the members' volumes, or None with the reason when a member has none."""
    found = {name: volumes.get(name) for name in members}
    missing = [name for name, value in found.items() if value is None]
    if missing:
        return None, f"no voxel of {', '.join(missing)}"
    return float(sum(value for value in found.values() if value is not None)), ""


def ratio(numerator: tuple[float | None, str], denominator: tuple[float | None, str]) -> tuple[float | None, str]:
    """Quotient of two group volumes, or None with the reason. A defined volume is never 0."""
    if numerator[0] is None or denominator[0] is None:
        return None, numerator[1] or denominator[1]
    return numerator[0] / denominator[0], ""


def asymmetry_percent(left_cm3: float, right_cm3: float) -> tuple[float | None, str]:
    """100 |L - R| / max(L, R) (Table 2, note): 100 % when one side has nothing, undefined when both have nothing."""
    larger = max(left_cm3, right_cm3)
    if larger == 0:
        return None, "no voxel on either side"
    return 100.0 * abs(left_cm3 - right_cm3) / larger, ""
