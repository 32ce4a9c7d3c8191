"""`myorepro run` with files of other formats: names of labels that lie with them, and images out as NIfTI."""

import json
from pathlib import Path

import pytest
import SimpleITK as sitk

from containers.contract.spec import load_spec
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd
from harness.run.one_stage import item_id, names_with
from harness.runners.stages import stage_folders
from tests.harness.test_cli import myorepro
from tests.toolkit.nrrd_files import LABELS, NAMES

GRID = Geometry((10, 8, 6), (8.0, 9.0, 10.0), (-37.0, 3.5, -50.0))
SPEC = load_spec(stage_folders()["agreement"] / "stage.toml")
TABLE = "index\tname\n" + "".join(f"{value}\t{name}\n" for value, name in NAMES.items())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A BIDS data set with a label map in NIfTI, and the truth as .seg.nrrd outside of it."""
    place = tmp_path / "bids" / "sub-01" / "anat"
    place.mkdir(parents=True)
    (tmp_path / "bids" / "dataset_description.json").write_text("{}")
    write_segmentation(tmp_path / "truth.seg.nrrd", LABELS, GRID, NAMES)
    sitk.WriteImage(sitk.ReadImage(str(tmp_path / "truth.seg.nrrd")), str(place / "sub-01_dseg.nii.gz"))
    return tmp_path


def test_names_that_lie_with_a_label_map_are_found(folder: Path) -> None:
    anat = folder / "bids" / "sub-01" / "anat"
    inputs = {"labels": anat / "sub-01_dseg.nii.gz", "truth": folder / "truth.seg.nrrd"}
    assert names_with(SPEC, inputs) == {}
    (folder / "dseg.tsv").write_text(TABLE)  # outside of the data set
    assert names_with(SPEC, inputs) == {}
    (folder / "bids" / "dseg.tsv").write_text(TABLE)
    assert names_with(SPEC, inputs) == {"labels_names": folder / "bids" / "dseg.tsv"}
    (anat / "sub-01_dseg.json").write_text('{"RawSources": []}')
    assert names_with(SPEC, inputs) == {"labels_names": folder / "bids" / "dseg.tsv"}
    (anat / "sub-01_dseg.json").write_text(json.dumps({"LabelMap": {"1": "femur"}}))
    assert names_with(SPEC, inputs) == {"labels_names": anat / "sub-01_dseg.json"}
    (anat / "sub-01_dseg.tsv").write_text(TABLE)
    assert names_with(SPEC, inputs) == {"labels_names": anat / "sub-01_dseg.tsv"}
    assert names_with(SPEC, {**inputs, "labels_names": folder / "dseg.tsv"}) == {}
    assert names_with(load_spec(stage_folders()["fusion"] / "stage.toml"), {"dicom": inputs["labels"]}) == {}


def test_a_label_map_in_nifti_is_judged_with_its_table(folder: Path) -> None:
    labels = "bids/sub-01/anat/sub-01_dseg.nii.gz"
    done = myorepro("run", "agreement", labels, "-i", "truth=truth.seg.nrrd", cwd=folder)
    assert done.returncode == 1 and "has no names of its labels" in done.stdout
    (folder / "bids" / "sub-01" / "anat" / "sub-01_dseg.tsv").write_text(TABLE)
    done = myorepro("run", "agreement", labels, "-i", "truth=truth.seg.nrrd", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "names of sub-01_dseg.nii.gz: from sub-01_dseg.tsv" in done.stderr
    record = json.loads((folder / "out" / "sub-01_dseg" / "record.json").read_text())
    assert record["metrics"]["mean_dice"]["value"] == 1.0 and "labels_names" in record["inputs"]


def test_format_nifti_writes_muscle_bids_names(folder: Path) -> None:
    write_segmentation(folder / "labels.seg.nrrd", LABELS, GRID, NAMES)
    for name, factor in (("water", 10.0), ("fat", 2.0)):
        write_nrrd(folder / f"{name}.nrrd", Volume((LABELS + 1.0) * factor, GRID))
    images = ["-i", "water=water.nrrd", "-i", "fat=fat.nrrd"]
    done = myorepro(
        "run", "composition", "labels.seg.nrrd", *images, "--format", "nifti", "--item", "sub-7", cwd=folder
    )
    assert done.returncode == 0, done.stdout + done.stderr
    names = {path.name for path in (folder / "out" / "sub-7").iterdir()}
    assert names == {"record.json", "timing.json", "measures.parquet", "sub-7_ff.nii.gz", "sub-7_ff.json"}
    assert json.loads((folder / "out" / "sub-7" / "sub-7_ff.json").read_text())["Units"] == "percent"


@pytest.mark.parametrize(
    ("stage", "form", "said"),
    [
        ("agreement", "nifti", "--format: agreement makes no images; leave it out"),
        ("composition", "mgz", "must be one of ['nrrd', 'nifti'], got 'mgz'"),
    ],
)
def test_a_format_that_is_not_there_is_wrong_usage(folder: Path, stage: str, form: str, said: str) -> None:
    done = myorepro("run", stage, "truth.seg.nrrd", "--format", form, cwd=folder)
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1


def test_items_of_nifti_files_have_their_bids_name() -> None:
    assert item_id(Path("sub-01_T2w.nii.gz")) == "sub-01_T2w"
    assert item_id(Path("sub-01_T2w.NII.GZ")) == "sub-01_T2w"
    assert item_id(Path("sub-01_dseg.nii")) == "sub-01_dseg"
