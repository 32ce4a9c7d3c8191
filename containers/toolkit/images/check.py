"""What any network refuses of a volume, whatever the body part. Every refusal is one line; `where` names the file."""

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.toolkit.images.geometry import Geometry

AXES = ("i", "j", "k")
"""Names of a volume's axes, in the order of `Geometry.size`."""


BODY_SPACING_MM = (0.1, 30.0)
"""Voxel edges of images and label maps of people; outside they were meant in another unit. Thick slices reach 20 mm."""
BODY_EXTENT_MM = (60.0, 2500.0)
"""Least second largest extent of a field of view (one slice through a thigh or a back), and most of all (a body)."""


def check_body(geometry: Geometry, where: str, *, small: bool = False) -> None:
    """Raise ItemFault for a grid that fits no body: it was meant in another unit. One rule for all stages.

    small: parts cut out of an image are allowed. A network may ask for more.
    """
    check_spacing(geometry, BODY_SPACING_MM, where)
    low, high = BODY_EXTENT_MM
    extent = [size * spacing for size, spacing in zip(geometry.size, geometry.spacing_mm, strict=True)]
    if max(extent) > high or (not small and sorted(extent)[1] < low):
        raise ItemFault(
            f"spans {' x '.join(f'{mm:g}' for mm in extent)} mm, where a body needs {low:g} x {low:g} to {high:g}",
            where=where,
            fix="correct the spacing in its header (mm)",
        )


def check_type(data: npt.NDArray[np.generic], where: str) -> None:
    """Raise ItemFault for values that are neither integers nor real floating-point numbers."""
    if np.iscomplexobj(data) or not (np.issubdtype(data.dtype, np.floating) or np.issubdtype(data.dtype, np.integer)):
        raise ItemFault(f"has values of type {data.dtype}", where=where, fix="give magnitudes as numbers")


def check_finite(data: npt.NDArray[np.generic], where: str) -> None:
    """Raise ItemFault for values that are not numbers, and for NaN and infinity, with how many there are."""
    if not np.issubdtype(data.dtype, np.number):
        raise ItemFault("is not a numeric image", where=where, fix="export it as a scalar volume")
    bad = sum(int(np.count_nonzero(~np.isfinite(page))) for page in data)
    if bad:
        raise ItemFault(f"has {bad} voxels that are NaN or infinite", where=where, fix="export the image again")


def check_values(data: npt.NDArray[np.generic], where: str, *, fix: str) -> None:
    """Raise ItemFault for NaN, infinity or a constant volume. fix: how a volume without NaN is had."""
    if not np.isfinite(data).all():
        raise ItemFault("has NaN or infinite voxels", where=where, fix=f"{fix}, or set them to 0")
    if data.size == 0 or data.min() == data.max():
        raise ItemFault("is constant", where=where, fix="give an image that shows a body")


def check_spacing(geometry: Geometry, limits_mm: tuple[float, float], where: str) -> None:
    """Raise ItemFault for voxel edges outside of the limits."""
    low, high = limits_mm
    for name, spacing in zip(AXES, geometry.spacing_mm, strict=True):
        if not low <= spacing <= high:
            raise ItemFault(
                f"has {spacing:g} mm between voxels along {name}, expected {low:g} to {high:g}",
                where=where,
                fix="correct the spacing in its header (mm)",
            )


def check_extent(geometry: Geometry, limits_mm: tuple[float, float], where: str) -> None:
    """Raise ItemFault for a field of view outside of the limits."""
    low, high = limits_mm
    for name, size, spacing in zip(AXES, geometry.size, geometry.spacing_mm, strict=True):
        if not low <= size * spacing <= high:
            raise ItemFault(
                f"spans {size * spacing:g} mm along {name}, expected {low:g} to {high:g}",
                where=where,
                fix="check its spacing and field of view",
            )
