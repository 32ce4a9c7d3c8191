"""Folders of volume and mask pairs for training, and what is checked before the first step.

    FOLDER/images/ID.nrrd (or .nii, .nii.gz)     one volume each
    FOLDER/masks/ID.seg.nrrd (or .nrrd, .nii, .nii.gz)
    FOLDER/split.json    {"schema_version": "1.0", "sets": {"train": [ID, ...], "validation": [...], "test": [...]},
                          "subjects": {ID: "person"}}       `subjects` is needed where a person has several volumes
    FOLDER/labels.json   {"1": "sartorius", ...}            label map of the masks; without it, the stage's own

Invariants: no volume, no person and no image content is in two sets; a mask lies on its image's grid (LPS); its labels
are in the map. A `.seg.nrrd` is read by what its segment names mean (`images.names`), so its label values may differ
from the map's.
"""

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.contract.files import sha256_file
from containers.toolkit.images import reading
from containers.toolkit.images.names.table import common
from containers.toolkit.images.segments import whole_numbers
from containers.toolkit.images.volume import Volume

IMAGE_ENDINGS = (".nrrd", ".nii.gz", ".nii")
MASK_ENDINGS = (".seg.nrrd", *IMAGE_ENDINGS)


@dataclass(frozen=True)
class Pair:
    """One volume and its mask."""

    identifier: str
    """Name of the pair, unique in the data set."""
    subject: str
    """The person whom it shows, who is in one set only."""
    image: Path
    """Path of the volume."""
    mask: Path
    """Path of its label map."""


@dataclass(frozen=True)
class Dataset:
    """Volumes and masks, split into sets."""

    sets: dict[str, list[Pair]]
    """The pairs of each set, by name; `train` and `validation` are there."""
    labels: dict[int, str]
    """Name of each label of all masks, by value."""

    @property
    def unseen(self) -> list[str]:
        """Names of the sets that no training looks at: what a model card scores."""
        return [name for name in self.sets if name not in ("train", "validation")]


def read_dataset(folder: Path, labels: dict[int, str]) -> Dataset:
    """Read and check the split and the label map. labels: the map where the folder has none.

    Raises ItemFault for a leak, a missing file or a wrong field.
    """
    split = _json(folder / "split.json")
    sets, subjects = split.get("sets"), split.get("subjects", {})
    if not isinstance(sets, dict) or not sets.get("train") or not sets.get("validation"):
        raise ItemFault("has no volume in train or in validation", where="split.json", fix="list at least one in each")
    pairs = {
        name: [
            Pair(
                identifier,
                str(subjects.get(identifier, identifier)),
                _file(folder / "images", identifier, IMAGE_ENDINGS),
                _file(folder / "masks", identifier, MASK_ENDINGS),
            )
            for identifier in members
        ]
        for name, members in sorted(sets.items(), key=lambda entry: place_of_set(entry[0]))
    }
    refuse_leaks(pairs)
    return Dataset(pairs, read_label_map(folder / "labels.json", labels))


def place_of_set(name: str) -> tuple[bool, bool, str]:
    """Sorts sets as they are used: what trains, what validates, then the others by name."""
    return name != "train", name != "validation", name


def read_label_map(path: Path, otherwise: dict[int, str]) -> dict[int, str]:
    """The label map, or `otherwise` where there is no file. Labels must be 1, 2, ... without a gap."""
    if not path.exists():
        return dict(otherwise)
    try:
        labels = {int(value): str(name) for value, name in _json(path).items()}
    except ValueError as error:
        raise ItemFault(
            f"has a label that is not a number ({error})", where=path.name, fix="use 1, 2, 3 ..."
        ) from error
    if sorted(labels) != list(range(1, len(labels) + 1)) or len(set(labels.values())) < len(labels):
        raise ItemFault("labels are not 1, 2, 3 ... with a name each", where=path.name, fix="number them without gap")
    return labels


def refuse_leaks(sets: dict[str, list[Pair]]) -> None:
    """Raise ItemFault where two sets share a volume, a person or an image's bytes."""
    seen: dict[tuple[str, str], str] = {}
    for name, pairs in sets.items():
        for pair in pairs:
            marks = (("volume", pair.identifier), ("person", pair.subject), ("image content", sha256_file(pair.image)))
            for kind, mark in marks:
                if (other := seen.setdefault((kind, mark), name)) != name:
                    raise ItemFault(
                        f"{pair.identifier}: its {kind} is in {other} and in {name}",
                        where="split.json",
                        fix="keep each person in one set",
                    )


def read_pair(pair: Pair, labels: dict[int, str]) -> tuple[Volume, npt.NDArray[np.uint8]]:
    """The image and its mask (k, j, i), in the label map's values. Raises ItemFault where they do not fit."""
    image = read_volume(pair.image)
    mask, names = read_mask(pair.mask)
    if not image.geometry.same_as(mask.geometry):
        raise ItemFault(
            "mask and image have different geometry", where=pair.mask.name, fix="resample the mask onto the image"
        )
    values = np.asarray(mask.data)
    if names is not None:
        table = np.zeros(256, dtype=np.int64)
        known = {common(name): value for value, name in labels.items()}
        for value in (int(v) for v in np.unique(values) if v):
            if common(names[value]) not in known:
                raise ItemFault(
                    f"has the structure {names[value]!r}", where=pair.mask.name, fix="add it to labels.json or drop it"
                )
            table[value] = known[common(names[value])]
        values = table[values]
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > len(labels):
        raise ItemFault(
            f"has label {low if low < 0 else high}, the map ends at {len(labels)}",
            where=pair.mask.name,
            fix="correct the mask or the label map",
        )
    return image, np.asarray(values, dtype=np.uint8)


def read_volume(path: Path) -> Volume:
    """A scalar volume in LPS; see `reading`."""
    return reading.read_volume(path, _warn)


def read_mask(path: Path) -> tuple[Volume, dict[int, str] | None]:
    """A label map, and its segments' names where the file has them."""
    if path.name.endswith(".seg.nrrd"):
        found = reading.read_labels(path, _warn)
        return found.volume, found.names
    mask = read_volume(path)
    return Volume(whole_numbers(mask.data, path.name), mask.geometry, mask.facts), None


def _warn(line: str) -> None:
    """Python shows a line once, however often a file is read."""
    warnings.warn(line, stacklevel=4)


def _file(folder: Path, identifier: str, endings: tuple[str, ...]) -> Path:
    for ending in endings:
        if (path := folder / f"{identifier}{ending}").is_file():
            return path
    raise ItemFault(f"{identifier} is not in {folder.name}/", where="split.json", fix=f"add it as {endings[0]}")


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ItemFault(f"cannot be read ({error.strerror})", where=path.name, fix="see training_set.py") from error
    except ValueError as error:
        raise ItemFault(f"is not JSON ({error})", where=path.name, fix="correct the syntax") from error
    if not isinstance(value, dict):
        raise ItemFault("is no JSON object", where=path.name, fix="see training_set.py")
    return value
