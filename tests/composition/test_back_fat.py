"""Fat fraction, grades and cross-sectional areas of a back whose water and fat are set by hand."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
import pytest

from containers.composition.areas import covered_mm
from containers.composition.goutallier import grade
from containers.composition.stage import check_parameters, process
from containers.contract.stage import main
from containers.toolkit.images.formats.nifti import Nifti
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, read_nrrd, write_nrrd
from containers.toolkit.tables.table import read_table
from tests.composition.back_boxes import GRID, ROWS, VALUE, WIDTHS, Back, back_labels
from tests.composition.conftest import STAGE_TOML, RunStage
from tests.fusion import dicom_series
from tests.optional import DATA

Array = npt.NDArray[np.float64]
PERCENT = {"erector_spinae_left": 8.0, "erector_spinae_right": 15.0, "multifidus_left": 25.0, "multifidus_right": 45.0}
GRADES = {"erector_spinae_left": 0, "erector_spinae_right": 1, "multifidus_left": 2, "multifidus_right": 4}
SIGNAL = 400.0
LEVELS = {
    "schema_version": "1.0",
    # Slices are 5 mm thick: their bounds lie at 102.5, 107.5 ... mm. L3 has slices 4 to 7, L2 ends in a slice's middle.
    "levels": [
        {"name": "L3", "top_mm": 137.5, "bottom_mm": 117.5},
        {"name": "L2", "top_mm": 150.0, "bottom_mm": 137.5},
        {"name": "L1", "top_mm": 170.0, "bottom_mm": 150.0},
        {"name": "T1", "top_mm": 400.0, "bottom_mm": 380.0},
    ],
}


def percents(labels: npt.NDArray[np.uint8]) -> Array:
    """Fat fraction of each voxel in percent: that of its muscle, half of it below z = 125 mm (slices 1 to 4)."""
    percent = np.zeros(labels.shape)
    for name, value in VALUE.items():
        percent[labels == value] = PERCENT[name]
    percent[:5] /= 2
    return percent


def dixon(
    folder: Path, back: Back, percent: Array | None = None, signal: Any = SIGNAL, grid: Geometry | None = None
) -> dict[str, Any]:
    """The item of a back with water and fat of these fractions, and air without noise."""
    item = back.item()
    share = (percents(back.labels) if percent is None else percent) / 100
    total = np.where(back.labels > 0, signal, 0.0)
    for name, data in (("water", total * (1 - share)), ("fat", total * share)):
        place = folder / f"{name}.nrrd"
        write_nrrd(place, Volume(data.astype(np.float32), (grid if name == "fat" else None) or back.grid))
        item["inputs"][name] = place
    return item


def without_image(item: dict[str, Any]) -> dict[str, Any]:
    del item["inputs"]["image"]
    return item


def values_of(record: dict[str, Any]) -> dict[str, Any]:
    assert record["status"] == "ok", record.get("error")
    return {name: metric["value"] for name, metric in record["metrics"].items()}


def test_fat_fraction_per_muscle_side_and_level(tmp_path: Path, run_stage: RunStage) -> None:
    """Ten slices: four with half the fat, six with all of it; L3 has one of the former and three of the latter."""
    item = without_image(dixon(tmp_path, Back(tmp_path / "back", levels=LEVELS)))
    found = values_of(run_stage([item])["back"])
    for name, percent in PERCENT.items():
        assert found[f"pdff_percent.{name}"] == pytest.approx(percent * 0.8, abs=1e-4)
        assert found[f"pdff_percent.{name}.level_L3"] == pytest.approx(percent * (0.5 + 3) / 4, abs=1e-4)
        assert found[f"pdff_percent.{name}.level_L2"] == pytest.approx(percent, abs=1e-4)
        # 12.5 mm are two and a half slices of 20 rows
        assert found[f"pdff_voxels.{name}.level_L2"] == pytest.approx(2.5 * 20 * WIDTHS[name])
        assert found[f"pdff_percent.{name}.level_T1"] is None
    union = sum(PERCENT[n] * WIDTHS[n] for n in ("multifidus_left", "multifidus_right")) / 9
    assert found["pdff_percent.multifidus"] == pytest.approx(0.8 * union, abs=1e-4)
    side = (PERCENT["erector_spinae_left"] * 10 + PERCENT["multifidus_left"] * 5) / 15
    assert found["pdff_percent.autochthon_left.level_L2"] == pytest.approx(side, abs=1e-4)
    whole = sum(PERCENT[n] * width for n, width in WIDTHS.items()) / 28
    assert found["pdff_percent"] == pytest.approx(0.8 * whole, abs=1e-4)
    assert found["pdff_percent.level_L2"] == pytest.approx(whole, abs=1e-4)
    assert "intermat_percent" not in found
    fraction = read_nrrd(tmp_path / "out" / "back" / "fat_fraction.nrrd")
    assert np.abs(fraction.data - percents(back_labels())).max() < 1e-4


def test_ratio_of_sums_mean_and_median_are_three_things(tmp_path: Path, run_stage: RunStage) -> None:
    """A quarter of the rows is four times as bright and has 40 % fat, the others have 0 %."""
    back = Back(tmp_path / "back", levels=LEVELS)
    percent, signal = np.zeros(GRID.shape), np.full(GRID.shape, 100.0)
    bright = slice(ROWS.start, ROWS.start + 5)
    percent[:, bright], signal[:, bright] = 40.0, 400.0
    item = without_image(dixon(tmp_path, back, percent, signal))
    expected = {"ratio_of_sums": 100 * 0.25 * 160 / (0.25 * 400 + 0.75 * 100), "mean": 10.0, "median": 0.0}
    for statistic, value in expected.items():
        found = values_of(run_stage([item], pdff_statistic=statistic)["back"])
        for region in ("", ".multifidus_left", ".erector_spinae_right.level_L3", ".level_L2"):
            assert found[f"pdff_percent{region}"] == pytest.approx(value, abs=1e-4)
    table = read_table(tmp_path / "out" / "back" / "measures.parquet")
    row = table["name"].index("multifidus_left.level_L2")
    for statistic, suffix in (("ratio_of_sums", ""), ("mean", "_mean"), ("median", "_median")):
        assert table[f"pdff_percent{suffix}"][row] == pytest.approx(expected[statistic], abs=1e-4)


def test_nothing_is_eroded_unless_it_is_asked_for(tmp_path: Path, run_stage: RunStage) -> None:
    """The first and the last row of the muscles are all fat; eroded they are gone."""
    percent = np.zeros(GRID.shape)
    percent[:, [ROWS.start, ROWS.stop - 1]] = 100.0
    item = without_image(dixon(tmp_path, Back(tmp_path / "back"), percent))
    assert values_of(run_stage([item])["back"])["pdff_percent"] == pytest.approx(10.0, abs=1e-4)
    assert values_of(run_stage([item], erosion_voxels=3)["back"])["pdff_percent"] == pytest.approx(10.0, abs=1e-4)
    assert values_of(run_stage([item], back_erosion_voxels=1)["back"])["pdff_percent"] == 0.0


def test_grades_by_the_cut_points(tmp_path: Path, run_stage: RunStage) -> None:
    back = Back(tmp_path / "back")
    percent = percents(back.labels)
    percent[:5] *= 2
    item = without_image(dixon(tmp_path, back, percent))
    found = values_of(run_stage([item])["back"])
    assert {name: found[f"goutallier_like_grade.{name}"] for name in GRADES} == GRADES
    table = read_table(tmp_path / "out" / "back" / "measures.parquet")
    assert dict(zip(table["name"], table["goutallier_like_grade"], strict=True))["multifidus_right"] == 4
    words = values_of(run_stage([item], goutallier_cut_percent=[5, 10, 45.5, 55])["back"])
    assert [words[f"goutallier_like_grade.{name}"] for name in GRADES] == [1, 2, 2, 2]
    assert [grade(percent, (10, 20, 30, 40)) for percent in (None, 0, 9.99, 10, 29.9, 40, 100)] == [
        None, 0, 0, 1, 2, 4, 4
    ]  # fmt: skip


@pytest.mark.parametrize("cuts", [[10, 20, 30], [10, 20, 30, 30], [0, 20, 30, 40], [10, 20, 30, 100], ["a", 1, 2, 3]])
def test_cut_points_that_do_not_rise_are_a_wrong_request(
    cuts: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    item = {"id": "a", "inputs": {"labels": "l.seg.nrrd"}}
    request = {"stage": "composition", "items": [item], "output": str(tmp_path / "out")}
    (tmp_path / "r.json").write_text(json.dumps({**request, "parameters": {"goutallier_cut_percent": cuts}}))
    assert main(STAGE_TOML, process, check_parameters, argv=["run", str(tmp_path / "r.json")]) == 2
    assert "goutallier_cut_percent: " in capsys.readouterr().err


def test_areas_of_boxes(tmp_path: Path, run_stage: RunStage) -> None:
    """A box of n columns and 20 rows of 2 x 2 mm is 0.8 n cm2 in every slice from 102.5 to 152.5 mm."""
    item = without_image(dixon(tmp_path, Back(tmp_path / "back", levels=LEVELS)))
    record = run_stage([item])["back"]
    found = values_of(record)
    for name, width in WIDTHS.items():
        fat = PERCENT[name] / 100
        for level, mean_fat in (("L3", fat * 3.5 / 4), ("L2", fat)):
            region = f"{name}.level_{level}"
            for where in ("mean", "middle"):
                assert found[f"csa_{where}_cm2.{region}"] == pytest.approx(0.8 * width)
            assert found[f"fcsa_mean_cm2.{region}"] == pytest.approx(0.8 * width * (1 - mean_fat), rel=1e-6)
            assert found[f"fcsa_over_csa_mean.{region}"] == pytest.approx(1 - mean_fat, rel=1e-6)
        # The middle of L3, 127.5 mm, lies between two slices: both have all the fat. That of L2 lies in one.
        assert found[f"fcsa_over_csa_middle.{name}.level_L3"] == pytest.approx(1 - fat, rel=1e-6)
        # Of L1 the labels fill 2.5 of the 7.5 mm within the grid; its middle, 160 mm, lies above the grid.
        assert found[f"csa_mean_cm2.{name}.level_L1"] == pytest.approx(0.8 * width / 3)
        assert found[f"csa_middle_cm2.{name}.level_L1"] is None
        assert found[f"csa_mean_cm2.{name}.level_T1"] is None
    assert found["csa_mean_cm2.level_L2"] == pytest.approx(0.8 * 28)
    assert found["fcsa_mean_cm2.level_L2"] == pytest.approx(
        sum(0.8 * width * (1 - PERCENT[name] / 100) for name, width in WIDTHS.items()), rel=1e-6
    )
    said = "levels that the labels' grid cuts off, areas being of the part that is there: L1 (38 %)"
    assert said in record["warnings"]
    assert record["metrics"]["csa_mean_cm2.level_T1"]["note"] == "level T1 lies outside of the labels' grid"
    table = read_table(tmp_path / "out" / "back" / "measures.parquet")
    row = table["name"].index("multifidus_left.level_L2")
    assert table["csa_middle_cm2"][row] == pytest.approx(0.8 * 5)
    assert table["fcsa_over_csa_middle"][row] == pytest.approx(0.75, rel=1e-6)


def test_the_middle_between_two_slices_takes_both_in_part(tmp_path: Path, run_stage: RunStage) -> None:
    """Slices 1 to 6 lose half of the rows of a multifidus; the middle lies 1 mm above their end at 132.5 mm."""
    labels = back_labels()
    lower = labels[:7, ROWS.start : ROWS.start + 10]
    lower[lower == VALUE["multifidus_left"]] = 0
    levels = {"schema_version": "1.0", "levels": [{"name": "L3", "top_mm": 138.5, "bottom_mm": 128.5}]}
    item = without_image(dixon(tmp_path, Back(tmp_path / "back", labels=labels, levels=levels)))
    found = values_of(run_stage([item])["back"])
    # Around 133.5 mm: 1.5 of 5 mm below the change. The level: 4 of 10 mm.
    assert found["csa_middle_cm2.multifidus_left.level_L3"] == pytest.approx(4 * (1 - 0.5 * 1.5 / 5))
    assert found["csa_mean_cm2.multifidus_left.level_L3"] == pytest.approx(4 * (1 - 0.5 * 4 / 10))


def test_with_an_image_too_each_measure_has_its_own(tmp_path: Path, run_stage: RunStage) -> None:
    both = Back(tmp_path / "back", levels=LEVELS)
    only_image = {**both.item(), "id": "image"}
    records = run_stage([dixon(tmp_path, both), only_image])
    found, image = values_of(records["back"]), values_of(records["image"])
    assert found["intermat_percent"] == image["intermat_percent"]
    assert {name for name in image if name not in found} == set()
    assert records["back"]["details"]["functional_area"] == {"fat_from": "fat fraction of water and fat"}
    assert records["image"]["details"]["functional_area"]["fat_from"].startswith("InterMAT of the image")
    assert found["fcsa_over_csa_mean.level_L2"] == pytest.approx(1 - found["pdff_percent.level_L2"] / 100, rel=1e-6)
    assert image["fcsa_over_csa_mean.level_L2"] == pytest.approx(1 - image["intermat_percent.level_L2"] / 100)
    lean = image["lean_volume_cm3.level_L2"] / 1.25
    assert image["fcsa_mean_cm2.level_L2"] == pytest.approx(lean)
    assert "pdff_percent" not in image


ROUNDED = replace(GRID, spacing_mm=(2.0 * (1 + 2e-5), 2.0 * (1 + 2e-5), 5.0))
LOST = replace(ROUNDED, origin_mm=(0.0, 0.0, 0.0))
SMALLER = replace(GRID, spacing_mm=(1.95, 2.0, 5.0), origin_mm=(0.0, 0.0, 0.0))


def test_headers_that_were_rounded_pass_with_a_warning(tmp_path: Path, run_stage: RunStage) -> None:
    item = without_image(dixon(tmp_path, Back(tmp_path / "back"), grid=ROUNDED))
    record = run_stage([item])["back"]
    assert values_of(record)["pdff_percent.multifidus_left"] == pytest.approx(20.0, abs=1e-4)
    said = [line for line in record["warnings"] if "fat.nrrd" in line and "taken as the same voxels" in line]
    assert said == ["the headers of fat.nrrd and water.nrrd differ by up to 0.0025 mm: taken as the same voxels"]


def test_a_lost_origin_passes_only_where_it_is_asked_for(tmp_path: Path, run_stage: RunStage) -> None:
    item = without_image(dixon(tmp_path, Back(tmp_path / "back"), grid=LOST))
    error = run_stage([item])["back"]["error"]
    assert error["where"] == "water.nrrd and fat.nrrd"
    assert error["what"].startswith("are not on the same grid: its voxels lie elsewhere (up to 100 mm apart")
    assert "parameter grids to 'by_index'" in error["fix"]
    record = run_stage([item], grids="by_index")["back"]
    assert values_of(record)["pdff_percent.multifidus_left"] == pytest.approx(20.0, abs=1e-4)
    [said] = [line for line in record["warnings"] if "paired by index" in line]
    assert "fat.nrrd and water.nrrd put the same voxels up to 100.0 mm apart" in said
    other = without_image(dixon(tmp_path, Back(tmp_path / "other"), grid=SMALLER))
    error = run_stage([other], grids="by_index")["back"]["error"]
    assert "another size" in error["what"]
    assert "by_index" not in error["fix"]


def test_labels_whose_origin_was_lost(tmp_path: Path, run_stage: RunStage) -> None:
    """Left must stay left in the labels' own header, which is shifted as a whole."""
    grid = replace(GRID, origin_mm=(900.0, 900.0, 900.0))
    item = without_image(dixon(tmp_path, Back(tmp_path / "back")))
    write_segmentation(item["inputs"]["labels"], back_labels(), grid, {v: n for n, v in VALUE.items()})
    error = run_stage([item])["back"]["error"]
    assert "has no labelled voxel inside water.nrrd and fat.nrrd" in error["what"]
    assert "by_index" in error["fix"]
    record = run_stage([item], grids="by_index")["back"]
    assert values_of(record)["pdff_percent.multifidus_left"] == pytest.approx(20.0, abs=1e-4)
    assert any("labels.seg.nrrd and water.nrrd" in line for line in record["warnings"])


