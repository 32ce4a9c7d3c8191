"""Folders of pairs: formats, geometry, label maps, leaks."""

import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from containers.contract.errors import ItemFault
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Volume, write_nrrd
from containers.toolkit.networks.training_set import Dataset, read_pair
from containers.toolkit.networks.training_set import read_dataset as read
from tests.thigh_segmentation.people import GRID, LABELS, person, write_dataset


def read_dataset(folder: Path) -> Dataset:
    """A folder whose label map, should it have none, is that of one structure."""
    return read(folder, {1: "only"})


def change_split(folder: Path, **changes: object) -> None:
    path = folder / "split.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_folder_is_read(tmp_path: Path) -> None:
    dataset = read_dataset(write_dataset(tmp_path / "d"))
    assert {name: len(pairs) for name, pairs in dataset.sets.items()} == {"train": 2, "validation": 1, "test": 1}
    image, mask = read_pair(dataset.sets["train"][0], dataset.labels)
    expected, labels = person(0)
    assert np.array_equal(image.data, expected.data)
    assert np.array_equal(mask, labels)


def test_nifti_lies_where_its_affine_says(tmp_path: Path) -> None:
    """A voxel at (i, j, k) of a RAS file lies at minus its affine's x and y in LPS; labels follow."""
    folder = write_dataset(tmp_path / "d")
    affine = np.array([[-2.0, 0, 0, 30], [0, 3.0, 0, -20], [0, 0, 4.0, 5], [0, 0, 0, 1]])
    data = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    (folder / "images" / "b.nrrd").unlink()
    (folder / "masks" / "b.seg.nrrd").unlink()
    nibabel.save(nibabel.Nifti1Image(data, affine), folder / "images" / "b.nii.gz")
    nibabel.save(nibabel.Nifti1Image((data % 4).astype(np.uint8), affine), folder / "masks" / "b.nii.gz")
    dataset = read_dataset(folder)
    image, mask = read_pair(dataset.sets["validation"][0], dataset.labels)
    world = affine @ [1, 2, 3, 1]
    assert image.geometry.position_mm([1, 2, 3]) == pytest.approx([-world[0], -world[1], world[2]])
    assert image.data[3, 2, 1] == data[1, 2, 3]
    assert np.array_equal(mask, image.data % 4)


@pytest.mark.parametrize("name", ["left_ball", "Ball (L)", "left-ball", "BALL left"])
def test_segments_are_known_by_name(name: str, tmp_path: Path) -> None:
    """A mask that numbers and spells its structures in another way, and lacks one, is read in the map's numbers."""
    folder = write_dataset(tmp_path / "d")
    _, labels = person(0)
    swapped = np.choose(labels, [0, 7, 9, 0]).astype(np.uint8)
    write_segmentation(folder / "masks" / "a0.seg.nrrd", swapped, GRID, {7: name, 9: "middle"})
    dataset = read_dataset(folder)
    _, mask = read_pair(dataset.sets["train"][0], dataset.labels)
    assert np.array_equal(mask, np.choose(labels, [0, 1, 2, 0]))


def test_a_folder_without_a_map_has_the_given_one(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "d")
    (folder / "labels.json").unlink()
    assert read_dataset(folder).labels == {1: "only"}


LEAKS = {
    "volume in two sets": ({"sets": {"train": ["a0", "b"], "validation": ["b"]}}, "b: its volume is in train"),
    "person in two sets": (
        {"sets": {"train": ["a0"], "validation": ["b"]}, "subjects": {"a0": "p", "b": "p"}},
        "b: its person is in train",
    ),
    "no validation": ({"sets": {"train": ["a0"], "validation": []}}, "no volume in train or in validation"),
    "missing file": ({"sets": {"train": ["a0", "z"], "validation": ["b"]}}, "z is not in images"),
}


@pytest.mark.parametrize("name", LEAKS)
def test_splits_that_are_refused(tmp_path: Path, name: str) -> None:
    changes, said = LEAKS[name]
    folder = write_dataset(tmp_path / "d")
    change_split(folder, **changes)
    with pytest.raises(ItemFault, match=said):
        read_dataset(folder)


def test_the_same_image_under_two_names_is_a_leak(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "d")
    (folder / "images" / "c.nrrd").write_bytes((folder / "images" / "a1.nrrd").read_bytes())
    with pytest.raises(ItemFault, match="image content is in train and in test"):
        read_dataset(folder)


def test_label_maps_that_are_refused(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "d")
    for labels in ({"1": "a", "3": "b"}, {"one": "a"}, {"1": "a", "2": "a"}):
        (folder / "labels.json").write_text(json.dumps(labels))
        with pytest.raises(ItemFault, match=r"labels\.json"):
            read_dataset(folder)


def _other_grid(folder: Path) -> None:
    _, labels = person(0)
    moved = replace(GRID, origin_mm=(-97.5, -87.5, -699.0))
    write_segmentation(folder / "masks" / "a0.seg.nrrd", labels, moved, LABELS)


def _label_beyond_the_map(folder: Path) -> None:
    _, labels = person(0)
    (folder / "masks" / "a0.seg.nrrd").unlink()
    write_nrrd(folder / "masks" / "a0.nrrd", Volume(np.where(labels == 3, 9, labels).astype(np.uint8), GRID))


def _unknown_structure(folder: Path) -> None:
    _, labels = person(0)
    write_segmentation(folder / "masks" / "a0.seg.nrrd", labels, GRID, {**LABELS, 3: "spleen"})


def _four_axes(folder: Path) -> None:
    (folder / "images" / "a0.nrrd").unlink()
    nibabel.save(nibabel.Nifti1Image(np.zeros((3, 3, 3, 2), np.int16), np.eye(4)), folder / "images" / "a0.nii")


def _half_labels(folder: Path) -> None:
    _, labels = person(0)
    (folder / "masks" / "a0.seg.nrrd").unlink()
    write_nrrd(folder / "masks" / "a0.nrrd", Volume((labels * 0.5).astype(np.float32), GRID))


BAD_PAIRS = {
    _other_grid: "different geometry",
    _label_beyond_the_map: "has label 9, the map ends at 3",
    _unknown_structure: "has the structure 'spleen'",
    _four_axes: "has 4 axes, 3 are needed",
    _half_labels: "labels that are not integers",
}


@pytest.mark.parametrize("spoil", BAD_PAIRS)
def test_pairs_that_are_refused(tmp_path: Path, spoil: object) -> None:
    folder = write_dataset(tmp_path / "d")
    spoil(folder)  # type: ignore[operator]
    dataset = read_dataset(folder)
    with pytest.raises(ItemFault, match=BAD_PAIRS[spoil]) as caught:  # type: ignore[index]
        read_pair(dataset.sets["train"][0], dataset.labels)
    assert "\n" not in str(caught.value)
