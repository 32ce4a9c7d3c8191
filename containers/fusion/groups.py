"""Images to groups: one group holds the images of one stack, so that nothing is mixed.

A series is split by echo time, image type, diffusion weighting and orientation, and into its acquisitions where it
holds several.
Invariant: the groups do not depend on the order of the files.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from containers.fusion.dicom_source import Image
from containers.fusion.header import Slice
from containers.fusion.stack import (
    SAME_POSITION_MM,
    SLICE_DISTANCE_TOLERANCE,
    SPARSE_RATIO,
    nominal_distance_mm,
    series_label,
    slice_normal,
)

ECHO_TOLERANCE_MS = 0.01
"""Echo times that differ by no more are one, printed with other rounding; two echoes lie at least 0.3 ms apart."""
SAME_DIRECTION = 1e-3
"""Direction cosines that differ by no more are one orientation."""


@dataclass(frozen=True)
class Group:
    """The images of one stack."""

    images: list[Image]
    """The images, in the order in which they were read."""

    @property
    def header(self) -> Slice:
        return self.images[0].header

    @property
    def label(self) -> str:
        return series_label(self.header)


def group_images(images: Sequence[Image]) -> list[Group]:
    """Split images by series, echo, image type, orientation and acquisition."""
    by_tags: dict[tuple[object, ...], list[list[Image]]] = defaultdict(list)
    for image in _one_echo_time(images):
        h = image.header
        echo = h.echo_number if h.echo_time_ms is None else h.echo_time_ms
        alike = by_tags[h.series, h.image_type, echo, h.diffusion]
        same = next((g for g in alike if _same_direction(g[0].header, h)), None)
        if same is None:
            alike.append([image])
        else:
            same.append(image)
    return [Group(part) for alike in by_tags.values() for same in alike for part in _acquisitions(same)]


def _one_echo_time(images: Sequence[Image]) -> list[Image]:
    """Echo times within ECHO_TOLERANCE_MS of each other become the most common of them, in the whole study."""
    counts = Counter(image.header.echo_time_ms for image in images)
    times = sorted(time for time in counts if time is not None)
    clusters: list[list[float]] = []
    for time in times:
        if clusters and time - clusters[-1][-1] <= ECHO_TOLERANCE_MS:
            clusters[-1].append(time)
        else:
            clusters.append([time])
    common = {time: max(cluster, key=lambda t: counts[t]) for cluster in clusters for time in cluster}
    return [
        image
        if image.header.echo_time_ms is None or common[image.header.echo_time_ms] == image.header.echo_time_ms
        else replace(image, header=replace(image.header, echo_time_ms=common[image.header.echo_time_ms]))
        for image in images
    ]


def _same_direction(a: Slice, b: Slice) -> bool:
    pairs = zip((*a.row_step, *a.column_step), (*b.row_step, *b.column_step), strict=True)
    return all(abs(x - y) <= SAME_DIRECTION for x, y in pairs)


def _acquisitions(images: list[Image]) -> list[list[Image]]:
    """Split into acquisitions where TemporalPositionIdentifier or AcquisitionNumber tells complete sets apart.

    Some scanners number every slice, every slab or every pass of interleaved slices. So the parts must each be a
    regular stack of its own, no sparser than the header says, and must reach into each other.
    """
    tags: tuple[Callable[[Slice], object], ...] = (
        lambda h: (h.temporal_position, h.acquisition_number),
        lambda h: h.temporal_position,
        lambda h: h.acquisition_number,
    )
    for tag in tags:
        parts: dict[object, list[Image]] = defaultdict(list)
        for image in images:
            parts[tag(image.header)].append(image)
        depths = [_depths(part) for part in parts.values()]
        nominal = nominal_distance_mm(images[0].header)
        if len(parts) > 1 and all(_regular(depth, nominal) for depth in depths) and _reach_into_each_other(depths):
            return [parts[key] for key in sorted(parts, key=str)]
    return [images]


def _depths(images: list[Image]) -> npt.NDArray[np.float64]:
    return np.sort(np.array([image.header.position_mm for image in images]) @ slice_normal(images[0].header))


def _regular(depths: npt.NDArray[np.float64], nominal_mm: float | None) -> bool:
    distances = np.diff(depths)
    if distances.size == 0:
        return False
    step = float(np.median(distances))
    even = bool(np.abs(distances - step).max() <= SLICE_DISTANCE_TOLERANCE * step)
    return step > SAME_POSITION_MM and even and (nominal_mm is None or step < SPARSE_RATIO * nominal_mm)


def _reach_into_each_other(depths: list[npt.NDArray[np.float64]]) -> bool:
    ordered = sorted(depths, key=lambda depth: float(depth[0]))
    return any(later[0] < earlier[-1] for earlier, later in itertools.pairwise(ordered))