def test_an_image_whose_origin_was_lost(tmp_path: Path, run_stage: RunStage) -> None:
    item = Back(tmp_path / "back", image_grid=LOST).item()
    assert "by_index" in run_stage([item])["back"]["error"]["fix"]
    found = values_of(run_stage([item], grids="by_index")["back"])
    plain = values_of(run_stage([Back(tmp_path / "plain").item()])["back"])
    assert found["intermat_percent"] == plain["intermat_percent"]


def test_an_empty_side_has_no_fat_fraction_and_no_area(tmp_path: Path, run_stage: RunStage) -> None:
    labels = back_labels()
    labels[labels == VALUE["multifidus_left"]] = 0
    record = run_stage([without_image(dixon(tmp_path, Back(tmp_path / "back", labels=labels, levels=LEVELS)))])["back"]
    metrics = record["metrics"]
    for name in ("pdff_percent.autochthon_left", "goutallier_like_grade.multifidus", "csa_mean_cm2.level_L3"):
        assert metrics[name]["value"] is None
        assert metrics[name]["note"] == "no voxel of multifidus_left"
    assert metrics["pdff_percent.autochthon_right"]["value"] is not None


def test_what_a_tilted_grid_covers_is_what_all_its_corners_cover() -> None:
    assert covered_mm(GRID) == pytest.approx((97.5, 157.5))
    tilt = np.deg2rad(10)
    axes = ((1.0, 0.0, 0.0), (0.0, np.cos(tilt), np.sin(tilt)), (0.0, -np.sin(tilt), np.cos(tilt)))
    low, high = covered_mm(replace(GRID, directions=axes))
    rise = 47 * 2.0 * np.sin(tilt)
    assert (low, high) == pytest.approx((100 + rise - 2.5 * np.cos(tilt), 100 + 57.5 * np.cos(tilt)))


