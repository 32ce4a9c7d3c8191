"""The label map as the measures need it: structures, midline, voxels and volumes by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from containers.composition.extent import Extent
from containers.composition.midline import SagittalPlane, fit_midline
from containers.composition.structures import COMPOSITES
from containers.composition.volumes import count_voxels, side_volumes_cm3
from containers.contract.errors import ItemFault
from containers.contract.request import Item
from containers.contract.stage import Result
from containers.toolkit.images.crop import is_cropped
from containers.toolkit.images.formats.base import LabelMap
from containers.toolkit.images.names.legend import read_legend, refuse_unknown, tags_of
from containers.toolkit.images.names.spelling import Side
from containers.toolkit.images.names.table import Name, listed
from containers.toolkit.images.reading import read_labels as read_label_map
from containers.toolkit.images.segments import NoNamesFault
from containers.toolkit.images.turn import slices_last
from containers.toolkit.images.volume import Geometry

MOST_LABELS = 255
"""Labels that fit in a byte, which label maps are held in."""
CLEAR_MM = 10.0
"""Distance from the scanner's middle beyond which a one-sided set of labels is taken for that side's."""


@dataclass(frozen=True)
class Labels:
    """The label map as it was read: labels are numbered from 1 in the order of their values in the file."""

    data: npt.NDArray[np.uint8]
    """Label of each voxel, uint8 (k, j, i); 0 for background and what is to be ignored."""
    geometry: Geometry
    """Grid of the labels, in LPS."""
    names: dict[int, Name]
    """What each label is, by label."""
    written: dict[int, int]
    """Value in the file of each label; the first one where the user's mapping gives several the same name."""
    voxels: dict[int, int]
    """Voxels of each label."""
    facts: dict[str, str]
    """Key/value facts of the file."""

    @property
    def cropped(self) -> bool:
        """Whether the file says that it is the box of its segments in a larger image."""
        return is_cropped(self.facts)

    @property
    def values(self) -> dict[str, int]:
        """Label by name, side included."""
        return {name.full: label for label, name in self.names.items()}


