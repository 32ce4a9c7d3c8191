"""What a volume must be before a network sees it. Every refusal is one line."""

import numpy as np

from containers.contract.errors import ItemFault
from containers.toolkit.images.turn import Turn
from containers.toolkit.images.volume import Volume

SPACING_MM = (0.3, 15.0)
"""Voxel edges outside were meant in another unit."""
EXTENT_MM = (30.0, 2200.0)
"""Fields of view outside show no trunk, or their spacing is wrong."""
SLICES = 4
"""Fewer are no volume: the network looks at neighbours above and below."""
TILT_DEGREES = 40.0
"""Slices tilted further against the axial plane are coronal or sagittal ones."""
THICKER = 1.5
"""An axis whose voxels are longer than the others' by this factor is the one across the slices."""


def check_image(volume: Volume, turn: Turn, where: str) -> None:
    """Raise ItemFault for values that are no stored MR magnitudes, or a grid that no axial trunk scan has."""
    data = volume.data
    if np.iscomplexobj(data) or not (np.issubdtype(data.dtype, np.floating) or np.issubdtype(data.dtype, np.integer)):
        raise ItemFault(f"has values of type {data.dtype}", where=where, mend="give magnitudes as numbers")
    if data.dtype.itemsize == 1:
        raise ItemFault(
            "has 8-bit values, as pictures for viewing have", where=where, mend="give the scanner's stored values"
        )
    if not np.isfinite(data).all():
        raise ItemFault("has NaN or infinite voxels", where=where, mend="convert it again, or set them to 0")
    if data.size == 0 or data.min() == data.max():
        raise ItemFault("is constant", where=where, mend="give an image that shows a body")
    if data.min() < 0:
        raise ItemFault(
            f"has negative values (the lowest is {float(data.min()):g})", where=where,
            mend="give magnitudes, neither normalised nor of another modality",
        )  # fmt: skip
    _check_grid(volume, turn, where)


def _check_grid(volume: Volume, turn: Turn, where: str) -> None:
    geometry = volume.geometry
    for name, spacing in zip("ijk", geometry.spacing_mm, strict=True):
        if not SPACING_MM[0] <= spacing <= SPACING_MM[1]:
            raise ItemFault(
                f"has {spacing:g} mm between voxels along {name}, expected {SPACING_MM[0]:g} to {SPACING_MM[1]:g}",
                where=where,
                mend="mend the spacing in its header (mm)",
            )
    if min(geometry.size) < SLICES:
        raise ItemFault(
            f"has {min(geometry.size)} slice{'s' * (min(geometry.size) > 1)}, at least {SLICES} are needed",
            where=where,
            mend="give the whole volume",
        )
    thickest = int(np.argmax(turn.spacing_mm))
    others = [edge for n, edge in enumerate(turn.spacing_mm) if n != thickest]
    if turn.axial_degrees > TILT_DEGREES or (thickest != 0 and turn.spacing_mm[thickest] > THICKER * max(others)):
        raise ItemFault(
            "is not axial: its slices lie in another plane", where=where, mend="give the axial series of the trunk"
        )
    for name, size, spacing in zip("ijk", geometry.size, geometry.spacing_mm, strict=True):
        if not EXTENT_MM[0] <= size * spacing <= EXTENT_MM[1]:
            raise ItemFault(
                f"spans {size * spacing:g} mm along {name}, expected {EXTENT_MM[0]:g} to {EXTENT_MM[1]:g}",
                where=where,
                mend="check its spacing and field of view",
            )
