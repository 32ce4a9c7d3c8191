"""Where the body is: the box outside of which a volume holds air only, and the network need not be asked.

The rule is exact and cautious. Air is what is no brighter than the level measured in the volume's eight corners; the
box holds every voxel above it, and MARGIN more on each side. Outside, the label is background. Where corners are not
dark (a body that fills the image, a volume with a bias), there is no level, and the whole volume is computed.
Images are (z, y, x), windowed to 0..1.
"""

import numpy as np

from containers.thigh_segmentation.grid import Array

CORNER = 16
"""A corner is a sixteenth of each edge."""
SAFETY = 1.1
"""Level over the largest value that the volume's noise is expected to have."""
DARK = 0.15
"""A level above this share of the window is none."""
MARGIN = 8
"""Voxels around what is above the level: context for patches at the body's edge."""

Box = tuple[slice, slice, slice]


def air_level(image: Array) -> float | None:
    """The brightest that air is, or None where the corners show none. The median bears arms in three corners.

    The largest of n magnitudes of complex noise grows with the square root of log n: that is how the corners' maxima
    tell the volume's.
    """
    edges = [max(1, size // CORNER) for size in image.shape]
    ends = [(slice(0, n), slice(-n, None)) for n in edges]
    largest = [float(image[z, y, x].max()) for z in ends[0] for y in ends[1] for x in ends[2]]
    growth = np.sqrt(np.log(image.size) / np.log(max(2, np.prod(edges))))
    level = float(SAFETY * growth * np.median(largest))
    return level if level <= DARK else None


def body_box(image: Array, least: tuple[int, int, int]) -> Box:
    """The box to compute, at least `least` voxels along each axis where the image has them; all of it without air."""
    whole = (slice(0, image.shape[0]), slice(0, image.shape[1]), slice(0, image.shape[2]))
    level = air_level(image)
    if level is None:
        return whole
    bright = image > level
    spans = []
    for axis, (size, edge) in enumerate(zip(image.shape, least, strict=True)):
        found = np.flatnonzero(bright.any(axis=tuple(other for other in range(3) if other != axis)))
        if len(found) == 0:
            return whole
        first, last = max(0, int(found[0]) - MARGIN), min(size, int(found[-1]) + 1 + MARGIN)
        extent = max(last - first, min(edge, size))
        start = min(max(0, (first + last - extent) // 2), size - extent)
        spans.append(slice(start, start + extent))
    return spans[0], spans[1], spans[2]
