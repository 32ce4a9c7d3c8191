"""Slices to stacks: one stack holds the slices of one group (see `groups`), in order.

Methods of ukb_thigh, "sorted anatomically in the inferior-to-superior direction": slices are sorted by
ImagePositionPatient projected on the slice normal (for axial slices this is z); spacing is PixelSpacing and
the median slice distance. Invariant: a stack's grid is canonical, its axes i, j, k run nearest to Left,
Posterior and Superior, whatever the direction of acquisition (feet first, coronal, oblique).
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.fusion.dicom_source import Image
from containers.fusion.header import Slice
from containers.toolkit.images.volume import Geometry

SLICE_DISTANCE_TOLERANCE = 0.25
"""Part of the median slice distance by which one distance may differ: allows jitter, catches a missing slice (1.0)."""
SAME_STATION_MM = 5.0
"""Stacks whose ends lie no further apart are at one station: more than any jitter, less than a step of the table."""
SAME_POSITION_MM = 0.01
"""Two slices of a stack closer than this are at the same position."""
DRIFT_TOLERANCE_MM = 1.0
"""How far a slice may lie off the stack's axis: sub-millimetre jitter passes, a sheared or mixed stack does not."""
LENGTH_TOLERANCE_MM = 0.2
"""A stack that the median distance makes longer or shorter than its slices lie by more than this is said."""
STRAIGHTENED_TOLERANCE_MM = 0.2
"""Slices that are moved sideways by more than this onto the stack's axis are said."""
SPARSE_RATIO = 1.5
"""Slices this many times as far apart as the header says: every second one is missing (ratio 2)."""
DENSE_RATIO = 0.75
"""Slices this part of SpacingBetweenSlices apart: two acquisitions may be interleaved (ratio 0.5)."""


@dataclass(frozen=True)
class Station:
    """One station ready to interpolate: value = slope * stored + intercept."""

    data: npt.NDArray[np.int16] | npt.NDArray[np.float32]
    """Stored values, (k, j, i)."""
    geometry: Geometry
    """Grid of the values, in LPS."""
    slope: float = 1.0
    """Factor from stored to real values."""
    intercept: float = 0.0
    """What is added after the factor."""


@dataclass(frozen=True)
class Stack:
    """Sorted slices with their canonical grid."""

    images: tuple[Image, ...]
    """The slices, along the stack."""
    geometry: Geometry
    """Canonical grid of the stack, in LPS."""
    axes: tuple[int, int, int]
    """Acquired array axis of each canonical one."""
    flips: tuple[int, ...]
    """Canonical array axes that run backwards in the acquired array."""
    warnings: tuple[str, ...] = ()
    """What the reader of the record should know."""

    @property
    def header(self) -> Slice:
        return self.images[0].header

    @property
    def label(self) -> str:
        return series_label(self.header)

    def ends_mm(self) -> npt.NDArray[np.float64]:
        """Centres of the lowest and the highest plane of the canonical grid, shape (2, 3), LPS in mm."""
        i, j, k = (n - 1 for n in self.geometry.size)
        return self.geometry.position_mm([[i / 2, j / 2, 0], [i / 2, j / 2, k]])

    def z_range_mm(self) -> tuple[float, float]:
        """Superior coordinates of the lowest and the highest plane's centres."""
        ends = self.ends_mm()
        return float(ends[0, 2]), float(ends[1, 2])

    def station(self) -> Station:
        """Stack the pixels. Slices that differ in slope or intercept are rescaled here, to float32."""
        headers = [image.header for image in self.images]
        slopes, intercepts = {h.slope for h in headers}, {h.intercept for h in headers}
        whole = all(image.pixels.dtype == np.int16 for image in self.images)
        uniform = len(slopes) == len(intercepts) == 1
        shape = (len(self.images), headers[0].rows, headers[0].columns)
        data = np.empty(shape, np.int16 if whole and uniform else np.float32)
        for plane, image in zip(data, self.images, strict=True):
            plane[:] = image.pixels
            if not uniform:
                plane *= np.float32(image.header.slope)
                plane += np.float32(image.header.intercept)
        data = np.ascontiguousarray(np.flip(data.transpose(self.axes), self.flips))
        if uniform:
            return Station(data, self.geometry, slopes.pop(), intercepts.pop())
        return Station(data, self.geometry)


def series_label(header: Slice) -> str:
    """How messages and records name a series: by number and description, never by identifiers."""
    echo = f", TE {header.echo_time_ms:g} ms" if header.echo_time_ms is not None else ""
    return f"series {header.series_number or '?'} ({header.description or 'no description'}{echo})"


def slice_normal(header: Slice) -> npt.NDArray[np.float64]:
    """Unit vector (LPS) along which slices are sorted."""
    normal = np.cross(header.row_step, header.column_step)
    return np.asarray(normal / np.linalg.norm(normal))


