"""The files of `nako_participant` as other readers see them, and the folder of training pairs."""

import io
import json
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

import phantoms
from containers.contract.errors import ItemFault
from containers.contract.stage import main
from containers.fusion import __main__ as fusion
from containers.toolkit.images.formats.nifti import Nifti
from containers.toolkit.images.segmentation import read_segmentation
from containers.toolkit.images.volume import Volume, read_nrrd
from phantoms.back import training_set as spine_training_set
from phantoms.back.haste import FULL, with_voxels
from phantoms.back.participant import Parameters, anatomy_of, composed_geometry, subject_of
from phantoms.back.template import LEVELS
from phantoms.corrupt import back as haste_bad_inputs
from phantoms.thigh import training_set

SETTINGS: dict[str, Any] = {"preset": "small", "seed": 3, "stations": 3, "truth_step_mm": 3.0}


def make(folder: Path, **parameters: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    phantoms.make("nako_participant", SETTINGS | parameters, folder)
    return folder


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("person"))


def read(path: Path) -> list[pydicom.Dataset]:
    with zipfile.ZipFile(path) as archive:
        return [pydicom.dcmread(io.BytesIO(archive.read(name))) for name in archive.namelist()]


def test_same_parameters_give_the_same_bytes(person: Path, tmp_path: Path) -> None:
    again = make(tmp_path / "again")
    names = sorted(p.name for p in person.iterdir())
    assert names == ["2000003_haste.nii.gz", "2000003_haste.zip", "levels.json", "phantom.json"]
    for name in names:
        assert (again / name).read_bytes() == (person / name).read_bytes(), name


def test_phantom_json_has_what_a_case_needs(person: Path) -> None:
    said = json.loads((person / "phantom.json").read_text())
    assert set(said["files"]) == {"haste_zip", "haste_nifti", "levels"}
    assert set(said["facts"]) == {"height_m", "weight_kg", "sex"}
    bmi = said["facts"]["weight_kg"] / said["facts"]["height_m"] ** 2
    assert said["truth"]["lmm_cm3_per_bmi"] == pytest.approx(said["truth"]["lean_volume_cm3"] / bmi, rel=1e-5)
    assert said["truth"].keys() == said["truth_precision"].keys()
    assert said["truth"]["intermat_percent"] == pytest.approx(said["subject"]["intermat_percent"], abs=0.2)
    assert {f"lean_volume_cm3.level_{n}" for n in ("T1", "T12", "L5", "S1")} <= said["truth"].keys()


def test_the_levels_are_those_of_the_anatomy(person: Path) -> None:
    levels = json.loads((person / "levels.json").read_text())["levels"]
    anatomy = anatomy_of(Parameters.model_validate(SETTINGS))
    for number, level in enumerate(levels):
        inside = [level["bottom_mm"] + 0.001, level["top_mm"] - 0.001]
        assert anatomy.levels(inside).tolist() == [number, number], level["name"]
    assert [level["name"] for level in levels] == list(LEVELS)


def test_tags_are_those_of_an_axial_haste(person: Path) -> None:
    slices = read(person / "2000003_haste.zip")
    assert len({d.SOPInstanceUID for d in slices}) == len(slices) == 58 + 2 + 3
    assert {(d.EchoTime, d.MagneticFieldStrength, d.Manufacturer) for d in slices} == {(81, 3, "SIEMENS")}
    assert {d.SeriesDescription for d in slices} == {"T2_HASTE_TRA"}
    assert {d.InPlanePhaseEncodingDirection for d in slices} == {"COL"}
    assert {tuple(d.ImageOrientationPatient) for d in slices} == {(1, 0, 0, 0, 1, 0)}
    series = {str(d.SeriesInstanceUID): d.SeriesNumber for d in slices}
    assert sorted(series.values()) == [11, 12, 13]
    top = {n: max(float(d.ImagePositionPatient[2]) for d in slices if d.SeriesNumber == n) for n in (11, 12, 13)}
    assert top[11] > top[12] > top[13]


