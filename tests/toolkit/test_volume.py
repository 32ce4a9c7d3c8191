"""NRRD in and out, judged by SimpleITK, which shares no code with pynrrd or with us."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from containers.contract.errors import ItemFault
from containers.toolkit.images.labels import THIGH_LABELS
from containers.toolkit.images.segmentation import read_segmentation, write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, read_nrrd, write_nrrd

COS, SIN = np.cos(0.3), np.sin(0.3)
OBLIQUE = Geometry(
    size=(4, 5, 6),
    spacing_mm=(1.5, 2.0, 3.0),
    origin_mm=(-10.0, 20.0, -30.0),
    directions=((1.0, 0.0, 0.0), (0.0, COS, SIN), (0.0, -SIN, COS)),
)


def ramp(geometry: Geometry) -> np.ndarray:
    return np.arange(np.prod(geometry.shape), dtype=np.float32).reshape(geometry.shape)


def test_simpleitk_sees_every_voxel_at_the_same_place(tmp_path: Path) -> None:
    path = tmp_path / "v.nrrd"
    data = ramp(OBLIQUE)
    write_nrrd(path, Volume(data, OBLIQUE, {"contrast": "water"}))
    image = sitk.ReadImage(str(path))
    assert np.array_equal(sitk.GetArrayFromImage(image), data)
    assert image.GetMetaData("contrast") == "water"
    for index in [(0, 0, 0), (3, 4, 5), (1, 0, 5)]:
        ours = OBLIQUE.position_mm(index)
        assert image.TransformIndexToPhysicalPoint(index) == pytest.approx(ours, abs=1e-9)
        assert image.TransformPhysicalPointToContinuousIndex(ours.tolist()) == pytest.approx(OBLIQUE.index(ours))


def test_files_of_simpleitk_are_read_back(tmp_path: Path) -> None:
    image = sitk.GetImageFromArray(ramp(OBLIQUE))
    image.SetSpacing(OBLIQUE.spacing_mm)
    image.SetOrigin(OBLIQUE.origin_mm)
    image.SetDirection(np.asarray(OBLIQUE.directions).T.reshape(-1).tolist())
    sitk.WriteImage(image, str(tmp_path / "s.nrrd"), True)
    volume = read_nrrd(tmp_path / "s.nrrd")
    assert volume.geometry.same_as(OBLIQUE)
    assert np.array_equal(volume.data, ramp(OBLIQUE))


@pytest.mark.parametrize("name", [b"right-anterior-superior", b"RAS"])
def test_ras_headers_become_lps(tmp_path: Path, name: bytes) -> None:
    path = tmp_path / "v.nrrd"
    write_nrrd(path, Volume(ramp(OBLIQUE), OBLIQUE))
    text = path.read_bytes().replace(b"left-posterior-superior", name)
    path.write_bytes(text)
    geometry = read_nrrd(path).geometry
    assert geometry.position_mm((1, 2, 3)) == pytest.approx(OBLIQUE.position_mm((1, 2, 3)) * [-1, -1, 1])


def test_no_time_of_writing_in_the_file(tmp_path: Path) -> None:
    for name in ("a.nrrd", "b.nrrd"):
        write_nrrd(tmp_path / name, Volume(ramp(OBLIQUE), OBLIQUE), compress=True)
    written = (tmp_path / "a.nrrd").read_bytes()
    assert written == (tmp_path / "b.nrrd").read_bytes()
    assert b"#" not in written.split(b"\n\n")[0]


def test_voxel_volume_of_a_sheared_grid_is_the_determinant() -> None:
    sheared = Geometry((1, 1, 1), (2.0, 3.0, 4.0), (0.0, 0.0, 0.0), ((1, 0, 0), (0, 1, 0), (0.6, 0, 0.8)))
    assert sheared.voxel_cm3 == pytest.approx(2 * 3 * 4 * 0.8 / 1000)


@given(st.lists(st.floats(-200, 200), min_size=3, max_size=3))
def test_index_undoes_position(ijk: list[float]) -> None:
    assert OBLIQUE.index(OBLIQUE.position_mm(ijk)) == pytest.approx(ijk, abs=1e-9)


def test_grids_differ_by_more_than_the_tolerance() -> None:
    near = Geometry(OBLIQUE.size, OBLIQUE.spacing_mm, (-10.0005, 20.0, -30.0), OBLIQUE.directions)
    far = Geometry(OBLIQUE.size, OBLIQUE.spacing_mm, (-10.002, 20.0, -30.0), OBLIQUE.directions)
    assert OBLIQUE.same_as(near)
    assert not OBLIQUE.same_as(far)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda b: b"hello", "not a readable NRRD"),
        (lambda b: b[: len(b) // 2], "not a readable NRRD"),
        (lambda b: b.replace(b"space: left-posterior-superior\n", b"space dimension: 3\n"), "no anatomical geometry"),
        (lambda b: b.replace(b"space directions: (1.5,0,0)", b"space directions: (0,0,0)"), "voxel spacing"),
        (lambda b: b.replace(b'"mm" "mm" "mm"', b'"cm" "cm" "cm"'), "counts in 'cm', not in mm"),
        (lambda b: b.replace(b"encoding: raw\n", b"encoding: raw\ndata file: other.raw\n"), "data in another file"),
    ],
)
def test_bad_files_say_what_is_wrong(tmp_path: Path, change, says: str) -> None:
    path = tmp_path / "v.nrrd"
    write_nrrd(path, Volume(ramp(OBLIQUE), OBLIQUE))
    before = path.read_bytes()
    path.write_bytes(change(before))
    assert path.read_bytes() != before
    with pytest.raises(ItemFault, match=says):
        read_nrrd(path)


def test_not_every_gzip_is_nifti(tmp_path: Path) -> None:
    path = tmp_path / "v.nrrd"
    path.write_bytes(gzip.compress(b"NRRD0005"))
    with pytest.raises(ItemFault, match="not a readable NRRD"):
        read_nrrd(path)


def test_segmentation_keeps_names_of_absent_structures(tmp_path: Path) -> None:
    path = tmp_path / "m.seg.nrrd"
    labels = np.zeros(OBLIQUE.shape, np.uint8)
    labels[2, 3, 1] = 27
    write_segmentation(path, labels, OBLIQUE, THIGH_LABELS)
    volume, names = read_segmentation(path)
    assert names == THIGH_LABELS
    assert np.array_equal(volume.data, labels)
    image = sitk.ReadImage(str(path))
    assert image.GetPixel(1, 3, 2) == 27
    assert image.GetMetaData("Segment26_Name") == "femur"


def test_undeclared_label_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.seg.nrrd"
    write_segmentation(path, np.full(OBLIQUE.shape, 3, np.uint8), OBLIQUE, {1: "sartorius"})
    with pytest.raises(ItemFault, match="undeclared label 3"):
        read_segmentation(path)


def test_text_beyond_ascii_survives(tmp_path: Path) -> None:
    names = {1: "缝匠肌", 2: "股骨", 3: "Müller \\n back\\slash"}
    facts = {"note": "two\nlines \\ and ü"}
    write_segmentation(tmp_path / "m.seg.nrrd", np.ones(OBLIQUE.shape, np.uint8), OBLIQUE, names)
    write_nrrd(tmp_path / "v.nrrd", Volume(ramp(OBLIQUE), OBLIQUE, facts))
    assert read_segmentation(tmp_path / "m.seg.nrrd")[1] == names
    assert read_nrrd(tmp_path / "v.nrrd").facts == facts
    image = sitk.ReadImage(str(tmp_path / "m.seg.nrrd"))
    assert image.GetMetaData("Segment1_Name") == "股骨"


def test_a_fact_may_not_pose_as_a_field_of_the_format(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'units' is a field"):
        write_nrrd(tmp_path / "v.nrrd", Volume(ramp(OBLIQUE), OBLIQUE, {"units": "%"}))
    assert list(tmp_path.iterdir()) == []
