"""The doors: every format by its content, whatever its file is called; what is of no format says what it is."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

import containers.toolkit.images.formats as formats
from containers.contract.errors import ItemFault
from containers.toolkit.images.formats import FORMATS
from containers.toolkit.images.formats.base import ImageFormat
from containers.toolkit.images.reading import format_of, read_labels, read_volume
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume
from tests.toolkit.nrrd_files import LABELS, NAMES
from tests.toolkit.test_volume import OBLIQUE, ramp

GRID = Geometry((10, 8, 6), (1.5, 2.0, 4.0), (-7.0, 3.5, -50.0), OBLIQUE.directions)


def silent(line: str) -> None:
    raise AssertionError(f"a warning: {line}")


def sitk_image(data: np.ndarray, grid: Geometry) -> sitk.Image:
    image = sitk.GetImageFromArray(data)
    image.SetSpacing(grid.spacing_mm)
    image.SetOrigin(grid.origin_mm)
    image.SetDirection(np.asarray(grid.directions).T.reshape(-1).tolist())
    return image


def test_every_module_of_the_folder_is_a_format() -> None:
    modules = {path.stem for path in Path(formats.__file__).parent.glob("*.py")} - {"__init__", "base"}
    assert {type(one).__module__.rpartition(".")[2] for one in FORMATS} == modules
    assert len({one.name for one in FORMATS}) == len(FORMATS)


@pytest.mark.parametrize("ending", [".nrrd", ".nii", ".nii.gz"])
@pytest.mark.parametrize("named", ["v.nrrd", "v.nii.gz", "v.dcm", "v"])
def test_content_decides_and_not_the_name(tmp_path: Path, ending: str, named: str) -> None:
    sitk.WriteImage(sitk_image(ramp(OBLIQUE), OBLIQUE), str(tmp_path / f"written{ending}"))
    path = (tmp_path / f"written{ending}").rename(tmp_path / named)
    volume = read_volume(path, silent)
    assert np.array_equal(volume.data, ramp(OBLIQUE))
    assert volume.geometry.gap_mm(OBLIQUE) < 1e-4  # NIfTI keeps float32


def test_labels_come_through_the_same_door(tmp_path: Path) -> None:
    write_segmentation(tmp_path / "l.bin", LABELS, GRID, NAMES)
    found = read_labels(tmp_path / "l.bin", silent)
    assert found.names == NAMES and np.array_equal(found.volume.data, LABELS)


@pytest.mark.parametrize("ending", [".nrrd", ".nii.gz"])
def test_labels_without_names_need_a_table(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"l{ending}"
    sitk.WriteImage(sitk_image(LABELS, GRID), str(path))
    with pytest.raises(ItemFault, match="has no names of its labels") as fault:
        read_labels(path, silent)
    assert "columns index and name" in fault.value.fix and '{"LabelMap": {"1": "femur"}}' in fault.value.fix
    assert read_labels(path, silent, NAMES).names == NAMES
    (tmp_path / "dseg.tsv").write_text("index\tname\tcolor\n1\tsartorius\t#ff0000\n2\t缝匠肌\t\n3\tfemur\t\n")
    assert read_labels(path, silent, tmp_path / "dseg.tsv").names == {1: "sartorius", 2: "缝匠肌", 3: "femur"}
    for text in (
        '{"LabelMap": {"1": "sartorius", "2": "gracilis", "3": "femur"}}',
        '{"1": "sartorius", "2": "gracilis", "3": "femur"}',
        '{"labels": {"background": 0, "sartorius": 1, "gracilis": 2, "femur": 3}}',
    ):
        (tmp_path / "dseg.json").write_text(text)
        assert read_labels(path, silent, tmp_path / "dseg.json").names == NAMES


def test_a_table_goes_before_the_files_own_names(tmp_path: Path) -> None:
    write_segmentation(tmp_path / "l.seg.nrrd", LABELS, GRID, NAMES)
    assert read_labels(tmp_path / "l.seg.nrrd", silent, {3: "femur_left"}).names == {**NAMES, 3: "femur_left"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("index\tlabel\n1\tfemur\n", "has no columns index and name"),
        ("index\tname\n", "names no label"),
        ("index\tname\none\tfemur\n", "has the label 'one' named 'femur'"),
        ("index\tname\n1\t\n", "has the label '1' named ''"),
        ("index\tname\n1\n", "has the label '1' named 'None'"),
        ("index\tname\n1\tfemur\n1\tsartorius\n", "names label 1 twice"),
        ('{"1": ["femur"]}', "has no LabelMap"),
        ('{"1": ', "is not JSON"),
        ("{" * 100_000, "is not JSON"),
        ("x" * (5 << 20), "is longer than 4 MiB"),
        ("\0\ufffd", "no columns"),
    ],
)
def test_bad_tables_are_one_line(tmp_path: Path, text: str, says: str) -> None:
    write_segmentation(tmp_path / "l.seg.nrrd", LABELS, GRID, NAMES)
    (tmp_path / "table").write_text(text)
    with pytest.raises(ItemFault, match=says) as fault:
        read_labels(tmp_path / "l.seg.nrrd", silent, tmp_path / "table")
    assert fault.value.where == "table"


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"hello", "v.nrrd", "is not a readable NRRD"),
        (b"hello", "v.nii.gz", "is not a readable NIfTI"),
        (b"", "v.nii", "is not a readable NIfTI"),
        (b"hello", "v.txt", "is of no known format"),
        (b"\x5c\x01\x00\x00" + bytes(400), "v.img", "Analyze 7.5"),
        (b"ObjectType = Image\n", "v.mha", "MetaImage"),
        (b"PK\x03\x04" + bytes(50), "v.zip", "is a zip"),
        (b"\x89PNG\r\n\x1a\n", "v.png", "is a picture"),
        (b"\x1f\x8bbroken", "v.nii.gz", "is not a readable NIfTI"),
        (gzip.compress(b"NRRD0004\n", mtime=0)[:-4], "v.nrrd", "is not a readable NRRD"),
    ],
)
def test_what_is_not_an_image_is_named(tmp_path: Path, content: bytes, name: str, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ItemFault, match=says) as fault:
        read_volume(tmp_path / name, silent)
    assert fault.value.where == name and fault.value.fix


def test_a_folder_is_not_a_volume(tmp_path: Path) -> None:
    with pytest.raises(ItemFault, match="is a folder"):
        format_of(tmp_path)


def test_warnings_of_a_file_reach_who_reads_it(tmp_path: Path) -> None:
    write_segmentation(tmp_path / "l.seg.nrrd", LABELS, GRID, NAMES)
    text = (tmp_path / "l.seg.nrrd").read_bytes()
    for number in (3, 2, 1):
        text = text.replace(f"Segment{number - 1}_".encode(), f"Segment{number}_".encode())
    (tmp_path / "l.seg.nrrd").write_bytes(text)
    lines: list[str] = []
    assert read_labels(tmp_path / "l.seg.nrrd", lines.append).names == NAMES
    assert len(lines) == 1 and "has no segment 0" in lines[0]


def test_nan_is_refused_where_it_is_asked(tmp_path: Path) -> None:
    data = ramp(OBLIQUE)
    data[0, 0, :2] = np.nan
    sitk.WriteImage(sitk_image(data, OBLIQUE), str(tmp_path / "v.nii"))
    assert isinstance(read_volume(tmp_path / "v.nii", silent), Volume)
    with pytest.raises(ItemFault, match="has 2 voxels that are NaN"):
        read_volume(tmp_path / "v.nii", silent, finite=True)


def test_formats_are_named_in_the_way_of_parameters() -> None:
    for one in FORMATS:
        assert isinstance(one, ImageFormat) and one.name.islower() and one.endings[0].startswith(".")