def test_dicom_and_nifti_agree_in_world_coordinates(tmp_path: Path) -> None:
    """SimpleITK reads both into LPS: same values at the same places, in an oblique stack too."""
    folder = make(tmp_path, stations=1, oblique_deg=4.0)
    with zipfile.ZipFile(folder / "2000003_haste.zip") as archive:
        archive.extractall(tmp_path / "slices")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "slices")))
    dicom = reader.Execute()
    nifti = sitk.ReadImage(str(folder / "2000003_haste.nii.gz"))
    values = sitk.GetArrayFromImage(dicom)
    rng = np.random.default_rng(0)
    for i, j, k in zip(*(rng.integers(0, n, 40) for n in dicom.GetSize()), strict=True):
        place = dicom.TransformIndexToPhysicalPoint((int(i), int(j), int(k)))
        index = nifti.TransformPhysicalPointToContinuousIndex(place)
        assert index == pytest.approx(np.rint(index), abs=1e-3)
        assert nifti[tuple(int(v) for v in np.rint(index))] == values[k, j, i]
    ours = Nifti().read_volume(folder / "2000003_haste.nii.gz")
    grid = composed_geometry(Parameters.model_validate(SETTINGS | {"stations": 1, "oblique_deg": 4.0}))
    assert ours.geometry.same_as(grid)
    assert np.array_equal(ours.data, values)


def test_true_labels_fit_the_image(person: Path) -> None:
    """On the image's grid: dark muscle under the labels, left at +x, voxel sums close to the truth."""
    image = Nifti().read_volume(person / "2000003_haste.nii.gz")
    labels = phantoms.truth_labels(person / "phantom.json", image.geometry)
    truth = json.loads((person / "phantom.json").read_text())["truth"]
    for value, name in ((1, "erector_spinae_left"), (2, "erector_spinae_right")):
        volume = (labels == value).sum() * image.geometry.voxel_cm3
        assert volume == pytest.approx(truth[f"volume_cm3.{name}"], rel=0.02)
    i = np.nonzero(np.isin(labels, (1, 3)))[2]
    assert image.geometry.position_mm([i.mean(), 0, 0])[0] > 15
    inside = np.asarray(image.data)[labels > 0]
    fat = np.asarray(image.data)[:, 65, :].max()
    assert np.median(inside) < 0.35 * fat


def test_fusion_stage_takes_the_stations_as_they_are(person: Path, tmp_path: Path) -> None:
    request = {
        "stage": "fusion",
        "items": [{"id": "a", "inputs": {"dicom": str(person / "2000003_haste.zip")}}],
        "output": str(tmp_path / "out"),
    }
    (tmp_path / "request.json").write_text(json.dumps(request))
    stage_toml = Path(fusion.__file__).with_name("stage.toml")
    assert main(stage_toml, fusion.process, fusion.setup, argv=["run", str(tmp_path / "request.json")]) == 0
    record = json.loads((tmp_path / "out" / "a" / "record.json").read_text())
    assert record["status"] == "ok" and record["warnings"] == []
    assert list(record["outputs"]) == ["contrast.t2_haste_tra", "seams"]
    assert record["metrics"]["stations"]["value"] == 3
    fused = read_nrrd(tmp_path / "out" / "a" / "t2_haste_tra.nrrd")
    composed = Nifti().read_volume(person / "2000003_haste.nii.gz")
    assert fused.geometry.same_as(composed.geometry)
    assert np.abs(np.asarray(fused.data) - np.asarray(composed.data)).max() <= 0.51


def test_intermat_can_be_asked_for_and_other_names_cannot(tmp_path: Path) -> None:
    people = [
        subject_of(Parameters.model_validate({"seed": 3, "intermat_percent": f, "chronic_back_pain": True}))
        for f in (6.4, 7.3)
    ]
    assert [p.intermat_percent for p in people] == [6.4, 7.3]
    assert people[0].model_copy(update={"intermat_percent": 7.3}) == people[1] and people[0].chronic_back_pain
    for wrong in ({"intermat": 3}, {"noise": -1}, {"subject": {"height": 1.7}}):
        with pytest.raises(ItemFault) as caught:
            phantoms.make("nako_participant", wrong, tmp_path)
        assert "\n" not in str(caught.value)
    assert not any(tmp_path.iterdir())


def test_spoiled_zips_show_their_fault(person: Path, tmp_path: Path) -> None:
    good = read(person / "2000003_haste.zip")
    bad = {}
    for fault in haste_bad_inputs.IMAGE_FAULTS:
        haste_bad_inputs.make(fault, person / "2000003_haste.zip", tmp_path / f"{fault}.zip")
        bad[fault] = read(tmp_path / f"{fault}.zip")
    assert len(bad["single_slice"]) == 1
    assert {int(v) for d in bad["constant"] for v in np.unique(d.pixel_array)} == {200}
    assert {int(v) for d in bad["few_distinct"] for v in np.unique(d.pixel_array)} == {0, 300}
    assert {(d.BitsAllocated, d.pixel_array.dtype.itemsize) for d in bad["eight_bit"]} == {(8, 1)}
    middle = len(good) // 2
    assert np.array_equal(bad["negative"][middle].pixel_array, good[middle].pixel_array.astype(int) - 300)
    for turned, straight in zip(bad["wrong_orientation"], good, strict=True):
        row, column = np.reshape(np.array(turned.ImageOrientationPatient, float), (2, 3))
        assert np.cross(row, column) == pytest.approx([0, 1, 0])
        assert np.array_equal(turned.pixel_array, straight.pixel_array)
    places = sorted(float(d.ImagePositionPatient[1]) for d in bad["wrong_orientation"] if d.SeriesNumber == 12)
    assert np.diff(places) == pytest.approx(10.0, abs=1e-4)
    with pytest.raises(ItemFault):
        haste_bad_inputs.make("nothing", person / "2000003_haste.zip", tmp_path / "x.zip")


