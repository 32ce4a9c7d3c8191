"""Images out: NIfTI judged by nibabel and SimpleITK, the names of Muscle-BIDS, sidecars, and the same bytes twice."""

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from containers.contract.spec import MetricSpec, Parameter, Port, StageSpec, load_spec
from containers.contract.stage import Result
from containers.toolkit.images.formats import FORMATS
from containers.toolkit.images.label_table import read_label_table
from containers.toolkit.images.nifti_grid import ras_affine
from containers.toolkit.images.reading import read_labels, read_volume
from containers.toolkit.images.volume import Geometry, Volume
from containers.toolkit.images.writing import ImageWriter, bids_prefix, bids_suffix
from tests.toolkit.nrrd_files import LABELS, NAMES
from tests.toolkit.test_nifti import FLOAT32_MM, GRID, SHEARED
from tests.toolkit.test_reading import silent

ROOT = Path(__file__).resolve().parents[2]
SPEC = StageSpec(
    name="made",
    version="1.2.3",
    title="Made up",
    source="none",
    inputs={},
    outputs={
        "water": Port(kind="volume", description="Dixon water image"),
        "contrast.*": Port(kind="volume", description="another contrast"),
        "labels": Port(kind="segmentation", description="label map"),
        "sidecar.*": Port(kind="path", description="sidecar"),
    },
    parameters={"format": Parameter(type="string", default="nrrd", description="format")},
    metrics={"none": MetricSpec(unit="1", description="none")},
)
DATA = np.arange(LABELS.size, dtype=np.float32).reshape(LABELS.shape)
FACTS = {"contrast": "water", "sample units": "arbitrary", "echo_time_ms": "2.39"}


def write(folder: Path, form: str, grid: Geometry = GRID, item: str = "sub-01_ses-2_T2w") -> Result:
    folder.mkdir(parents=True, exist_ok=True)
    result = Result(folder, SPEC)
    writer = ImageWriter(result, item, form)
    writer.volume("water", Volume(DATA, grid, FACTS))
    writer.volume("contrast.echo_2", Volume(DATA, grid, FACTS))
    writer.labels("labels", LABELS, grid, {**NAMES, 7: "缝匠肌"})
    return result


def test_nrrd_is_called_as_the_stages_call_it(tmp_path: Path) -> None:
    result = write(tmp_path, "nrrd")
    assert result.files == {"water": "water.nrrd", "contrast.echo_2": "echo_2.nrrd", "labels": "labels.seg.nrrd"}
    assert {path.name for path in tmp_path.iterdir()} == set(result.files.values())


def test_nifti_has_the_names_of_muscle_bids_and_a_sidecar_each(tmp_path: Path) -> None:
    result = write(tmp_path, "nifti")
    stem = "sub-01_ses-2"
    assert result.files == {
        "water": f"{stem}_megre_wat.nii.gz",
        "sidecar.water": f"{stem}_megre_wat.json",
        "contrast.echo_2": f"{stem}_echo-2_megre.nii.gz",
        "sidecar.contrast.echo_2": f"{stem}_echo-2_megre.json",
        "labels": f"{stem}_dseg.nii.gz",
        "sidecar.labels": f"{stem}_dseg.json",
        "sidecar.labels_table": f"{stem}_dseg.tsv",
    }
    assert {path.name for path in tmp_path.iterdir()} == set(result.files.values())
    water = json.loads((tmp_path / f"{stem}_megre_wat.json").read_text())
    assert water["Units"] == "arbitrary" and water["Facts"] == FACTS and water["Description"] == "Dixon water image"
    assert water["GeneratedBy"] == [{"Name": "made", "Version": "1.2.3", "Description": "Made up"}]
    labels = json.loads((tmp_path / f"{stem}_dseg.json").read_text(encoding="utf-8"))
    assert labels["LabelMap"] == {"1": "sartorius", "2": "gracilis", "3": "femur", "7": "缝匠肌"}
    assert read_label_table(tmp_path / f"{stem}_dseg.tsv") == {**NAMES, 7: "缝匠肌"}
    assert read_label_table(tmp_path / f"{stem}_dseg.json") == {**NAMES, 7: "缝匠肌"}