def back_field(contrast: str) -> Any:
    """Water or fat of `percents` as a function of place, in whole numbers: LPS in mm on the grid of `back_labels`."""
    share = percents(back_labels()) / 100
    image = np.where(back_labels() > 0, 1000.0, 0.0) * (share if contrast == "F" else 1 - share)

    def field(x: Any, y: Any, z: Any) -> Any:
        index = np.rint(GRID.index(np.stack([x, y, np.broadcast_to(z, np.shape(x))], axis=-1))).astype(int)
        return image[index[..., 2], index[..., 1], index[..., 0]]

    return field


def test_water_and_fat_of_several_stations_come_by_the_fusion(tmp_path: Path, run_stage: RunStage) -> None:
    """Two stations of 7 and 8 slices that overlap by three, as DICOM: fused, the back is that of one image."""
    series = [
        dicom_series.Series(
            field=back_field(suffix),
            size=(64, 48, slices),
            spacing=GRID.spacing_mm,
            origin=(GRID.origin_mm[0], GRID.origin_mm[1], bottom),
            number=10 * station + place,
            description=f"Dixon_BH_17s_{suffix}",
            image_type=("DERIVED", "PRIMARY", "DIXON", dicom_series.TYPES[suffix]),
            time=f"1015{station:02d}.000000",
        )
        for station, (bottom, slices) in enumerate(((100.0, 7), (120.0, 8)), start=1)
        for place, suffix in enumerate(("W", "F"))
    ]
    archive = dicom_series.write_zip(tmp_path / "back.zip", dicom_series.all_files(series))
    record = dicom_series.run_stage(tmp_path / "fused", {"back": archive}, contrasts=["water", "fat"])["back"]
    assert record["status"] == "ok", record.get("error")
    assert record["metrics"]["stations"]["value"] == 2
    item = without_image(Back(tmp_path / "back", levels=LEVELS).item())
    for name in ("water", "fat"):
        item["inputs"][name] = tmp_path / "fused" / "back" / record["outputs"][name]["path"]
    found = values_of(run_stage([item])["back"])
    for name, percent in PERCENT.items():
        assert found[f"pdff_percent.{name}"] == pytest.approx(percent * 0.8, abs=0.01)
        assert found[f"pdff_percent.{name}.level_L3"] == pytest.approx(percent * (0.5 + 3) / 4, abs=0.01)