@dataclass(frozen=True)
class Anatomy:
    """The structures of a label map with midline, voxels and volumes by side."""

    labels: npt.NDArray[np.uint8]
    """Label of each voxel, uint8 (k, j, i)."""
    geometry: Geometry
    """Grid of the labels, in LPS."""
    members: dict[str, tuple[int, ...]]
    """Labels that make each structure: one for both sides, one a side, or the parts of a composite."""
    named_sides: dict[int, Side]
    """Labels whose name gives their side."""
    plane: SagittalPlane | None
    """The midline that parts left from right where names do not; None where there is none."""
    written: dict[int, int]
    """Value in the file of each label."""
    voxel_counts: npt.NDArray[np.int64]
    """Voxels by label and side (right, on the plane, left); those of a side that the name gives are all there."""
    volumes: dict[str, npt.NDArray[np.float64]]
    """Volume in cm3 by label, for each side and `both`."""

    @property
    def side_doubts(self) -> list[str]:
        """What is doubtful of the sides."""
        by_position = self.plane is not None and self.plane.source == "position"
        return ["the side is taken from the position in the scanner"] if by_position else []

    @property
    def only_side(self) -> Side | None:
        """The side that all voxels of muscles are on, where the sides can be distinguished; None for both."""
        if not all(self.parted(name) for name in self.members):
            return None
        labels = [label for members in self.members.values() for label in members]
        right, middle, left = (int(n) for n in self.voxel_counts[labels].sum(axis=0))
        if middle or (left and right):
            return None
        return "left" if left else "right"

    def parted(self, name: str) -> bool:
        """Whether the sides of a structure can be distinguished."""
        return self.plane is not None or all(label in self.named_sides for label in self.members[name])

    @property
    def sides(self) -> tuple[str, ...]:
        """The sides that can be distinguished of any structure, `both` included."""
        return ("both", "left", "right") if any(self.parted(name) for name in self.members) else ("both",)

    def rows(self) -> list[tuple[str, str]]:
        """Structure and side of each row of the table of measures."""
        return [(n, s) for n in self.members for s in (("both", "left", "right") if self.parted(n) else ("both",))]

    def volume(self, name: str, side: str = "both") -> float | None:
        """Volume in cm3 of a structure on a side, None where it has no voxel."""
        return sum(float(self.volumes[side][label]) for label in self.members[name]) or None

    def voxels(self, name: str, side: str) -> int:
        """Voxels of a structure on a side; one centred on the midline belongs to both sides."""
        right, middle, left = (int(n) for n in self.voxel_counts[list(self.members[name])].sum(axis=0))
        return {"both": left + middle + right, "left": left + middle, "right": right + middle}[side]

    def merged(self, labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """A label map (k, j, i) with one label a structure: that of its first member, and 0 for all else."""
        table = np.zeros(256, np.uint8)
        for members in self.members.values():
            table[list(members)] = members[0]
        return table[labels]

    def side_of(self, labels: npt.NDArray[np.uint8], grid: Geometry) -> npt.NDArray[np.int8]:
        """Side of each voxel of a label map (k, j, i) on `grid`: 1 left, -1 right, 0 on the plane or not known."""
        named = np.zeros(256, np.int8)
        for label, side in self.named_sides.items():
            named[label] = 1 if side == "left" else -1
        found = named[labels]
        if self.plane is not None:
            for k in range(grid.size[2]):
                found[k] = np.where(found[k] == 0, self.plane.side(grid, k), found[k])
        return found


def read_labels(item: Item, mapping: Mapping[str, Any], result: Result) -> Labels:
    """Read the input `labels`; names by the table and by `mapping` (parameter `names`).

    Raises ItemFault for an unreadable or empty label map, a label with voxels of unknown name, or two segments of one
    name that the mapping does not make one.
    """
    path = item.inputs["labels"]
    with result.step("read_labels"):
        read = _read(item, mapping, result)
        volume, names = slices_last(read.volume), read.names
    counts = _counts(volume.data)
    legend = read_legend(names, tags_of(volume.facts), mapping, path.name)
    if not counts:
        raise ItemFault("has no labelled voxel", where=path.name, fix="give the segmentation of this item")
    unseen = refuse_unknown(legend, counts.keys(), path.name)
    number: dict[str, int] = {}
    first: dict[str, int] = {}
    table = np.zeros(max(int(volume.data.max()), *legend.names, 0) + 1, np.uint8)
    for value, name in sorted(legend.names.items()):
        if name.full in number and not {value, first[name.full]} <= legend.mapped:
            raise ItemFault(f"has two segments named {name.full!r}", where=path.name, fix="rename or merge them")
        if name.full not in number and len(number) == MOST_LABELS:
            raise ItemFault(
                f"has more than {MOST_LABELS} labels", where=path.name, fix="leave out what is not measured"
            )
        first.setdefault(name.full, value)
        table[value] = number.setdefault(name.full, len(number) + 1)
    same = volume.data.dtype == np.uint8 and all(table[value] == value for value in counts)
    data = np.asarray(volume.data, np.uint8) if same else table[volume.data]
    known = {number[name.full]: name for name in reversed(list(legend.names.values()))}
    voxels = dict.fromkeys(sorted(known), 0)
    for value, name in legend.names.items():
        voxels[number[name.full]] += counts.get(value, 0)
    ignored = sum(counts.get(value, 0) for value in legend.ignored)
    if unseen:
        result.warn(f"declared without a voxel, and of no known name: {listed(unseen)}")
    if ignored:
        result.warn(f"{ignored} voxels are labelled to be ignored and are measured as nothing")
    if not any(voxels.values()):
        raise ItemFault("has no voxel of a structure", where=path.name, fix="give the segmentation of this item")
    written = {number[full]: value for full, value in first.items()}
    return Labels(data, volume.geometry, dict(sorted(known.items())), written, voxels, volume.facts)


def _read(item: Item, mapping: Mapping[str, Any], result: Result) -> LabelMap:
    """The label map with its names, or with those of the mapping where its file has none."""
    path, table = item.inputs["labels"], item.inputs.get("labels_names")
    by_value = {int(key): str(name) for key, name in mapping.items() if key.isdigit()}
    try:
        return read_label_map(path, result.warn, table)
    except NoNamesFault:
        if not by_value:
            raise
        return read_label_map(path, result.warn, by_value)


def _counts(data: npt.NDArray[np.generic]) -> dict[int, int]:
    """Voxels by label value, without 0. Slice by slice, so memory is that of one slice."""
    counts = np.zeros(int(data.max()) + 1, np.int64)
    for page in data:
        counts += np.bincount(page.reshape(-1).astype(np.int64), minlength=len(counts))
    return {value: int(counts[value]) for value in np.flatnonzero(counts).tolist() if value}


def members_of(names: Mapping[int, Name], kinds: tuple[str, ...] = ("muscle", "bone")) -> dict[str, tuple[int, ...]]:
    """Structures of the given kinds, and the labels that make each, in the order of the labels.

    A composite (`structures.COMPOSITES`) takes the place of its parts where it is not declared itself and each of them
    is.
    """
    found: dict[str, tuple[int, ...]] = {}
    declared = {name.structure for name in names.values()}
    part_of = {
        part: whole
        for whole, parts in COMPOSITES.items()
        if whole not in declared and declared.issuperset(parts)
        for part in parts
    }
    for label, name in names.items():
        if name.kind in kinds:
            structure = part_of.get(name.structure, name.structure)
            found[structure] = (*found.get(structure, ()), label)
    return found


def thigh_anatomy(labels: Labels, extent: Extent, result: Result) -> Anatomy:
    """Fit the midline of a thigh's labels and count them by side."""
    members = members_of(labels.names)
    measured = [label for one in members.values() for label in one]
    named = {label: name.side for label, name in labels.names.items() if name.side is not None and label in measured}
    plane, warnings = None, list[str]()
    if len(named) < len(measured):
        with result.step("midline"):
            values = {labels.names[label].full: label for label in measured}
            plane, warnings = fit_midline(labels.data, labels.geometry, values)
        if plane is None and any(labels.voxels[label] for label in measured):
            plane, more = _by_position(extent.range_mm(label for label in measured if labels.voxels[label]))
            warnings += more
    for warning in warnings:
        result.warn(warning)
    with result.step("volumes"):
        counts = count_voxels(labels.data, labels.geometry, plane)
        for label, side in named.items():
            total = counts[label].sum()
            counts[label] = (0, 0, total) if side == "left" else (total, 0, 0)
    volumes = side_volumes_cm3(counts, labels.geometry.voxel_cm3)
    return Anatomy(labels.data, labels.geometry, members, named, plane, labels.written, counts, volumes)


def _by_position(x_mm: tuple[float, float]) -> tuple[SagittalPlane | None, list[str]]:
    """The plane x = 0 where all labels lie clear of it on one side, so that there is one leg; with a warning.

    x_mm: least and largest x of the labels. The origin of a scanner's frame lies near the middle of the patient: of a
    leg that reaches over it, nothing can be said.
    """
    low, high = x_mm
    if low < CLEAR_MM and high > -CLEAR_MM:
        return None, []
    side = "left" if low > 0 else "right"
    line = f"one leg: all labels lie at x = {low:.0f} to {high:.0f} mm, which is taken for the {side} side"
    return SagittalPlane((1.0, 0.0, 0.0), 0.0, "position"), [line]
