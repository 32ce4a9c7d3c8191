"""Enhanced multi-frame DICOM: frames become the stacks that classic images of the same slices become."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage

from containers.toolkit.images.volume import read_nrrd
from tests.fusion.dicom_series import Series, all_files, encoded, lopsided, run_stage, write_folder
from tests.optional import DATA

SHAPE = {"size": (48, 40, 10), "spacing": (2.0, 2.0, 3.0), "origin": (-47.0, -39.0, -12.0)}


def item(**fields: Any) -> list[Dataset]:
    """A sequence of one item."""
    made = Dataset()
    for name, value in fields.items():
        setattr(made, name, value)
    return [made]


def enhanced(series: list[Series], shared: bool = True, **top: Any) -> bytes:
    """One multi-frame file of all slices of the series: frames in reverse order of stacks, positions in each frame."""
    slices = [(one, one.dataset(k)) for one in series for k in reversed(range(one.size[2]))]
    first = slices[0][1]
    made = first
    measures = item(PixelSpacing=first.PixelSpacing, SliceThickness="3")
    turned = item(ImageOrientationPatient=first.ImageOrientationPatient)
    frames = []
    for one, dataset in slices:
        frame = Dataset()
        frame.PlanePositionSequence = item(ImagePositionPatient=dataset.ImagePositionPatient)
        frame.FrameContentSequence = item(StackID="1", TemporalPositionIndex=one.number, FrameAcquisitionNumber=1)
        frame.MREchoSequence = item(EffectiveEchoTime=float(dataset.EchoTime))
        frame.MRImageFrameTypeSequence = item(FrameType=list(one.image_type), ComplexImageComponent="MAGNITUDE")
        slope, intercept = (one.slope or 1, one.intercept or 0)
        frame.PixelValueTransformationSequence = item(RescaleSlope=slope, RescaleIntercept=intercept)
        if not shared:
            frame.PixelMeasuresSequence, frame.PlaneOrientationSequence = measures, turned
        frames.append(frame)
    pixels = b"".join(dataset.PixelData for _, dataset in slices)
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "EchoTime", "ImageType"):
        delattr(made, keyword)
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    common = Dataset()
    if shared:
        common.PixelMeasuresSequence, common.PlaneOrientationSequence = measures, turned
    made.SharedFunctionalGroupsSequence, made.PerFrameFunctionalGroupsSequence = [common], frames
    made.NumberOfFrames, made.PixelData = len(frames), pixels
    for name, value in top.items():
        setattr(made, name, value)
    return encoded(made)


@pytest.mark.parametrize("shared", [True, False])
def test_frames_give_the_volumes_that_classic_slices_give(shared: bool, tmp_path: Path) -> None:
    """Two echoes with a rescale of their own, as the multi-frame form may have them."""
    one = Series(field=lopsided, description="gre", slope=0.5, intercept=-3.0, uid="1.2.3", **SHAPE)  # type: ignore[arg-type]
    two = replace(one, field=lambda x, y, z: 0.5 * lopsided(x, y, z), echo_time=4.9, echo_number=2, slope=0.25)
    classic = write_folder(tmp_path / "classic", one.files() | two.files())
    multi = write_folder(tmp_path / "multi", {"a.dcm": enhanced([one, two], shared)})
    records = run_stage(tmp_path / "out", {"classic": classic, "multi": multi})
    outputs = [records[name]["outputs"] for name in ("classic", "multi")]
    assert set(outputs[0]) == set(outputs[1]) == {"contrast.echo_1", "contrast.echo_2", "seams"}
    for name in ("echo_1", "echo_2"):
        found = [read_nrrd(tmp_path / "out" / folder / f"{name}.nrrd") for folder in ("classic", "multi")]
        assert found[0].geometry == found[1].geometry
        np.testing.assert_array_equal(found[0].data, found[1].data)
        assert np.ptp(found[0].data) > 100


def test_frames_of_several_kinds_are_not_mixed(tmp_path: Path) -> None:
    """Magnitude and phase, and two time points of each: four volumes, each with its own values."""
    kinds = {
        level: Series(
            field=lambda x, y, z, level=level: level + 0 * x, number=time, description="dyn",
            image_type=("ORIGINAL", "PRIMARY", part, "NONE"), **SHAPE,  # type: ignore[arg-type]
        )
        for level, time, part in ((100, 1, "M"), (200, 2, "M"), (300, 1, "P"), (400, 2, "P"))
    }  # fmt: skip
    folder = write_folder(tmp_path / "in", {"a.dcm": enhanced(list(kinds.values()))})
    record = run_stage(tmp_path / "out", {"a": folder})["a"]
    values = {
        name.removeprefix("contrast."): set(np.unique(read_nrrd(tmp_path / "out/a" / output["path"]).data))
        for name, output in record["outputs"].items()
        if name != "seams"
    }
    assert values == {
        "dyn_time_1": {100.0}, "dyn_time_2": {200.0}, "dyn_phase_time_1": {300.0}, "dyn_phase_time_2": {400.0},
    }  # fmt: skip


def test_dixon_contrasts_of_one_file_have_their_names(tmp_path: Path) -> None:
    series = [
        Series(
            field=lambda x, y, z, level=level: level + 0 * x, description="mDixon",
            image_type=("DERIVED", "PRIMARY", "DIXON", word), **SHAPE,  # type: ignore[arg-type]
        )
        for level, word in ((10, "WATER"), (20, "FAT"), (30, "IN_PHASE"), (40, "OPP_PHASE"))
    ]  # fmt: skip
    record = run_stage(tmp_path / "out", {"a": write_folder(tmp_path / "in", {"a.dcm": enhanced(series)})})["a"]
    found = {name: int(read_nrrd(tmp_path / f"out/a/{name}.nrrd").data.max()) for name in ("water", "fat", "in_phase")}
    assert record["status"] == "ok" and found == {"water": 10, "fat": 20, "in_phase": 30}


def test_parts_of_a_concatenation_make_one_volume(tmp_path: Path) -> None:
    whole = Series(field=lopsided, uid="1.2.3", **SHAPE)  # type: ignore[arg-type]
    lower = replace(whole, size=(48, 40, 4))
    upper = replace(whole, size=(48, 40, 6), origin=(-47.0, -39.0, 0.0))
    parts = {
        f"{n}.dcm": enhanced([part], ConcatenationUID="1.2.9", InConcatenationNumber=n)
        for n, part in ((1, lower), (2, upper))
    }
    folders = {
        "classic": write_folder(tmp_path / "classic", whole.files()),
        "parts": write_folder(tmp_path / "parts", parts),
    }
    run_stage(tmp_path / "out", folders)
    found = [read_nrrd(tmp_path / "out" / name / "t1.nrrd") for name in folders]
    assert found[0].geometry == found[1].geometry
    np.testing.assert_array_equal(found[0].data, found[1].data)


def test_attributes_of_a_converted_image_are_found(tmp_path: Path) -> None:
    """A legacy converted image keeps what no functional group has in groups of unassigned attributes."""
    one = Series(field=lopsided, uid="1.2.3", **SHAPE)  # type: ignore[arg-type]
    dataset = pydicom.dcmread(io.BytesIO(enhanced([one])))
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = LegacyConvertedEnhancedMRImageStorage
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        del frame.MREchoSequence
        frame.UnassignedPerFrameConvertedAttributesSequence = item(EchoTime="7.5")
    folder = write_folder(tmp_path / "in", {"a.dcm": encoded(dataset)})
    run_stage(tmp_path / "out", {"a": folder})
    assert read_nrrd(tmp_path / "out/a/t1.nrrd").facts["echo_time_ms"] == "7.5"


def test_frames_without_their_functional_groups_are_refused(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(io.BytesIO(enhanced([Series(field=lopsided, **SHAPE)])))  # type: ignore[arg-type]
    dataset.PerFrameFunctionalGroupsSequence = dataset.PerFrameFunctionalGroupsSequence[:3]
    folder = write_folder(tmp_path / "in", {"a.dcm": encoded(dataset)})
    error = run_stage(tmp_path / "out", {"a": folder})["a"]["error"]
    assert error["kind"] == "input" and "has 10 frames and functional groups of 3" in error["what"]


def peer(path: Path) -> Any:
    """A volume as SimpleITK (GDCM) reads an enhanced file."""
    return sitk.ReadImage(str(path))


@pytest.mark.needs("data/enhanced_dicom")
def test_real_enhanced_files_agree_with_another_reader(tmp_path: Path) -> None:
    """Siemens XA: four time points of six slices. Values and origin as SimpleITK reads each file."""
    folder = DATA / "enhanced_dicom" / "siemens_xa10"
    record = run_stage(tmp_path / "out", {"a": folder})["a"]
    volumes = sorted(name for name in record["outputs"] if name != "seams")
    assert len(volumes) == 4
    for name, path in zip(volumes, sorted(folder.glob("*.dcm")), strict=True):
        ours, other = read_nrrd(tmp_path / "out/a" / record["outputs"][name]["path"]), peer(path)
        np.testing.assert_array_equal(ours.data, sitk.GetArrayFromImage(other))
        np.testing.assert_allclose(ours.geometry.origin_mm, other.GetOrigin(), atol=1e-3)
        np.testing.assert_allclose(ours.geometry.spacing_mm, other.GetSpacing(), rtol=1e-6)


def test_one_file_is_a_study(tmp_path: Path) -> None:
    """It is given without a folder, and its name, which may identify a person, is in no message."""
    files = all_files([Series()])
    (path := tmp_path / "NAME-SECRET.dcm").write_bytes(files["s01e1_000.dcm"])
    record = run_stage(tmp_path / "out", {"a": path})["a"]
    assert record["error"]["what"] == "no series has two slices"
    path.write_bytes(path.read_bytes()[:-50])
    record = run_stage(tmp_path / "again", {"a": path})["a"]
    assert record["error"]["where"] == "image.dcm" and "SECRET" not in str(record)
