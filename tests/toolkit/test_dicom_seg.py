"""DICOM segmentations: what we write is read by pydicom alone, what highdicom writes is read by us."""

import datetime
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from containers.contract.errors import ItemFault
from containers.contract.stage import Result
from containers.toolkit.images.crop import is_cropped, padded
from containers.toolkit.images.formats.dicom_seg import DicomSeg, Source, codes_of, read_series
from containers.toolkit.images.geometry import GEOMETRY_TOLERANCE_MM
from containers.toolkit.images.reading import read_labels, read_volume
from containers.toolkit.images.volume import Geometry
from containers.toolkit.images.writing import ImageWriter
from tests.toolkit.nrrd_files import LABELS
from tests.toolkit.test_nifti import GRID, SHEARED
from tests.toolkit.test_reading import silent
from tests.toolkit.test_writing import SPEC

NAMES = {1: "sartorius", 2: "erector_spinae_left", 3: "缝匠肌", 9: "absent"}
TAGS = {
    1: "TerminologyEntry:any~SCT^123037004^Anatomical Structure~SCT^12595009^Sartorius muscle~^^~any~^^~^^|",
    2: "TerminologyEntry:any~SCT^123037004^Anatomical Structure~SCT^44947003^Erector spinae muscle"
    "~SCT^7771000^Left~any~^^~^^|",
    3: "|",
}


def write_series(folder: Path, grid: Geometry = GRID, *, frame: str = "1.2.3.4", name: str = "Müller^Ann") -> Path:
    """A series of MR images on a grid, one file a slice."""
    folder.mkdir(parents=True)
    series = generate_uid(entropy_srcs=[folder.name])
    for k in range(grid.size[2]):
        image = Dataset()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.SOPClassUID, image.SOPInstanceUID = MRImageStorage, generate_uid(entropy_srcs=[f"{series}{k}"])
        image.SpecificCharacterSet = "ISO_IR 100"
        image.PatientName, image.PatientID, image.PatientBirthDate, image.PatientSex = name, "7", "19700101", "F"
        image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = "1.2.3", series, frame
        image.StudyDate, image.StudyTime, image.AccessionNumber, image.StudyID = "20200102", "101112", "", "1"
        image.Modality, image.SeriesNumber, image.InstanceNumber, image.ReferringPhysicianName = "MR", 5, k + 1, ""
        image.ImagePositionPatient = [f"{v:.10g}" for v in grid.position_mm((0, 0, k))]
        image.ImageOrientationPatient = [f"{v:.10g}" for axis in grid.directions[:2] for v in axis]
        image.PixelSpacing = [grid.spacing_mm[1], grid.spacing_mm[0]]
        image.SliceThickness = grid.spacing_mm[2]
        image.Columns, image.Rows = grid.size[0], grid.size[1]
        image.BitsAllocated = image.BitsStored = 16
        image.HighBit, image.PixelRepresentation, image.SamplesPerPixel = 15, 0, 1
        image.PhotometricInterpretation = "MONOCHROME2"
        image.PixelData = bytes(2 * grid.size[0] * grid.size[1])
        image.save_as(folder / f"{(7 * k) % 11:02}.dcm", enforce_file_format=True)
    return folder


@pytest.fixture
def series(tmp_path: Path) -> Path:
    return write_series(tmp_path / "series")


def write(path: Path, series: Path, labels: np.ndarray = LABELS, grid: Geometry = GRID) -> Path:
    DicomSeg().write(path, labels, grid, NAMES, TAGS, Source(series, "thigh_segmentation", "1.2.3"))
    return path


