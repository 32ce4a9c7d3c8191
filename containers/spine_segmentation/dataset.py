"""Folders of volume and mask pairs for training, and what is checked before the first step.

    FOLDER/images/ID.nrrd (or .nii.gz)
    FOLDER/masks/ID.seg.nrrd     segments are known by their names, whatever their label values
    FOLDER/split.json    {"schema_version": "1.0", "sets": {"train": [ID, ...], "validation": [...], "test": [...]},
                          "subjects": {ID: "person"}}       `subjects` is needed where a person has several volumes
    FOLDER/labels.json   {"1": "erector_spinae_left", ...}  label map; without it, SPINE_LABELS of the contract

Invariants: no volume, no person and no image content is in two sets; a mask lies on its image's grid (LPS); its
segments are in the label map; an image is one that the stage would take (see `check`).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.contract.files import sha256_file
from containers.contract.labels import SPINE_LABELS
from containers.contract.nifti import read_nifti
from containers.contract.segmentation import read_segmentation
from containers.contract.volume import read_nrrd
from containers.spine_segmentation.check import check_image
from containers.spine_segmentation.turn import turn_of


@dataclass(frozen=True)
class Pair:
    """One volume and its mask; `subject` is the person it shows."""

    identifier: str
    subject: str
    image: Path
    mask: Path


@dataclass(frozen=True)
class Case:
    """A turned volume and its mask (z, y, x), and the voxel edges along (z, y, x) in mm."""

    image: npt.NDArray[np.generic]
    mask: npt.NDArray[np.uint8]
    spacing_mm: tuple[float, float, float]


@dataclass(frozen=True)
class Dataset:
    """The sets of a split by name (`train` and `validation` are there), and the label map of all masks."""

    sets: dict[str, list[Pair]]
    labels: dict[int, str]


def read_dataset(folder: Path) -> Dataset:
    """Read and check the split and the label map. Raises ItemFault for a leak, a missing file or a wrong field."""
    split = _json(folder / "split.json")
    sets, subjects = split.get("sets"), split.get("subjects", {})
    if not isinstance(sets, dict) or not sets.get("train") or not sets.get("validation"):
        raise ItemFault("has no volume in train or in validation", where="split.json", mend="list at least one in each")
    order = sorted(sets, key=lambda name: (name != "train", name != "validation", name))
    pairs = {
        name: [
            Pair(
                identifier,
                str(subjects.get(identifier, identifier)),
                _file(folder / "images", identifier, (".nrrd", ".nii.gz")),
                _file(folder / "masks", identifier, (".seg.nrrd",)),
            )
            for identifier in sets[name]
        ]
        for name in order
    }
    refuse_leaks(pairs)
    return Dataset(pairs, read_label_map(folder / "labels.json"))


def read_label_map(path: Path) -> dict[int, str]:
    """The label map, or the contract's four where there is no file. Labels must be 1, 2, ... without a gap."""
    if not path.exists():
        return dict(SPINE_LABELS)
    try:
        labels = {int(value): str(name) for value, name in _json(path).items()}
    except ValueError as error:
        raise ItemFault(f"has a label that is no number ({error})", where=path.name, mend="use 1, 2, 3 ...") from error
    if sorted(labels) != list(range(1, len(labels) + 1)) or len(set(labels.values())) < len(labels):
        raise ItemFault("labels are not 1, 2, 3 ... with a name each", where=path.name, mend="number them without gap")
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
                        mend="keep each person in one set",
                    )


def read_case(pair: Pair, labels: dict[int, str]) -> Case:
    """A pair, turned, its mask in the label map's values. Raises ItemFault where they do not fit each other."""
    nifti = pair.image.name.endswith(".nii.gz")
    image = read_nifti(pair.image) if nifti else read_nrrd(pair.image)
    mask, names = read_segmentation(pair.mask)
    if not image.geometry.same_as(mask.geometry):
        raise ItemFault(
            "mask and image have different geometry", where=pair.mask.name, mend="resample the mask onto the image"
        )
    known = {name: value for value, name in labels.items()}
    table = np.zeros(256, dtype=np.uint8)
    for value in (int(v) for v in np.unique(np.asarray(mask.data)) if v):
        if names[value] not in known:
            raise ItemFault(
                f"has the structure {names[value]!r}", where=pair.mask.name, mend="add it to labels.json or drop it"
            )
        table[value] = known[names[value]]
    turn = turn_of(image.geometry)
    check_image(image, turn, pair.image.name)
    return Case(turn.apply(image.data), np.asarray(turn.apply(table[mask.data]), dtype=np.uint8), turn.spacing_mm)


def _file(folder: Path, identifier: str, endings: tuple[str, ...]) -> Path:
    for ending in endings:
        if (path := folder / f"{identifier}{ending}").is_file():
            return path
    raise ItemFault(f"{identifier} is not in {folder.name}/", where="split.json", mend=f"add it as {endings[0]}")


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ItemFault(f"cannot be read ({error.strerror})", where=path.name, mend="see dataset.py") from error
    except ValueError as error:
        raise ItemFault(f"is not JSON ({error})", where=path.name, mend="mend the syntax") from error
    if not isinstance(value, dict):
        raise ItemFault("is no JSON object", where=path.name, mend="see dataset.py")
    return value