def test_spoiled_volumes_and_labels_show_their_fault(person: Path) -> None:
    image = Nifti().read_volume(person / "2000003_haste.nii.gz")
    volume = Volume(image.data, image.geometry, {"contrast": "t2_haste_tra"})
    spoiled = {fault: haste_bad_inputs.spoil_image(volume, fault) for fault in haste_bad_inputs.IMAGE_FAULTS}
    assert spoiled["single_slice"].geometry.size[2] == 1
    k = image.geometry.size[2] // 2
    assert spoiled["single_slice"].geometry.position_mm([1, 2, 0]) == pytest.approx(
        image.geometry.position_mm([1, 2, k])
    )
    assert spoiled["wrong_orientation"].geometry.directions[2] == (0.0, 1.0, 0.0)
    assert np.linalg.det(spoiled["wrong_orientation"].geometry.matrix()) > 0
    assert [np.unique(spoiled[f].data).size for f in ("constant", "few_distinct")] == [1, 2]
    assert spoiled["eight_bit"].data.dtype == np.uint8
    assert int(np.asarray(spoiled["negative"].data).min()) < 0
    labels = phantoms.truth_labels(person / "phantom.json", image.geometry)
    left = haste_bad_inputs.spoil_labels(labels, "left_empty")
    assert not np.isin(left, (1, 3)).any() and np.array_equal(left == 2, labels == 2)
    assert not haste_bad_inputs.spoil_labels(labels, "all_empty").any()
    assert set(np.unique(haste_bad_inputs.spoil_labels(labels, "multifidus_empty"))) == {0, 1, 2}
    for call in (lambda: haste_bad_inputs.spoil_image(volume, "x"), lambda: haste_bad_inputs.spoil_labels(labels, "x")):
        with pytest.raises(ItemFault):
            call()


def test_training_sets_share_no_seed_and_are_whole(tmp_path: Path) -> None:
    sizes = {"train": 1, "validation": 0, "test": 0, "held_out": 1}
    spine_training_set.write_training_set(tmp_path, sizes, "small")
    split = json.loads((tmp_path / "split.json").read_text())
    assert {name: len(members) for name, members in split["sets"].items()} == sizes
    assert len(set(split["subjects"].values())) == 2
    for identifier in (name for members in split["sets"].values() for name in members):
        image = read_nrrd(tmp_path / "images" / f"{identifier}.nrrd")
        mask, names = read_segmentation(tmp_path / "masks" / f"{identifier}.seg.nrrd")
        assert image.geometry.same_as(mask.geometry)
        assert list(names) == [1, 2, 3, 4] and names[4] == "multifidus_right"
        muscle, air = (np.asarray(image.data)[np.asarray(mask.data) == value] for value in (1, 0))
        assert np.median(muscle) > 4 * np.percentile(air, 20)
    ranges = [range(first, first + 10_000) for first in training_set.FIRST_SEED.values()]
    assert all(a.stop <= b.start for a, b in pairwise(ranges))


def test_other_voxels_see_the_same_field_of_view() -> None:
    """Faces of the grid stay where they are, to within half a voxel, and so does what is sampled in a voxel."""
    plain = composed_geometry(Parameters(preset="full"))
    coarse = composed_geometry(Parameters(preset="full", voxel_mm=(2.8, 10.0)))
    assert coarse.size == (160, 130, 58) and coarse.spacing_mm == (2.8, 2.8, 10.0)
    for end in (0, 1):
        places = [
            np.asarray(grid.position_mm(np.array(grid.size) * end - 0.5), dtype=float) for grid in (plain, coarse)
        ]
        assert places[0] == pytest.approx(places[1], abs=1e-9)
    assert with_voxels(FULL, 2.8, 10.0).sub_samples == (4, 4, 6)
