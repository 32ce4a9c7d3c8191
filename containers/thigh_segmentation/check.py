"""What a volume must be before a network sees it. Every refusal is one line."""

import numpy as np

from containers.contract.errors import ItemFault
from containers.toolkit.images.volume import Volume

SPACING_MM = (0.3, 12.0)
"""Voxel edges outside were meant in another unit."""
EXTENT_MM = (30.0, 2200.0)
"""Fields of view outside show no thigh, or their spacing is wrong."""


def check_image(volume: Volume, where: str) -> None:
    """Raise ItemFault for numbers that are none, a constant volume, or a grid that fits no body."""
    data, geometry = volume.data, volume.geometry
    if np.iscomplexobj(data) or not (np.issubdtype(data.dtype, np.floating) or np.issubdtype(data.dtype, np.integer)):
        raise ItemFault(f"has values of type {data.dtype}", where=where, mend="give magnitudes as numbers")
    if not np.isfinite(data).all():
        raise ItemFault("has NaN or infinite voxels", where=where, mend="fuse it again, or set them to 0")
    if data.size == 0 or data.min() == data.max():
        raise ItemFault("is constant", where=where, mend="give an image that shows a body")
    names = ("i", "j", "k")
    for name, spacing in zip(names, geometry.spacing_mm, strict=True):
        if not SPACING_MM[0] <= spacing <= SPACING_MM[1]:
            raise ItemFault(
                f"has {spacing:g} mm between voxels along {name}, expected {SPACING_MM[0]:g} to {SPACING_MM[1]:g}",
                where=where,
                mend="mend the spacing in its header (mm)",
            )
    for name, size, spacing in zip(names, geometry.size, geometry.spacing_mm, strict=True):
        if not EXTENT_MM[0] <= size * spacing <= EXTENT_MM[1]:
            raise ItemFault(
                f"spans {size * spacing:g} mm along {name}, expected {EXTENT_MM[0]:g} to {EXTENT_MM[1]:g}",
                where=where,
                mend="check its spacing and field of view",
            )
