"""Label maps of strangers: layers, numbers, types. Truth is the made array; SimpleITK reads the names."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from containers.contract.errors import ItemFault
from containers.toolkit.images.segmentation import read_segmentation
from tests.toolkit.nrrd_files import GRID, LABELS, NAMES, segments, write

LAYER_GRID = GRID.replace("(1.5", "none (1.5")
LAYERS = np.stack([LABELS == 1, LABELS >= 2], axis=-1).astype(np.uint8)
LIST = "kinds: list domain domain domain"


def test_names_beyond_ascii_are_classes_of_their_own(tmp_path: Path) -> None:
    names = {1: "缝匠肌", 2: "股薄肌", 3: "股骨"}
    path = write(tmp_path / "m.seg.nrrd", pairs=segments(names))
    assert read_segmentation(path)[1] == names
    assert sitk.ReadImage(str(path)).GetMetaData("Segment2_Name") == "股骨"


def test_layers_that_do_not_overlap_are_merged(tmp_path: Path) -> None:
    pairs = segments({1: "sartorius"}) + "\n" + segments({1: "rest"}, start=1, Layer=["1"])
    volume, names = read_segmentation(write(tmp_path / "m.seg.nrrd", LAYERS, pairs, grid=LAYER_GRID, head=LIST))
    assert names == {1: "sartorius", 2: "rest"}
    assert np.array_equal(volume.data, np.where(LABELS >= 2, 2, LABELS))
    assert volume.geometry.position_mm((1, 1, 1)) == pytest.approx((-5.5, 5.5, -46))
    assert volume.facts["Segment1_LabelValue"] == "2"


def test_labels_of_layers_keep_their_values_where_these_are_unique(tmp_path: Path) -> None:
    layers = np.stack([np.where(LABELS == 1, 7, 0), np.where(LABELS >= 2, 9, 0)], axis=-1).astype(np.uint8)
    pairs = segments({7: "sartorius"}) + "\n" + segments({9: "rest"}, start=1, Layer=["1"])
    volume, names = read_segmentation(write(tmp_path / "m.seg.nrrd", layers, pairs, grid=LAYER_GRID, head=LIST))
    assert names == {7: "sartorius", 9: "rest"}
    assert set(np.unique(volume.data)) == {0, 7, 9}


def test_overlapping_segments_are_refused_by_name_with_their_voxels(tmp_path: Path) -> None:
    both = LAYERS.copy()
    both[1, 2, 3:6, 1] = 1
    pairs = segments({1: "sartorius"}) + "\n" + segments({1: "rest"}, start=1, Layer=["1"])
    with pytest.raises(ItemFault, match="sartorius and rest share 3 voxels"):
        read_segmentation(write(tmp_path / "m.seg.nrrd", both, pairs, grid=LAYER_GRID, head=LIST))


def test_segmentations_of_3d_slicer_before_labels_and_layers(tmp_path: Path) -> None:
    pairs = "\n".join(f"Segment{n}_ID:=s\nSegment{n}_Name:={name}" for n, name in enumerate(("sartorius", "rest")))
    volume, names = read_segmentation(write(tmp_path / "m.seg.nrrd", LAYERS, pairs, grid=LAYER_GRID, head=LIST))
    assert names == {1: "sartorius", 2: "rest"}
    assert np.array_equal(volume.data, np.where(LABELS >= 2, 2, LABELS))


def test_segments_may_begin_at_any_number(tmp_path: Path) -> None:
    volume, names = read_segmentation(write(tmp_path / "m.seg.nrrd", pairs=segments(start=1)))
    assert names == NAMES
    assert "has no segment 0 and is read from segment 1" in volume.warnings[0]
    assert volume.facts["Segment0_Name"] == "sartorius" and "Segment3_Name" not in volume.facts


def test_background_is_not_a_structure(tmp_path: Path) -> None:
    volume, names = read_segmentation(write(tmp_path / "a.seg.nrrd", pairs=segments({0: "Background", **NAMES})))
    assert names == NAMES and volume.warnings == ()
    volume, names = read_segmentation(write(tmp_path / "b.seg.nrrd", pairs=segments({0: "psoas", **NAMES})))
    assert names == NAMES and "psoas is declared with label 0" in volume.warnings[0]


@pytest.mark.parametrize("dtype", ["i2", "u2", "i4", "f4", "f8"])
def test_labels_of_other_types(tmp_path: Path, dtype: str) -> None:
    pairs = segments({1: "a", 2: "b", 3: "c"}, LabelValue=["1.0", " 2", "3."])
    volume, names = read_segmentation(write(tmp_path / "m.seg.nrrd", LABELS.astype(dtype), pairs))
    assert np.array_equal(volume.data, LABELS) and volume.data.dtype == np.uint8
    assert names == {1: "a", 2: "b", 3: "c"}


def test_labels_above_255_are_numbered_again_with_a_word(tmp_path: Path) -> None:
    data = np.where(LABELS == 3, 300, LABELS.astype(np.uint16))
    volume, names = read_segmentation(write(tmp_path / "m.seg.nrrd", data, segments({1: "a", 2: "b", 300: "c"})))
    assert names == {1: "a", 2: "b", 3: "c"}
    assert np.array_equal(volume.data, LABELS)
    assert "c: 300 is 3 here" in volume.warnings[0]


BAD = {
    "-1 declared": (LABELS, segments({**NAMES, -1: "psoas"}), r"declares label -1 \(psoas\), outside 0 to 255"),
    "300 in 8 bits": (LABELS, segments({**NAMES, 300: "psoas"}), r"declares label 300 \(psoas\), outside 0 to 255"),
    "word": (LABELS, segments(LabelValue=["one", "2", "3"]), "has LabelValue 'one' for sartorius"),
    "half": (LABELS, segments(LabelValue=["1.5", "2", "3"]), "has LabelValue '1.5' for sartorius"),
    "no value": (LABELS, segments(LabelValue=["", "2", "3"]), "has LabelValue '' for sartorius"),
    "layer": (LABELS, segments(Layer=["0", "0", "4"]), "declares femur in layer 4, it has 1"),
    "-1 in voxels": (LABELS.astype(np.int16) - 1, segments(), "has voxels of label -1"),
    "half in voxels": (LABELS.astype(np.float32) / 2, segments(), "has labels that are not integers"),
    "NaN in voxels": (np.where(LABELS == 3, np.nan, LABELS), segments(), "has labels that are not integers"),
    "too high": (LABELS.astype(np.int32) * 70000, segments(), "has voxels of label 210000, outside 0 to 65535"),
    "undeclared": (LABELS, segments({1: "a", 2: "b"}), r"undeclared label 3 \(1 voxels\)"),
    "twice": (
        LABELS,
        segments() + "\n" + segments({2: "psoas"}, start=3),
        r"declares label 2 twice \(gracilis, psoas\)",
    ),
    "no name": (LABELS, "", "has no names of its labels"),
    "256 segments": (LABELS.astype("u2"), segments({n: str(n) for n in range(1, 257)}), "declares 256 segments"),
}


@pytest.mark.parametrize("name", BAD)
def test_labels_that_cannot_be_are_the_inputs_fault(tmp_path: Path, name: str) -> None:
    data, pairs, says = BAD[name]
    with pytest.raises(ItemFault, match=says):
        read_segmentation(write(tmp_path / "m.seg.nrrd", data, pairs))
