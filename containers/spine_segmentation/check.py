"""What a volume must be before a network sees it. Every refusal is one line."""

import numpy as np

from containers.contract.errors import ItemFault
from containers.toolkit.images.check import check_extent, check_spacing, check_type, check_values
from containers.toolkit.images.turn import Turn
from containers.toolkit.images.volume import Volume

SPACING_MM = (0.3, 15.0)
"""Voxel edges outside were meant in another unit."""
EXTENT_MM = (30.0, 2200.0)
"""Fields of view outside show no trunk, or their spacing is wrong."""
SLICES = 4
"""Fewer are not a volume: the network looks at neighbours above and below."""
TILT_DEGREES = 40.0
"""Slices tilted further against the axial plane are coronal or sagittal ones."""
THICKER = 1.5
"""An axis whose voxels are longer than the others' by this factor is the one across the slices."""


def check_image(volume: Volume, turn: Turn, where: str) -> None:
    """Raise ItemFault for values that are not stored MR magnitudes, or a grid that no axial trunk scan has."""
    data = volume.data
    check_type(data, where)
    if data.dtype.itemsize == 1:
        raise ItemFault(
            "has 8-bit values, as pictures for viewing have", where=where, fix="give the scanner's stored values"
        )
    check_values(data, where, fix="convert it again")
    if data.min() < 0:
        raise ItemFault(
            f"has negative values (the lowest is {float(data.min()):g})", where=where,
            fix="give magnitudes, neither normalised nor of another modality",
        )  # fmt: skip
    _check_grid(volume, turn, where)


def _check_grid(volume: Volume, turn: Turn, where: str) -> None:
    geometry = volume.geometry
    check_spacing(geometry, SPACING_MM, where)
    if min(geometry.size) < SLICES:
        raise ItemFault(
            f"has {min(geometry.size)} slice{'s' * (min(geometry.size) > 1)}, at least {SLICES} are needed",
            where=where,
            fix="give the whole volume",
        )
    thickest = int(np.argmax(turn.spacing_mm))
    others = [edge for n, edge in enumerate(turn.spacing_mm) if n != thickest]
    if turn.axial_degrees > TILT_DEGREES or (thickest != 0 and turn.spacing_mm[thickest] > THICKER * max(others)):
        raise ItemFault(
            "is not axial: its slices lie in another plane", where=where, fix="give the axial series of the trunk"
        )
    check_extent(geometry, EXTENT_MM, where)