def nominal_distance_mm(header: Slice) -> float | None:
    """The larger of SpacingBetweenSlices and SliceThickness; None when neither is printed.

    SpacingBetweenSlices alone is not a ground to refuse: some software prints the gap between slices, and converters
    fill in 1 mm where it was missing.
    """
    return max((mm for mm in (header.slice_spacing_mm, header.slice_thickness_mm) if mm is not None), default=None)


def _check_matrix(group: Sequence[Image]) -> None:
    first = group[0].header
    for image in group:
        h = image.header
        if (h.rows, h.columns) != (first.rows, first.columns):
            raise ItemFault(
                f"has slices of {first.rows} x {first.columns} ({first.file}) and of {h.rows} x {h.columns} "
                f"({h.file}): inconsistent matrix",
                where=series_label(first),
                fix="export the series again with one matrix",
            )
        if not np.allclose(h.spacing_mm, first.spacing_mm, rtol=1e-4):
            raise ItemFault(
                f"has slices of different pixel spacing ({first.file}, {h.file})",
                where=series_label(first),
                fix="export the series again with one field of view",
            )


def build_stack(group: Sequence[Image]) -> tuple[Stack, int]:
    """Sort one group into a stack; also returns how many repeated identical slices were dropped.

    Raises ItemFault, naming the series, when slices are missing, unevenly spaced, off the axis, of several matrices
    or pixel spacings, or when two different slices share a position. Needs two slices at least.
    """
    _check_matrix(group)
    first = group[0].header
    where = series_label(first)
    normal = slice_normal(first)
    order = sorted(group, key=lambda image: (float(np.dot(image.header.position_mm, normal)), image.header.file))
    kept = order[:1]
    for image in order[1:]:
        distance = float(np.dot(np.subtract(image.header.position_mm, kept[-1].header.position_mm), normal))
        if distance > SAME_POSITION_MM:
            kept.append(image)
        elif not np.array_equal(image.pixels, kept[-1].pixels):
            raise ItemFault(
                f"has two different slices at one position ({kept[-1].header.file}, {image.header.file})",
                where=where,
                fix="export repeats and echoes as series of their own or with their echo times",
            )
    if len(kept) < 2:
        raise ItemFault("has a single slice position", where=where, fix="give the whole series")
    positions = np.array([image.header.position_mm for image in kept])
    depth = positions @ normal
    distances = np.diff(depth)
    step = float(np.median(distances))
    for index in np.flatnonzero(np.abs(distances - step) > SLICE_DISTANCE_TOLERANCE * step):
        before, after = kept[index].header.file, kept[index + 1].header.file
        raise ItemFault(
            f"has a gap of {distances[index]:.2f} mm between {before} and {after} where slices are {step:.2f} mm apart "
            "(missing slices)",
            where=where,
            fix="fetch or export the complete series",
        )
    nominal = nominal_distance_mm(first)
    if nominal is not None and step >= SPARSE_RATIO * nominal and not _numbered_without_holes(kept):
        missing = {2: "every second slice is", 3: "two of three slices are"}.get(round(step / nominal), "slices are")
        raise ItemFault(
            f"has slices {step:.2f} mm apart where its header says {nominal:.2f} mm ({missing} missing?)",
            where=where,
            fix="fetch or export the complete series",
        )
    # Least squares over all slices, so that the jitter of one slice does not move the stack.
    start = positions.mean(axis=0) - normal * step * (len(kept) - 1) / 2
    moved = positions - start - np.outer(np.arange(len(kept)) * step, normal)
    drift = np.abs(moved).max()
    if drift > DRIFT_TOLERANCE_MM:
        raise _off_axis(moved, normal, step, drift, where)
    geometry, axes, flips = _canonical(first, len(kept), step, start)
    sideways = float(np.linalg.norm(moved - np.outer(moved @ normal, normal), axis=1).max())
    warnings = _warnings(kept, step, float(depth[-1] - depth[0]), sideways)
    return Stack(tuple(kept), geometry, axes, flips, warnings), len(group) - len(kept)


def _off_axis(
    moved: npt.NDArray[np.float64], normal: npt.NDArray[np.float64], step: float, drift: float, where: str
) -> ItemFault:
    """The fault of slices off the stack's axis. moved: how far each lies off it, LPS in mm, along the stack.

    Slices that move on by the same way each time are a sheared stack, as a tilted gantry leaves it; others are mixed.
    """
    sideways = moved - np.outer(moved @ normal, normal)
    each = np.polyfit(np.arange(len(moved)), sideways, 1)[0]
    straight = sideways - sideways.mean(axis=0) - np.outer(np.arange(len(moved)) - (len(moved) - 1) / 2, each)
    if np.abs(straight).max() <= DRIFT_TOLERANCE_MM:
        by = float(np.linalg.norm(each))
        degrees = float(np.degrees(np.arctan2(by, step)))
        return ItemFault(
            f"is sheared: each slice lies {by:.2f} mm further to the side (tilted by {degrees:.1f} degrees against its "
            "slices, as by a gantry)",
            where=where,
            fix="resample it on a straight grid, for example with 3D Slicer",
        )
    return ItemFault(
        f"has slices {drift:.1f} mm off the line along the slice normal", where=where, fix="export one series a stack"
    )


