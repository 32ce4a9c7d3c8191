"""What a volume must be before a network sees it. Every refusal is one line."""

from containers.toolkit.images.check import check_extent, check_spacing, check_type, check_values
from containers.toolkit.images.volume import Volume

SPACING_MM = (0.3, 12.0)
"""Voxel edges outside were meant in another unit."""
EXTENT_MM = (30.0, 2200.0)
"""Fields of view outside show no thigh, or their spacing is wrong."""


def check_image(volume: Volume, where: str) -> None:
    """Raise ItemFault for numbers that are none, a constant volume, or a grid that fits no body."""
    check_type(volume.data, where)
    check_values(volume.data, where, fix="fuse it again")
    check_spacing(volume.geometry, SPACING_MM, where)
    check_extent(volume.geometry, EXTENT_MM, where)