@pytest.mark.needs("data/lumbar_water_fat/person1_water.nii.gz")
def test_a_real_back_equals_the_sums_taken_apart_from_the_stage(tmp_path: Path, run_stage: RunStage) -> None:
    """Water and fat of MyoSegmenTUM with manual labels; values by numpy on the NIfTI files (README of the data)."""
    names = {
        1: "erector_spinae_right",
        2: "multifidus_right",
        3: "multifidus_left",
        4: "erector_spinae_left",
    }
    inputs = {}
    for name in ("water", "fat", "labels"):
        volume = Nifti().read_volume(DATA / "lumbar_water_fat" / f"person1_{name}.nii.gz")
        inputs[name] = tmp_path / (f"{name}.seg.nrrd" if name == "labels" else f"{name}.nrrd")
        if name == "labels":
            write_segmentation(inputs[name], np.asarray(volume.data, np.uint8), volume.geometry, names)
        else:
            write_nrrd(inputs[name], volume)
    water, fat = (nibabel.load(DATA / "lumbar_water_fat" / f"person1_{name}.nii.gz") for name in ("water", "fat"))
    assert not water.affine[:3, 3].any()
    assert fat.affine[2, 3] > 190
    item = {"id": "person1", "inputs": inputs}
    assert "by_index" in run_stage([item])["person1"]["error"]["fix"]
    record = run_stage([item], grids="by_index")["person1"]
    found = values_of(record)
    expected = [14.57, 16.01, 13.82, 13.58]
    assert [found[f"pdff_percent.{name}"] for name in names.values()] == pytest.approx(expected, abs=0.05)
    assert found["pdff_percent"] == pytest.approx(14.25, abs=0.05)
    assert any("paired by index, as parameter grids says" in line for line in record["warnings"])
    assert any("not corrected for noise" in line for line in record["warnings"])
    median = values_of(run_stage([item], grids="by_index", pdff_statistic="median")["person1"])
    assert median["pdff_percent"] == pytest.approx(8.6, abs=0.05)
