"""Faults seeded into label maps, each of which some metric of a gate must notice."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from containers.contract.errors import ItemFault
from containers.toolkit.images.labels import label_of
from containers.toolkit.images.volume import Geometry

Labels = npt.NDArray[np.uint8]


def _eroded(labels: Labels, geometry: Geometry) -> Labels:
    """Voxels with a neighbour (6 of them, in the volume) of another label become background."""
    inner = np.ones(labels.shape, dtype=bool)
    for axis in range(3):
        same = np.diff(labels, axis=axis) == 0
        low, high = [slice(None)] * 3, [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        inner[tuple(low)] &= same
        inner[tuple(high)] &= same
    return np.where(inner, labels, 0).astype(np.uint8)


def _dilated(labels: Labels, geometry: Geometry) -> Labels:
    """Background voxels next to a label (6 neighbours) take the largest such label."""
    cross = ndimage.generate_binary_structure(3, 1)
    grown = ndimage.grey_dilation(labels, footprint=cross)
    return np.where(labels > 0, labels, grown).astype(np.uint8)


def _shifted(labels: Labels, geometry: Geometry) -> Labels:
    """Two voxels towards +i, background coming in."""
    out = np.zeros_like(labels)
    out[..., 2:] = labels[..., :-2]
    return out


def _mislabelled(labels: Labels, geometry: Geometry) -> Labels:
    """Rectus femoris and semitendinosus change names: volumes of the union stay, the P/A ratio does not."""
    table = np.arange(256, dtype=np.uint8)
    one, other = label_of("rectus_femoris"), label_of("semitendinosus")
    table[one], table[other] = other, one
    return table[labels]


def _left_right(labels: Labels, geometry: Geometry) -> Labels:
    """Mirrored along i, as a reader does that drops the sign of the first axis."""
    return np.ascontiguousarray(labels[..., ::-1])


def _side_lost(labels: Labels, geometry: Geometry) -> Labels:
    """Nothing is left on the patient's Left (x > the body's middle)."""
    k, j, i = np.nonzero(labels)
    x = geometry.position_mm(np.stack([i, j, k], axis=-1))[:, 0]
    out = labels.copy()
    left = x > x.mean()
    out[k[left], j[left], i[left]] = 0
    return out


def _structure_lost(labels: Labels, geometry: Geometry) -> Labels:
    """The gracilis is missing altogether."""
    return np.where(labels == label_of("gracilis"), 0, labels).astype(np.uint8)


def _upside_down(labels: Labels, geometry: Geometry) -> Labels:
    """Slices in reverse order."""
    return np.ascontiguousarray(labels[::-1])


def _slices_lost(labels: Labels, geometry: Geometry) -> Labels:
    """Every tenth slice is empty."""
    out = labels.copy()
    out[5::10] = 0
    return out


MUTANTS: dict[str, Callable[[Labels, Geometry], Labels]] = {
    "eroded": _eroded,
    "dilated": _dilated,
    "shifted": _shifted,
    "mislabelled": _mislabelled,
    "left_right": _left_right,
    "side_lost": _side_lost,
    "structure_lost": _structure_lost,
    "upside_down": _upside_down,
    "slices_lost": _slices_lost,
}


def mutate_labels(labels: Labels, geometry: Geometry, fault: str) -> Labels:
    """A copy of `labels` (k, j, i) on `geometry` with the named fault. Raises ItemFault for an unknown one."""
    if fault not in MUTANTS:
        raise ItemFault(
            f"no mutant is called {fault!r}", where="mutate_labels", fix=f"use one of: {', '.join(MUTANTS)}"
        )
    return MUTANTS[fault](np.asarray(labels, dtype=np.uint8), geometry)