def _numbered_without_holes(kept: list[Image]) -> bool:
    """Whether the slices' instance numbers follow one another: then none is missing, and the gaps are true."""
    numbers = [image.header.instance_number for image in kept]
    if not all(number.isdigit() for number in numbers):
        return False
    return set(np.abs(np.diff([int(number) for number in numbers])).tolist()) == {1}


def _warnings(kept: list[Image], step: float, length: float, sideways: float) -> tuple[str, ...]:
    """What a stack's grid hides. length: between the first and last slice; sideways: largest move onto the axis."""
    first, found = kept[0].header, []
    stretched = step * (len(kept) - 1) - length
    if abs(stretched) > LENGTH_TOLERANCE_MM:
        found.append(
            f"the median slice distance of {step:.3f} mm makes it {abs(stretched):.2f} mm "
            f"{'longer' if stretched > 0 else 'shorter'} than its slices lie (positions rounded or uneven?)"
        )
    if sideways > STRAIGHTENED_TOLERANCE_MM:
        found.append(f"slices were moved by up to {sideways:.2f} mm sideways onto one axis (sheared stack)")
    printed = first.slice_spacing_mm
    if printed is not None and not DENSE_RATIO * printed < step < SPARSE_RATIO * printed:
        cause = "slices missing" if step > printed else "two acquisitions in one series"
        found.append(f"slices are {step:.2f} mm apart where SpacingBetweenSlices says {printed:.2f} mm ({cause}?)")
    elif (thick := first.slice_thickness_mm) is not None and step >= SPARSE_RATIO * thick:
        found.append(f"slices are {step:.2f} mm apart and {thick:.2f} mm thick: what lies between is interpolated")
    if any(image.header.lossy for image in kept):
        found.append("its pixels were compressed with loss: values are not those that were measured")
    if any(image.header.inverted for image in kept):
        found.append("it is meant to be shown inverted (MONOCHROME1); values are taken as they are stored")
    counts = Counter(image.header.instance_number for image in kept)
    if len(counts) > 1 and min(counts.values()) > 1:
        found.append("every instance number is used more than once (two acquisitions in one series?)")
    return tuple(f"{series_label(first)}: {line}" for line in found)


def slice_plane(header: Slice) -> str:
    """Axial, coronal or sagittal, whichever is nearest."""
    return ("sagittal", "coronal", "axial")[_nearest_axes(_axes(header)).index(2)]


def _axes(header: Slice) -> npt.NDArray[np.float64]:
    """Directions in which columns, rows and slices grow, one a row."""
    return np.array([header.row_step, header.column_step, slice_normal(header)])


def _nearest_axes(axes: npt.NDArray[np.float64]) -> tuple[int, ...]:
    """For Left, Posterior and Superior the acquired axis that runs nearest to it."""
    return max(itertools.permutations(range(3)), key=lambda p: sum(abs(axes[p[a], a]) for a in range(3)))


def _canonical(
    first: Slice, count: int, step: float, start: npt.NDArray[np.float64]
) -> tuple[Geometry, tuple[int, int, int], tuple[int, ...]]:
    """Reorder and flip the acquired axes so that i, j, k run nearest to L, P, S. The result may be oblique."""
    size = (first.columns, first.rows, count)
    spacing = (*first.spacing_mm, step)
    axes = _axes(first)
    best = _nearest_axes(axes)
    signs = [1.0 if axes[best[a], a] >= 0 else -1.0 for a in range(3)]
    origin = start.copy()
    for a in range(3):
        if signs[a] < 0:
            origin += axes[best[a]] * spacing[best[a]] * (size[best[a]] - 1)
    geometry = Geometry(
        size=(size[best[0]], size[best[1]], size[best[2]]),
        spacing_mm=(spacing[best[0]], spacing[best[1]], spacing[best[2]]),
        origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
        directions=tuple(
            (float(d[0]) + 0.0, float(d[1]) + 0.0, float(d[2]) + 0.0)
            for d in (axes[best[a]] * signs[a] for a in range(3))
        ),
    )
    # Array axes run (k, j, i): array axis n is geometry axis 2 - n.
    transpose = (2 - best[2], 2 - best[1], 2 - best[0])
    return geometry, transpose, tuple(2 - a for a in range(3) if signs[a] < 0)
