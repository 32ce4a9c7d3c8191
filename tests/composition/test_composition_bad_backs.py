"""What the measures of the back have to refuse, each with one line that says what, where and how to fix it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from containers.contract.errors import ItemFault
from containers.toolkit.images.labels import SPINE_LABELS
from containers.toolkit.images.volume import Volume
from phantoms.corrupt.back import IMAGE_FAULTS, spoil_image, spoil_labels
from tests.composition.back_boxes import GRID, Back, back_image, back_labels, streaks
from tests.composition.conftest import RunStage

Change = Callable[[Back], Back]
IMAGE = back_image(back_labels(), streaks(back_labels()))
MERGED = {1: "autochthon_left", 2: "erector_spinae_right", 3: "multifidus_left", 4: "multifidus_right"}


def spoiled(fault: str, *, with_labels: bool = False) -> Change:
    """An image with a fault of the HASTE phantom; with_labels: the labels lie on its grid."""

    def change(back: Back) -> Back:
        volume = spoil_image(Volume(np.rint(IMAGE).astype(np.int16), GRID), fault)
        changed = replace(back, image=volume.data, image_grid=volume.geometry)
        if with_labels:
            middle = GRID.size[2] // 2
            labels = back.labels[middle : middle + 1] if fault == "single_slice" else back.labels
            changed = replace(changed, grid=volume.geometry, labels=labels)
        return changed

    return change


def image(change: Callable[[Any], Any]) -> Change:
    return lambda back: replace(back, image=change(IMAGE.copy()))


def with_nan(data: Any) -> Any:
    data[3, 4, 5:8] = np.nan
    return data


def levels(value: Any) -> Change:
    return lambda back: replace(back, levels=value)


def facts(**values: Any) -> Change:
    return lambda back: replace(back, facts=values)


def level_list(*rows: tuple[str, float, float]) -> dict[str, Any]:
    found = [{"name": name, "bottom_mm": low, "top_mm": high} for name, low, high in rows]
    return {"schema_version": "1.0", "levels": found}


INSIDE = "haste.nrrd inside the labels"
BAD: dict[str, tuple[Change, str, str]] = {
    "single slice": (spoiled("single_slice", with_labels=True), "haste.nrrd", "has a single slice"),
    "coronal": (spoiled("wrong_orientation", with_labels=True), "haste.nrrd", "follow each other anterior-posterior"),
    "header against labels": (spoiled("wrong_orientation"), "haste.nrrd", "anterior-posterior, axial ones are needed"),
    "fewer slices than labels": (
        lambda b: replace(b, image=IMAGE[1:], image_grid=replace(GRID, size=(64, 48, 11))),
        "haste.nrrd",
        "not on the grid of labels.seg.nrrd: 64 x 48 x 11 voxels against 64 x 48 x 12",
    ),
    "other voxels": (
        lambda b: replace(b, image_grid=replace(GRID, spacing_mm=(2.0, 2.0, 4.5))), "haste.nrrd", "another size"
    ),
    "other place": (
        lambda b: replace(b, image_grid=replace(GRID, origin_mm=(-60.0, -47.0, 100.0))), "haste.nrrd", "another origin"
    ),
    "mirrored axes": (
        lambda b: replace(b, image_grid=replace(GRID, directions=((-1, 0, 0), (0, 1, 0), (0, 0, 1)))),
        "haste.nrrd",
        "other directions",
    ),
    "constant": (spoiled("constant"), INSIDE, "is constant (200)"),
    "few distinct": (spoiled("few_distinct"), INSIDE, "distinct"),
    "8 bit": (spoiled("eight_bit"), "haste.nrrd", "whole numbers from 0 to 255"),
    "8 bit as float": (image(lambda d: np.rint(d / d.max() * 255)), "haste.nrrd", "whole numbers from 0 to 255"),
    "negative": (spoiled("negative"), "haste.nrrd", "negative intensities"),
    "NaN": (image(with_nan), "haste.nrrd", "3 voxels that are NaN"),
    "no voxel labelled": (
        lambda b: replace(b, labels=spoil_labels(b.labels, "all_empty")), "labels.seg.nrrd", "no labelled voxel"
    ),
    "few voxels": (
        lambda b: replace(b, labels=np.where(np.cumsum(b.labels > 0).reshape(b.labels.shape) <= 40, b.labels, 0)),
        INSIDE,
        "40 voxels are too few",
    ),
    "left and right exchanged": (
        lambda b: replace(b, labels=np.ascontiguousarray(b.labels[:, :, ::-1])),
        "labels.seg.nrrd",
        "left muscles at x = -",
    ),
    "a whole and its part": (lambda b: replace(b, names=MERGED), "input labels", "which is a part of it"),
    "levels of no form": (levels("{}"), "levels.json", "is not a list of levels"),
    "levels of no JSON": (levels("T1: 3"), "levels.json", "is not a list of levels"),
    "level upside down": (levels(level_list(("L3", 115.0, 90.0))), "levels.json", "L3 with its bottom above its top"),
    "level twice": (
        levels(level_list(("L3", 90.0, 115.0), ("L3", 115.0, 120.0))), "levels.json", "names L3 twice"
    ),
    "level without end": (levels(level_list(("L3", float("-inf"), 115.0))), "levels.json", "is not a list of levels"),
    "weight in pounds and ounces": (facts(height_m=1.7, weight_kg="12 st"), "fact weight_kg", "not a weight"),
    "weight in grams": (facts(height_m=1.7, weight_kg=80000), "fact weight_kg", "not a weight in kilograms"),
    "BMI of another person": (
        facts(height_m=1.75, weight_kg=80.0, bmi_kg_per_m2=30.0), "fact bmi_kg_per_m2", "= 26.12"
    ),
    "BMI zero": (facts(bmi_kg_per_m2=0), "fact bmi_kg_per_m2", "not a BMI"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_back_is_named_and_stops_no_other(case: str, tmp_path: Path, run_stage: RunStage) -> None:
    change, where, what = BAD[case]
    good = Back(tmp_path / "good").item("good")
    bad = change(Back(tmp_path / "bad")).item("bad")
    records = run_stage([bad, good])
    assert records["good"]["status"] == "ok"
    error = records["bad"].get("error")
    assert error is not None, "the bad item passed"
    assert (error["kind"], error["where"]) == ("input", where)
    assert what in error["what"]
    assert error["fix"]
    assert "\n" not in error["what"] + error["fix"]
    assert sorted(path.name for path in (tmp_path / "out" / "bad").iterdir()) == ["record.json", "timing.json"]


def test_every_fault_of_the_phantom_is_in_the_table() -> None:
    shown = {"single slice", "coronal", "constant", "few distinct", "8 bit", "negative"}
    assert len(shown) == len(IMAGE_FAULTS)
    assert shown <= set(BAD)
    with pytest.raises(ItemFault):
        spoil_image(Volume(IMAGE, GRID), "unknown")


def test_two_structures_of_a_side_are_undefined_without_the_multifidus(tmp_path: Path, run_stage: RunStage) -> None:
    labels = spoil_labels(back_labels(), "multifidus_empty")
    record = run_stage([Back(tmp_path / "back", labels=labels).item()])["back"]
    metrics = record["metrics"]
    assert record["status"] == "ok"
    assert metrics["intermat_percent.erector_spinae"]["value"] is not None
    for name in ("multifidus", "autochthon_left", "autochthon_right"):
        assert metrics[f"intermat_percent.{name}"]["value"] is None
        assert "no voxel of multifidus" in metrics[f"intermat_percent.{name}"]["note"]


def test_an_accepted_8_bit_image_is_measured(tmp_path: Path, run_stage: RunStage) -> None:
    values = spoil_image(Volume(np.rint(IMAGE).astype(np.int16), GRID), "eight_bit").data
    back = Back(tmp_path / "back", image=values)
    record = run_stage([back.item()], eight_bit="accept")["back"]
    assert record["status"] == "ok"
    assert record["metrics"]["intermat_percent"]["value"] == pytest.approx(13.0, abs=0.5)


def test_signed_intensities_are_measured_where_they_are_said_to_be(tmp_path: Path, run_stage: RunStage) -> None:
    back = Back(tmp_path / "back", image=IMAGE - np.float32(300))
    record = run_stage([back.item()], intensities="signed")["back"]
    assert record["metrics"]["intermat_percent"]["value"] == pytest.approx(13.0, abs=0.3)


def test_levels_of_the_back_without_an_image_are_refused(tmp_path: Path, run_stage: RunStage) -> None:
    item = Back(tmp_path / "back", levels=level_list(("L3", 90.0, 115.0))).item()
    del item["inputs"]["image"]
    error = run_stage([item])["back"]["error"]
    assert "are given without an image" in error["what"]
    assert error["fix"] == "give the T2-weighted image too, or water and fat"


def test_sides_that_the_labels_do_not_part_have_no_mixture_of_their_own(tmp_path: Path, run_stage: RunStage) -> None:
    back = Back(tmp_path / "back", labels=(back_labels() > 0).astype(np.uint8), names={1: "autochthon"})
    record = run_stage([back.item()], mixture_scope="side")["back"]
    assert "does not part left from right" in record["error"]["what"]
    assert run_stage([back.item()])["back"]["metrics"]["lmm_cm3_per_bmi"]["value"] is not None


def test_the_names_of_the_table_are_those_of_the_contract() -> None:
    assert set(MERGED) == set(SPINE_LABELS)
