"""Each bad zip shows its own fault to pydicom and zipfile, and leaves the rest as it was."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest

import phantoms
from containers.contract.errors import ItemFault
from phantoms.corrupt import dicom as bad_inputs


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    phantoms.make("ukb_participant", {"preset": "small", "seed": 3, "truth_step_mm": 5.0}, folder)
    return next(folder.glob("*.zip"))


def broken(good: Path, folder: Path, fault: str) -> zipfile.ZipFile:
    bad_inputs.make(fault, good, folder / "bad.zip")
    return zipfile.ZipFile(folder / "bad.zip")


def datasets(archive: zipfile.ZipFile) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(io.BytesIO(archive.read(n))) for n in archive.namelist() if n.endswith(".dcm")]


def changed(good: Path, bad: zipfile.ZipFile) -> list[str]:
    """Names of entries that are new or whose bytes differ."""
    with zipfile.ZipFile(good) as archive:
        before = {n: archive.read(n) for n in archive.namelist()}
    return [n for n in bad.namelist() if before.get(n) != bad.read(n)]


@pytest.mark.parametrize("fault", ["truncated_dicom", "inconsistent_matrix", "nan_pixels", "unknown_transfer_syntax"])
def test_one_slice_is_bad(good: Path, tmp_path: Path, fault: str) -> None:
    with broken(good, tmp_path, fault) as bad:
        (name,) = changed(good, bad)
        content = bad.read(name)
    if fault == "truncated_dicom":
        with pytest.raises((ValueError, AttributeError, EOFError)):
            _ = pydicom.dcmread(io.BytesIO(content)).pixel_array
        return
    ds = pydicom.dcmread(io.BytesIO(content))
    assert abs(float(ds.ImagePositionPatient[2])) < 20
    if fault == "inconsistent_matrix":
        assert ds.pixel_array.shape == (62, 62)
    elif fault == "nan_pixels":
        assert np.isnan(np.frombuffer(ds.FloatPixelData, "<f4")).sum() == 1
    else:
        with pytest.raises((NotImplementedError, AttributeError)):
            _ = ds.pixel_array


@pytest.mark.parametrize(("fault", "count"), [("missing_slices", 3), ("missing_station", 4 * 18), ("empty_zip", 433)])
def test_entries_are_gone(good: Path, tmp_path: Path, fault: str, count: int) -> None:
    with zipfile.ZipFile(good) as archive, broken(good, tmp_path, fault) as bad:
        gone = set(archive.namelist()) - set(bad.namelist())
        assert len(gone) == count and not changed(good, bad)
        if fault == "missing_station":
            stations = {pydicom.dcmread(io.BytesIO(archive.read(n))).BodyPartExamined for n in gone}
            assert len(stations) == 1 and stations <= {"PELVIS", "HIP"}


@pytest.mark.parametrize(("fault", "spacing"), [("zero_spacing", [0, 0]), ("negative_spacing", [-2, 2])])
def test_spacing(good: Path, tmp_path: Path, fault: str, spacing: list[float]) -> None:
    with broken(good, tmp_path, fault) as bad:
        assert all(d.PixelSpacing == spacing for d in datasets(bad))


def test_zip_slip_and_not_dicom(good: Path, tmp_path: Path) -> None:
    with broken(good, tmp_path, "zip_slip") as bad:
        assert changed(good, bad) == ["../../outside.dcm"]
    with broken(good, tmp_path, "not_dicom") as bad, pytest.raises(pydicom.errors.InvalidDicomError):
        datasets(bad)


def test_zip_bomb_is_small_on_disk(good: Path, tmp_path: Path) -> None:
    with broken(good, tmp_path, "zip_bomb") as bad:
        info = bad.getinfo("9.9.9.dcm")
        assert info.file_size == 1 << 30
        assert info.compress_size < info.file_size // 900


def test_mixed_participants_and_wrong_names(good: Path, tmp_path: Path) -> None:
    with broken(good, tmp_path, "mixed_participants") as bad:
        found = datasets(bad)
    strangers = {d.SeriesInstanceUID for d in found if d.PatientID == "9999999"}
    assert len(strangers) == 1 and len({d.PatientID for d in found}) == 2 == len({d.StudyInstanceUID for d in found})
    with broken(good, tmp_path, "wrong_contrast_names") as bad:
        found = datasets(bad)
        assert b"Dixon" not in bad.read("manifest.csv")
    assert {d.SeriesDescription for d in found} == {"localizer"}
    assert not {"WATER", "FAT", "IN_PHASE", "OPP_PHASE"} & {v for d in found for v in d.ImageType}


def test_faults_are_made_the_same_way_twice_and_named(good: Path, tmp_path: Path) -> None:
    for fault in ("mixed_participants", "nan_pixels"):
        bad_inputs.make(fault, good, tmp_path / "one.zip")
        first = (tmp_path / "one.zip").read_bytes()
        bad_inputs.make(fault, good, tmp_path / "one.zip")
        assert (tmp_path / "one.zip").read_bytes() == first, fault
    with pytest.raises(ItemFault):
        bad_inputs.make("nothing", good, tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()
