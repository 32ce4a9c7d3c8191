"""Segments of a label map: which voxels each one has, whatever layers and values its file keeps them in.

What comes out is one array of uint8, in which 0 is background and every named segment has a value of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault

MAX_LABEL = 65535
"""Highest label value that is read: that of uint16, in which large atlases are kept."""
BACKGROUND = frozenset({"background", "clear label", "unlabelled", "unlabeled", "none", "exterior"})
"""What label maps call their label 0, in lower case."""


@dataclass(frozen=True)
class Segment:
    """One segment as its file declares it."""

    name: str
    """Its name."""
    value: int
    """Value of its voxels in its layer."""
    layer: int = 0
    """The layer that its voxels are in."""


@dataclass(frozen=True)
class Merged:
    """Segments in one array."""

    data: npt.NDArray[np.uint8]
    """Label of each voxel, uint8 (k, j, i); 0 is background."""
    names: dict[int, str]
    """Name of each label, in the order of the file."""
    values: dict[int, int]
    """Label in `data` of each segment, by its place among the given ones; background has none."""
    warnings: tuple[str, ...]
    """What was decided, one line each."""


class NoNamesFault(ItemFault):
    """A label map names none of its labels."""


def no_names(where: str) -> NoNamesFault:
    """That a label map names none of its labels, and how they are named."""
    return NoNamesFault(
        "has no names of its labels",
        where=where,
        fix="give a table of them as input labels_names (truth_names for truth): a .tsv with columns index and name,"
        ' or a .json {"LabelMap": {"1": "femur"}}',
    )


def whole_numbers(data: npt.NDArray[np.generic], where: str) -> npt.NDArray[np.generic]:
    """A label map's values as integers: many tools keep them as floating-point numbers.

    Raises ItemFault for values that are not labels.
    """
    if np.issubdtype(data.dtype, np.integer) or data.dtype == np.bool_:
        found: npt.NDArray[np.generic] = data if data.dtype != np.bool_ else data.astype(np.uint8)
    elif np.issubdtype(data.dtype, np.floating):
        for page in data:
            if not np.array_equal(page, np.rint(page)):
                raise ItemFault(
                    "has labels that are not integers", where=where, fix="export it as a label map, not as an image"
                )
        _check_range(data, where)
        found = data.astype(np.int32)
    else:
        raise ItemFault(f"has labels of type {data.dtype}", where=where, fix="export it as a label map")
    _check_range(found, where)
    return found


def _check_range(data: npt.NDArray[np.generic], where: str) -> None:
    low, high = data.min(), data.max()
    if low < 0 or high > MAX_LABEL:
        bad = low if low < 0 else high
        raise ItemFault(
            f"has voxels of label {bad:g}, outside 0 to {MAX_LABEL}", where=where, fix="renumber its segments"
        )


def merge(layers: npt.NDArray[np.generic], segments: list[Segment], where: str) -> Merged:
    """Put all segments into one array. layers: (layer, k, j, i), any type that holds whole numbers.

    Labels keep their values where these are unique and at most 255; else they are numbered 1, 2, 3 ... in the order of
    the file, and a warning says so. A segment of value 0 is the background. Raises ItemFault for a value that the array
    cannot hold, a layer that is not there, a label that is declared twice, voxels that no segment names, segments that
    overlap, and more than 255 of them.
    """
    warnings: list[str] = []
    layers = whole_numbers(layers.reshape(-1, *layers.shape[2:]), where).reshape(layers.shape)
    kept = _structures(layers, segments, where, warnings)
    numbers = _numbers([segment for _, segment in kept], where, warnings)
    tables = np.zeros((len(layers), int(layers.max()) + 1), np.uint8)
    for (_, segment), number in zip(kept, numbers, strict=True):
        if segment.value < tables.shape[1]:
            tables[segment.layer, segment.value] = number
    _check_declared(layers, tables, where)
    same = all(segment.value == number for (_, segment), number in zip(kept, numbers, strict=True))
    # The common case, one layer of uint8 with its own values, is not copied.
    data: npt.NDArray[np.uint8]
    data = layers[0].astype(np.uint8, copy=False) if same and len(layers) == 1 else tables[0][layers[0]]
    for table, layer in zip(tables[1:], layers[1:], strict=True):
        more = table[layer]
        both = (data > 0) & (more > 0)
        if both.any():
            names = dict(zip(numbers, (segment.name for _, segment in kept), strict=True))
            pairs, counts = np.unique(np.stack([data[both], more[both]]), axis=1, return_counts=True)
            first, second = (names[int(value)] for value in pairs[:, counts.argmax()])
            raise ItemFault(
                f"has overlapping segments: {first} and {second} share {counts.max()} voxels",
                where=where,
                fix="export them without overlap, or one file a segment",
            )
        np.copyto(data, more, where=more > 0)
    named = {number: segment.name for (_, segment), number in zip(kept, numbers, strict=True)}
    values = {place: number for (place, _), number in zip(kept, numbers, strict=True)}
    return Merged(data, named, values, tuple(warnings))


def of_values(data: npt.NDArray[np.generic], names: Mapping[int, str], where: str) -> Merged:
    """One array (k, j, i) whose values have names: value -> name. Raises ItemFault as `merge` does."""
    return merge(data[None], [Segment(name, value) for value, name in sorted(names.items())], where)


def _structures(
    layers: npt.NDArray[np.generic], segments: list[Segment], where: str, warnings: list[str]
) -> list[tuple[int, Segment]]:
    """The segments that are not background with their places, checked one by one."""
    limit = min(MAX_LABEL, int(np.iinfo(layers.dtype.type).max))  # type: ignore[type-var]
    seen: dict[tuple[int, int], str] = {}
    kept = []
    for place, segment in enumerate(segments):
        if not 0 <= segment.value <= limit:
            raise ItemFault(
                f"declares label {segment.value} ({segment.name}), outside 0 to {limit}, which its type holds",
                where=where,
                fix="renumber its segments, or drop that one",
            )
        if not 0 <= segment.layer < len(layers):
            raise ItemFault(
                f"declares {segment.name} in layer {segment.layer}, it has {len(layers)}",
                where=where,
                fix="save the segmentation again",
            )
        if segment.value == 0:
            if segment.name.strip().lower() not in BACKGROUND:
                warnings.append(f"{where}: {segment.name} is declared with label 0, which is background: left out")
            continue
        if (other := seen.get((segment.layer, segment.value))) is not None:
            raise ItemFault(
                f"declares label {segment.value} twice ({other}, {segment.name})",
                where=where,
                fix="save segments with a label each",
            )
        seen[segment.layer, segment.value] = segment.name
        kept.append((place, segment))
    return kept


def _numbers(segments: list[Segment], where: str, warnings: list[str]) -> list[int]:
    """Label of each segment in the merged array."""
    values = [segment.value for segment in segments]
    if len(values) > 255:
        raise ItemFault(f"declares {len(values)} segments, at most 255 are read", where=where, fix="drop some")
    if len(set(values)) == len(values) and max(values, default=0) <= 255:
        return values
    numbers = list(range(1, len(values) + 1))
    if max(values) > 255:
        changed = next((s, n) for s, n in zip(segments, numbers, strict=True) if s.value > 255)
        warnings.append(
            f"{where}: labels above 255: all are numbered 1 to {len(values)} in the order of the file"
            f" ({changed[0].name}: {changed[0].value} is {changed[1]} here)"
        )
    return numbers


def _check_declared(layers: npt.NDArray[np.generic], tables: npt.NDArray[np.uint8], where: str) -> None:
    """Refuse voxels that no segment names."""
    for layer, table in zip(layers, tables, strict=True):
        present = np.flatnonzero(np.bincount(layer.reshape(-1), minlength=len(table)))
        undeclared = [int(value) for value in present if value != 0 and not table[value]]
        if undeclared:
            count = int(np.count_nonzero(layer == undeclared[0]))
            raise ItemFault(
                f"has undeclared label {undeclared[0]} ({count} voxels)",
                where=where,
                fix="name every label as a segment",
            )
