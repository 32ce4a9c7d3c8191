"""Label maps that were cropped to their segments, brought back to the grid that they were cropped from.

3D Slicer saves a segmentation as the box of its segments and writes where that box begins in the reference image
(`Segmentation_ReferenceImageExtentOffset`). Its grid is the reference's, moved by whole voxels, so nothing is
interpolated: what lies outside of the box is background. A DICOM segmentation is cropped in the same way. Only a file
that says that it was cropped is padded: of any other one, what lies outside is not known.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from containers.toolkit.images.geometry import GEOMETRY_TOLERANCE_MM, Geometry
from containers.toolkit.images.volume import Volume

OFFSET = "Segmentation_ReferenceImageExtentOffset"
"""Fact that holds the place of a label map's first voxel in its reference image, three whole numbers (i, j, k)."""


FRAMES_LEFT_OUT = "frames without labels left out"
"""Fact of a label map from a DICOM segmentation, which keeps no frame without a voxel."""


def is_cropped(facts: Mapping[str, str]) -> bool:
    """Whether a label map says, by its facts, that it is a part of its reference image."""
    return FRAMES_LEFT_OUT in facts or any(
        word.lstrip("-").isdigit() and int(word) != 0 for word in facts.get(OFFSET, "").split()
    )


def offset_in(inner: Geometry, outer: Geometry) -> tuple[int, int, int] | None:
    """Index (i, j, k) in `outer` of the first voxel of `inner`; None unless moved by whole voxels."""
    first = np.rint(outer.index(inner.origin_mm))
    if not np.isfinite(first).all() or np.abs(first).max() > 2**31:
        return None
    moved = _part(outer, first, inner.size)
    i, j, k = (int(number) for number in first)
    return (i, j, k) if inner.gap_mm(moved) <= GEOMETRY_TOLERANCE_MM else None


def _part(grid: Geometry, first: npt.ArrayLike, size: tuple[int, int, int]) -> Geometry:
    """The box of a grid that begins at an index (i, j, k), which may lie outside."""
    x, y, z = (float(number) for number in grid.position_mm(first))
    return replace(grid, size=size, origin_mm=(x, y, z))


def common_grid(one: Geometry, other: Geometry) -> Geometry | None:
    """The smallest grid that holds both, with the voxels of `other`; None where they are not moved by whole voxels."""
    offset = offset_in(one, other)
    if offset is None:
        return None
    low = np.minimum(offset, 0)
    high = np.maximum(np.add(offset, one.size), other.size)
    i, j, k = (int(number) for number in high - low)
    return _part(other, low, (i, j, k))


def padded(labels: Volume, grid: Geometry) -> Volume | None:
    """A cropped label map on a larger grid; None where that does not hold all of it, or it was not cropped."""
    if not is_cropped(labels.facts) or (offset := offset_in(labels.geometry, grid)) is None:
        return None
    end = np.add(offset, labels.geometry.size)
    if min(offset) < 0 or any(end > np.asarray(grid.size)):
        return None
    data = np.zeros(grid.shape, labels.data.dtype)
    data[tuple(slice(first, int(last)) for first, last in zip(offset[::-1], end[::-1], strict=True))] = labels.data
    facts = {name: text for name, text in labels.facts.items() if name != FRAMES_LEFT_OUT}
    return replace(labels, data=data, geometry=grid, facts={**facts, OFFSET: "0 0 0"})


def on_common_grid(one: Volume, other: Volume) -> tuple[Volume, Volume] | None:
    """Two label maps on one grid, cropped ones padded; None where that needs more than padding what was cropped."""
    grid = common_grid(one.geometry, other.geometry)
    if grid is None:
        return None
    found = [labels if labels.geometry.same_as(grid) else padded(labels, grid) for labels in (one, other)]
    return (found[0], found[1]) if found[0] is not None and found[1] is not None else None