@pytest.mark.parametrize("grid", [GRID, SHEARED], ids=["oblique", "sheared"])
def test_other_readers_see_every_voxel_at_its_place(tmp_path: Path, grid: Geometry) -> None:
    files = write(tmp_path, "nifti", grid).files
    path = tmp_path / files["water"]
    image: Any = nibabel.load(path)
    assert np.array_equal(np.asanyarray(image.dataobj), DATA.transpose(2, 1, 0))
    assert image.affine == pytest.approx(ras_affine(grid), abs=FLOAT32_MM)
    assert image.header.get_xyzt_units()[0] == "mm" and image.header.get_data_dtype() == np.float32
    assert int(image.header["sform_code"]) == 1 and int(image.header["qform_code"]) == (grid is GRID)
    if grid is GRID:  # ITK holds no shear
        seen = sitk.ReadImage(str(path))
        assert np.array_equal(sitk.GetArrayFromImage(seen), DATA)
        for corner in ((0, 0, 0), (9, 7, 5)):
            place = grid.position_mm(corner)
            assert seen.TransformIndexToPhysicalPoint(corner) == pytest.approx(place, abs=1e-4)
    labels: Any = nibabel.load(tmp_path / files["labels"])
    assert labels.get_data_dtype() == np.uint8 and labels.header.get_intent()[0] == "label"
    back = read_labels(tmp_path / files["labels"], silent, tmp_path / files["sidecar.labels_table"])
    assert np.array_equal(back.volume.data, LABELS)
    assert read_volume(path, silent).geometry.gap_mm(grid) < 1e-4


def test_the_same_bytes_twice(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / name, "nifti")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name
    packed = next((tmp_path / "a").glob("*.nii.gz")).read_bytes()
    assert packed[4:8] == bytes(4) and packed[3] == 0  # no time and no name


@pytest.mark.parametrize(
    ("item", "prefix"),
    [
        ("sub-01", "sub-01"),
        ("sub-01_ses-2_T2w", "sub-01_ses-2"),
        ("sub-01_acq-dixon_run-1_megre", "sub-01_acq-dixon_run-1"),
        ("1000123_20201_2_0", "sub-10001232020120"),
        ("person.1", "sub-person1"),
        ("ses-1_sub-2", "sub-ses1sub2"),
        ("___", "sub-item"),
    ],
)
def test_prefixes_are_entities_of_bids(item: str, prefix: str) -> None:
    assert bids_prefix(item) == prefix


def test_suffixes_hold_what_a_name_may() -> None:
    assert [bids_suffix(name) for name in ("fat_fraction", "t1_tra", "echo_12", "intermat")] == [
        "ff",
        "t1tra",
        "echo-12_megre",
        "intermat",
    ]


IMAGE_STAGES = [
    path.parent.name
    for path in sorted(ROOT.glob("containers/**/stage.toml"))
    if any(port.kind in ("volume", "segmentation") for port in load_spec(path).outputs.values())
]


@pytest.mark.parametrize("stage", IMAGE_STAGES)
def test_every_stage_that_makes_images_takes_the_format(stage: str) -> None:
    spec = load_spec(next(ROOT.glob(f"containers/**/{stage}/stage.toml")))
    parameter = spec.parameters["format"]
    assert parameter.default == "nrrd"
    assert parameter.choices is not None and set(parameter.choices) <= {one.name for one in FORMATS}
    assert "nifti" in parameter.choices and spec.has_output("sidecar.labels_table")


def test_there_are_stages_that_make_images() -> None:
    assert set(IMAGE_STAGES) == {"fusion", "thigh_segmentation", "spine_segmentation", "mrsegmentator", "composition"}