def test_pydicom_alone_finds_every_voxel_at_its_place(tmp_path: Path, series: Path) -> None:
    found = pydicom.dcmread(write(tmp_path / "l.dcm", series))
    assert found.Modality == "SEG" and found.SegmentationType == "BINARY"
    assert found.PatientName == "Müller^Ann" and found.StudyInstanceUID == "1.2.3"
    assert found.FrameOfReferenceUID == "1.2.3.4"
    assert [one.SegmentLabel for one in found.SegmentSequence] == list(NAMES.values())
    first, second, third, _ = found.SegmentSequence
    assert first.SegmentedPropertyTypeCodeSequence[0].CodeValue == "12595009"
    modifier = second.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence[0]
    assert modifier.CodeMeaning == "Left"
    assert third.SegmentedPropertyTypeCodeSequence[0].CodingSchemeDesignator == "99MYOREPRO"
    groups = found.SharedFunctionalGroupsSequence[0]
    across = np.asarray(groups.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=float).reshape(2, 3)
    edges = np.asarray(groups.PixelMeasuresSequence[0].PixelSpacing, dtype=float)[::-1]
    rebuilt = np.zeros_like(LABELS)
    values = list(NAMES)
    for mask, frame in zip(found.pixel_array, found.PerFrameFunctionalGroupsSequence, strict=True):
        number = frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        corner = np.asarray(frame.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
        rows, columns = np.nonzero(mask)
        places = corner + np.outer(columns, across[0] * edges[0]) + np.outer(rows, across[1] * edges[1])
        index = GRID.index(places)
        assert np.abs(GRID.position_mm(np.rint(index)) - places).max() < GEOMETRY_TOLERANCE_MM
        i, j, k = np.rint(index).astype(int).T
        rebuilt[k, j, i] = values[number - 1]
    assert np.array_equal(rebuilt, LABELS)


def test_what_is_written_is_read_back(tmp_path: Path, series: Path) -> None:
    found = read_labels(write(tmp_path / "l.dcm", series), silent)
    assert list(found.names.values()) == list(NAMES.values())
    assert is_cropped(found.volume.facts)  # the first slices have no voxel
    whole = padded(found.volume, GRID)
    assert whole is not None
    for value, name in NAMES.items():
        number = next(n for n, text in found.names.items() if text == name)
        assert np.array_equal(whole.data == number, value == LABELS), name
    tags = [found.volume.facts[f"Segment{n}_Tags"] for n in range(3)]
    assert [codes_of(tag) for tag in tags] == [codes_of(TAGS[n]) for n in (1, 2, 3)]


@pytest.mark.parametrize("mirrored", [0, 2])
def test_any_order_of_slices_and_handedness(tmp_path: Path, mirrored: int) -> None:
    steps = GRID.matrix().T.copy()
    steps[mirrored] *= -1
    grid = Geometry.of_steps(
        GRID.size, steps, GRID.position_mm([n - 1 if a == mirrored else 0 for a, n in enumerate(GRID.size)])
    )
    found = read_labels(write(tmp_path / "l.dcm", write_series(tmp_path / "s", grid), LABELS, grid), silent)
    for value, name in NAMES.items():
        number = next(n for n, text in found.names.items() if text == name)
        ours = np.argwhere(found.volume.data == number)[:, ::-1]
        truth = np.argwhere(value == LABELS)[:, ::-1]
        assert len(ours) == len(truth)
        mine = np.sort(np.round(found.volume.geometry.position_mm(ours), 2).view("f8,f8,f8"), axis=0)
        assert np.array_equal(mine, np.sort(np.round(grid.position_mm(truth), 2).view("f8,f8,f8"), axis=0))


def test_the_same_bytes_twice(tmp_path: Path, series: Path) -> None:
    one, other = (write(tmp_path / name, series).read_bytes() for name in ("a.dcm", "b.dcm"))
    assert one == other
    today = datetime.datetime.now(tz=datetime.UTC).strftime("%Y%m%d").encode()
    assert today not in one


def test_a_segmentation_lies_on_its_own_grid(tmp_path: Path, series: Path) -> None:
    """Fused volumes have another grid than the series of one station."""
    grid = Geometry((5, 4, 3), (3.0, 3.0, 6.0), (-5.0, 0.0, -40.0))
    labels = np.ones(grid.shape, np.uint8)
    found = read_labels(write(tmp_path / "l.dcm", series, labels, grid), silent)
    assert found.volume.geometry.gap_mm(grid) < GEOMETRY_TOLERANCE_MM
    assert np.array_equal(found.volume.data, labels)


def hd_segmentation(series: Path, kind: str, pixels: np.ndarray, **more: Any) -> Any:
    names = ("sartorius", "gracilis", "femur")
    descriptions = [
        highdicom.seg.SegmentDescription(
            number, name, codes.SCT.AnatomicalStructure, codes.SCT.SkeletalMuscle, "MANUAL"
        )
        for number, name in enumerate(names, 1)
    ]
    return highdicom.seg.Segmentation(
        read_series(series),
        pixels,
        kind,
        descriptions,
        generate_uid(),
        9,
        generate_uid(),
        1,
        "x",
        "y",
        "1",
        "0",
        **more,
    )


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_segmentations_of_other_programs(tmp_path: Path, series: Path, kind: str) -> None:
    hd_segmentation(series, kind, LABELS).save_as(tmp_path / "x.bin")
    found = read_labels(tmp_path / "x.bin", silent)
    assert found.names == {1: "sartorius", 2: "gracilis", 3: "femur"}
    whole = padded(found.volume, GRID) if found.volume.geometry.size != GRID.size else found.volume
    assert whole is not None and np.array_equal(whole.data, LABELS)
    assert whole.geometry.gap_mm(GRID) < GEOMETRY_TOLERANCE_MM
    assert "Skeletal muscle" in found.volume.facts["Segment0_Tags"]
    assert read_labels(tmp_path / "x.bin", silent, {3: "femur_left"}).names[3] == "femur_left"


def test_overlapping_segments_are_refused_by_name(tmp_path: Path, series: Path) -> None:
    masks = np.stack([LABELS == 1, LABELS == 2, LABELS == 3], axis=-1)
    masks[1, 2, 3:7, 1] = True
    hd_segmentation(series, "BINARY", masks).save_as(tmp_path / "x.dcm")
    with pytest.raises(ItemFault, match="sartorius and gracilis share 4 voxels"):
        read_labels(tmp_path / "x.dcm", silent)


def test_what_is_not_a_segmentation_is_named(tmp_path: Path, series: Path) -> None:
    with pytest.raises(ItemFault, match=r"is DICOM \(MR\), not a segmentation"):
        read_labels(series / "00.dcm", silent)
    with pytest.raises(ItemFault, match="is one DICOM file, not a volume"):
        read_volume(series / "00.dcm", silent)
    hd_segmentation(series, "FRACTIONAL", (LABELS == 1)[..., None] * np.ones(3)).save_as(tmp_path / "f.dcm")
    with pytest.raises(ItemFault, match="has fractional segments"):
        read_labels(tmp_path / "f.dcm", silent)
    content = write(tmp_path / "l.dcm", series).read_bytes()
    (tmp_path / "cut.dcm").write_bytes(content[: len(content) // 2])
    (tmp_path / "cut2.dcm").write_bytes(content[:-20])
    (tmp_path / "head.dcm").write_bytes(bytes(128) + b"DICM" + b"hello" * 300)
    for name in ("cut.dcm", "cut2.dcm", "head.dcm"):
        with pytest.raises(ItemFault, match="not a readable DICOM") as fault:
            read_labels(tmp_path / name, silent)
        assert "\n" not in str(fault.value)


def test_a_header_that_asks_for_too_much_is_refused(tmp_path: Path, series: Path) -> None:
    found = pydicom.dcmread(write(tmp_path / "l.dcm", series))
    found.Rows = found.Columns = 65535
    found.NumberOfFrames = 100_000
    found.save_as(tmp_path / "x.dcm")
    with pytest.raises(ItemFault, match="has 100000 frames of 65535 x 65535 voxels"):
        read_labels(tmp_path / "x.dcm", silent)


def test_deflated_files_are_refused(tmp_path: Path, series: Path) -> None:
    found = pydicom.dcmread(write(tmp_path / "l.dcm", series))
    found.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    found.save_as(tmp_path / "x.dcm")
    with pytest.raises(ItemFault, match="is deflated"):
        read_labels(tmp_path / "x.dcm", silent)


def test_what_dicom_cannot_hold_is_refused_and_nothing_is_left(tmp_path: Path, series: Path) -> None:
    with pytest.raises(ItemFault, match="lies on a sheared grid, which DICOM cannot hold"):
        write(tmp_path / "out" / "l.dcm", series, LABELS, SHEARED)
    with pytest.raises(ItemFault, match="has no labelled voxel"):
        write(tmp_path / "out" / "l.dcm", series, np.zeros_like(LABELS))
    assert not (tmp_path / "out").exists()


def test_a_series_is_one(tmp_path: Path, series: Path) -> None:
    write_series(series / "more")
    with pytest.raises(ItemFault, match="holds 2 DICOM series with images"):
        read_series(series)
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "x.txt").write_text("hello")
    with pytest.raises(ItemFault, match="holds no DICOM image"):
        read_series(tmp_path / "none")
    with pytest.raises(ItemFault, match="has no frame of reference"):
        read_series(write_series(tmp_path / "frameless", frame=""))


def test_a_stage_writes_one_file(tmp_path: Path, series: Path) -> None:
    (tmp_path / "out").mkdir()
    result = Result(tmp_path / "out", SPEC)
    ImageWriter(result, "sub-01", "dicom_seg", series).labels("labels", LABELS, GRID, NAMES, TAGS)
    assert result.files == {"labels": "sub-01_dseg.dcm"}
    assert list(read_labels(tmp_path / "out" / "sub-01_dseg.dcm", silent).names.values()) == list(NAMES.values())
