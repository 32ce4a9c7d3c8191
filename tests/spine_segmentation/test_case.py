"""A case does not depend on how its volume is stored, and is refused where the stage would refuse it."""

from pathlib import Path

import numpy as np
import pytest

from containers.contract.errors import ItemFault
from containers.spine_segmentation.case import read_case
from containers.toolkit.images.labels import SPINE_LABELS
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd
from containers.toolkit.networks.training_set import Pair, read_dataset
from tests.spine_segmentation.people import GRID, RIGHT_ANTERIOR, person, write_dataset


def pair_of(folder: Path, name: str = "x") -> Pair:
    """The pair of files with a name in a folder."""
    return Pair(name, name, folder / f"{name}.nrrd", folder / f"{name}.seg.nrrd")


def write_pair(folder: Path, grid: Geometry, names: dict[int, str] = SPINE_LABELS) -> Pair:
    """Person 5 on a grid."""
    volume, labels = person(5, grid)
    write_nrrd(folder / "x.nrrd", volume)
    write_segmentation(folder / "x.seg.nrrd", labels, grid, names)
    return pair_of(folder)


def test_a_case_is_the_same_however_it_is_stored(tmp_path: Path) -> None:
    one = read_case(write_pair(tmp_path, GRID), SPINE_LABELS)
    volume, labels = person(5, GRID)
    stored = Volume(np.ascontiguousarray(volume.data[::-1, ::-1, ::-1]), RIGHT_ANTERIOR)
    write_nrrd(tmp_path / "y.nrrd", stored)
    write_segmentation(
        tmp_path / "y.seg.nrrd", np.ascontiguousarray(labels[::-1, ::-1, ::-1]), RIGHT_ANTERIOR, SPINE_LABELS
    )
    other = read_case(pair_of(tmp_path, "y"), SPINE_LABELS)
    assert np.array_equal(one.image, other.image) and np.array_equal(one.mask, other.mask)
    assert one.spacing_mm == other.spacing_mm == (15.0, 8.0, 8.0)


def test_segments_are_known_by_name(tmp_path: Path) -> None:
    renumbered = {1: "multifidus_right", 2: "multifidus_left", 3: "erector_spinae_right", 4: "erector_spinae_left"}
    case = read_case(write_pair(tmp_path, GRID, renumbered), SPINE_LABELS)
    assert np.array_equal(case.mask, np.array([0, 4, 3, 2, 1])[person(5, GRID)[1]])


def test_an_unknown_segment_is_refused(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, GRID, {**SPINE_LABELS, 4: "psoas_right"})
    with pytest.raises(ItemFault, match=r"x\.seg\.nrrd: has the structure 'psoas_right'"):
        read_case(pair, SPINE_LABELS)


def test_a_mask_of_another_grid_is_refused(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, GRID)
    moved = Geometry(GRID.size, GRID.spacing_mm, (0.0, 0.0, 0.0))
    write_segmentation(pair.mask, person(5, GRID)[1], moved, SPINE_LABELS)
    with pytest.raises(ItemFault, match="different geometry"):
        read_case(pair, SPINE_LABELS)


def test_a_good_folder_is_read(tmp_path: Path) -> None:
    dataset = read_dataset(write_dataset(tmp_path / "d"), SPINE_LABELS)
    assert list(dataset.sets) == ["train", "validation", "test"] and dataset.labels == SPINE_LABELS
