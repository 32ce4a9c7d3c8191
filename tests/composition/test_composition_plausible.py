"""Label maps that cannot be true are refused; numbers that may mislead say so themselves."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from containers.composition.qualify import concerned_by
from containers.toolkit.images.doubts import Doubt, doubts_fact
from containers.toolkit.images.labels import BONES, MUSCLES, SPINE_LABELS, THIGH_LABELS, label_of
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd
from tests.composition.back_boxes import GRID as BACK_GRID
from tests.composition.back_boxes import Back, back_image, back_labels, streaks
from tests.composition.boxes import GRID, box_labels, cut_boxes, even_widths
from tests.composition.conftest import RunStage

PADDED = Geometry((84, 28, 49), GRID.spacing_mm, (-166.0, -70.0, -912.0))
"""GRID with two more voxels on every side, so that no box is cut off."""


def padded(left: dict[int, int], right: dict[int, int]) -> Any:
    return np.pad(box_labels(left, right), 2)


def thigh(
    tmp_path: Path,
    run: RunStage,
    labels: Any,
    grid: Geometry = PADDED,
    names: dict[int, str] | None = None,
    **facts: Any,
) -> dict[str, Any]:
    path = tmp_path / "map.seg.nrrd"
    write_segmentation(path, labels, grid, THIGH_LABELS if names is None else names)
    return run([{"id": "a", "inputs": {"labels": path}, "facts": facts}])["a"]


def without_bones(labels: Any) -> Any:
    return np.where(np.isin(labels, [label_of(name) for name in BONES]), 0, labels).astype(np.uint8)


def test_muscles_without_bones_are_parted_between_their_own_two_sides(tmp_path: Path, run_stage: RunStage) -> None:
    """Off centre by 40 mm; 12 against 10 voxels wide: 25 muscles of 57.6 and 48 cm3."""
    labels = without_bones(padded(even_widths(12), even_widths(10)))
    moved = replace(PADDED, origin_mm=(-126.0, -70.0, -912.0))
    metrics = thigh(tmp_path, run_stage, labels, moved, {0: "background", **THIGH_LABELS})["metrics"]
    assert metrics["volume_left_cm3.total"]["value"] == pytest.approx(1440)
    assert metrics["volume_right_cm3.total"]["value"] == pytest.approx(1200)
    assert metrics["asymmetry_percent.total"]["value"] == pytest.approx(100 / 6)


@pytest.mark.parametrize("bones", [True, False])
@pytest.mark.parametrize(("side", "other"), [("left", "right"), ("right", "left")])
def test_one_leg_is_of_one_side_and_has_no_total(
    side: str, other: str, bones: bool, tmp_path: Path, run_stage: RunStage
) -> None:
    """One thick leg, which two-means would part in two."""
    widths = even_widths(28 if not bones else 12)
    labels = padded(widths, {}) if side == "left" else padded({}, widths)
    labels = labels if bones else without_bones(labels)
    record = thigh(tmp_path, run_stage, labels, height_m=1.7)
    metrics = record["metrics"]
    assert metrics[f"volume_{side}_cm3.total"]["value"] == pytest.approx(25 * widths[1] * 4.8)
    assert metrics[f"volume_{side}_cm3.total"]["qualified_by"] == ["the side is taken from the position in the scanner"]
    for name in (f"volume_{other}_cm3.total", "asymmetry_percent.total", "tmv_cm3", "tvi_cm3_per_m2"):
        assert metrics[name]["value"] is None, name
    assert metrics["tmv_cm3"]["note"] == f"one leg only ({side})"
    assert any(f"taken for the {side} side" in line for line in record["warnings"])


def test_a_leg_over_the_scanners_middle_has_no_side(tmp_path: Path, run_stage: RunStage) -> None:
    moved = replace(PADDED, origin_mm=(-266.0, -70.0, -912.0))
    metrics = thigh(tmp_path, run_stage, without_bones(padded(even_widths(28), {})), moved)["metrics"]
    for name in ("volume_left_cm3.total", "volume_right_cm3.total", "asymmetry_percent.total"):
        assert metrics[name]["value"] is None
        assert metrics[name]["note"] == "left and right are not distinguished"
    assert metrics["tmv_cm3"]["qualified_by"] == ["left and right are not distinguished"]


def test_a_cut_muscle_qualifies_every_total_that_holds_it(tmp_path: Path, run_stage: RunStage) -> None:
    widths = even_widths(10)
    whole = thigh(tmp_path, run_stage, padded(widths, widths))["metrics"]
    assert not [name for name, metric in whole.items() if "qualified_by" in metric]
    cut = thigh(tmp_path, run_stage, box_labels(widths, widths), GRID, height_m=1.7)["metrics"]
    assert {name: metric["value"] for name, metric in cut.items() if "tvi" not in name} == pytest.approx(
        {name: metric["value"] for name, metric in whole.items() if "tvi" not in name}
    )
    at_edge = [name for name in cut_boxes() if name in MUSCLES]
    for name in MUSCLES:
        assert ("qualified_by" in cut[f"volume_cm3.{name}"]) == (name in at_edge), name
    for name in ("tmv_cm3", "tvi_cm3_per_m2", "volume_left_cm3.total", "asymmetry_percent.total"):
        (line,) = cut[name]["qualified_by"]
        assert line.startswith(f"ends at the edge of the field of view: {at_edge[0]}, {at_edge[1]}")
        assert line.endswith(f"and {len(at_edge) - 8} more")
    # Of hamstrings and quadriceps: vastus intermedius (5) and semitendinosus (20) are whole.
    (line,) = cut["pa_ratio_hamstrings_quadriceps"]["qualified_by"]
    assert "rectus_femoris" in line and "biceps_femoris" in line
    assert "semitendinosus" not in line and "gluteus" not in line


def test_one_exchanged_muscle_is_refused(tmp_path: Path, run_stage: RunStage) -> None:
    names = {1: "erector_spinae_left", 2: "erector_spinae_right", 3: "multifidus_right", 4: "multifidus_left"}
    error = run_stage([Back(tmp_path / "b", names=names).item("b")])["b"]["error"]
    assert error["what"] == "has multifidus_left at x = -8 mm and multifidus_right at 9 mm, where left is +x"


@pytest.mark.parametrize(
    ("scale", "said"), [(1000.0, "mm between voxels"), (0.1, "a body needs"), (0.001, "mm between voxels")]
)
def test_another_unit_is_refused(scale: float, said: str, tmp_path: Path, run_stage: RunStage) -> None:
    i, j, k = (edge * scale for edge in PADDED.spacing_mm)
    x, y, z = (at * scale for at in PADDED.origin_mm)
    grid = Geometry(PADDED.size, (i, j, k), (x, y, z))
    error = thigh(tmp_path, run_stage, padded(even_widths(), even_widths()), grid)["error"]
    assert said in error["what"]
    assert error["fix"] == "correct the spacing in its header (mm)"


@pytest.mark.parametrize(("signs", "said"), [((-1, -1, 1), "behind"), ((1, -1, 1), "behind"), ((1, 1, -1), "below")])
def test_anatomy_against_its_header_is_refused(
    signs: tuple[int, int, int], said: str, tmp_path: Path, run_stage: RunStage
) -> None:
    steps = np.diag(PADDED.spacing_mm) * np.array(signs)
    grid = Geometry.of_steps(PADDED.size, steps, np.array(PADDED.origin_mm) * np.array(signs))
    error = thigh(tmp_path, run_stage, padded(even_widths(), even_widths()), grid)["error"]
    assert said in error["what"]
    assert error["fix"] == "correct the space or the directions in its header: the labels contradict them"


def leg_images(swapped: slice | None = None, muscle_fat: float = 0.1) -> dict[str, Any]:
    """Labels of two round thighs with a rim of fat, and their water and fat; exchanged in the slices `swapped`."""
    grid = Geometry((80, 40, 12), (4.0, 4.0, 10.0), (-158.0, -78.0, -60.0))
    k, j, i = np.indices(grid.shape)
    x, y, _ = np.moveaxis(grid.position_mm(np.stack([i, j, k], -1)), -1, 0)
    from_axis = np.hypot(np.abs(x) - 80, y)
    part = np.where(from_axis < 44, muscle_fat, 0.92)
    signal = np.where(from_axis < 64, 400.0, 0.0)
    noise = np.abs(np.random.default_rng(4).normal(0, 4, (2, *grid.shape)))
    water, fat = signal * (1 - part) + noise[0], signal * part + noise[1]
    if swapped is not None:
        water[swapped], fat[swapped] = fat[swapped].copy(), water[swapped].copy()
    labels = np.where(from_axis < 40, 1, 0).astype(np.uint8)
    return {"grid": grid, "labels": labels, "water": water.astype(np.float32), "fat": fat.astype(np.float32)}


def measure_legs(tmp_path: Path, run: RunStage, legs: dict[str, Any], **facts: str) -> dict[str, Any]:
    inputs = {}
    for name in ("water", "fat"):
        inputs[name] = tmp_path / f"{name}.nrrd"
        write_nrrd(inputs[name], Volume(legs[name], legs["grid"], facts))
    inputs["labels"] = tmp_path / "legs.seg.nrrd"
    write_segmentation(inputs["labels"], legs["labels"], legs["grid"], {1: "vastus_lateralis"})
    return run([{"id": "a", "inputs": inputs}], noise_correction="none")["a"]


def test_exchanged_water_and_fat_are_said_in_the_number(tmp_path: Path, run_stage: RunStage) -> None:
    metric = measure_legs(tmp_path, run_stage, leg_images(slice(None)))["metrics"]["pdff_percent.vastus_lateralis"]
    assert metric["value"] == pytest.approx(90, abs=1)
    (line,) = metric["qualified_by"]
    assert line.startswith("water and fat look exchanged in 12 of 12 slices looked at (z -60 to 50 mm)")
    assert "muscle is 89 % fat, the tissue under the skin 9 %" in line


def test_images_that_are_exchanged_in_one_station_are_said_too(tmp_path: Path, run_stage: RunStage) -> None:
    record = measure_legs(tmp_path, run_stage, leg_images(slice(8, 12)))
    (line,) = record["metrics"]["pdff_percent.vastus_lateralis"]["qualified_by"]
    assert "in 4 of 12 slices looked at (z 20 to 50 mm)" in line
    assert line in record["warnings"]


def test_where_nothing_lies_under_the_skin_a_fat_muscle_is_said_to_be_unsure(
    tmp_path: Path, run_stage: RunStage
) -> None:
    legs = leg_images(None, 0.7)
    for name in ("water", "fat"):
        legs[name] = np.where(legs["labels"] > 0, legs[name], 0).astype(np.float32)
    (line,) = measure_legs(tmp_path, run_stage, legs)["metrics"]["pdff_percent.vastus_lateralis"]["qualified_by"]
    assert "water and fat may be exchanged in 12 of 12 slices" in line
    assert line.endswith("muscle is 70 % fat, and no tissue under the skin is seen that could tell")


@pytest.mark.parametrize("muscle_fat", [0.02, 0.4, 0.7])
def test_a_wasted_muscle_under_fat_is_not_taken_for_an_exchange(
    muscle_fat: float, tmp_path: Path, run_stage: RunStage
) -> None:
    metrics = measure_legs(tmp_path, run_stage, leg_images(None, muscle_fat))["metrics"]
    assert metrics["pdff_percent.vastus_lateralis"]["value"] == pytest.approx(100 * muscle_fat, abs=1)
    assert "qualified_by" not in metrics["pdff_percent.vastus_lateralis"]


def test_labels_in_the_air_are_said(tmp_path: Path, run_stage: RunStage) -> None:
    legs = leg_images()
    legs["labels"] = np.roll(legs["labels"], 14, axis=1)
    metrics = measure_legs(tmp_path, run_stage, legs)["metrics"]
    assert any(
        "lie where the image has no signal" in line for line in metrics["volume_cm3.vastus_lateralis"]["qualified_by"]
    )


def test_doubts_of_images_and_labels_reach_the_numbers_that_they_concern(tmp_path: Path, run_stage: RunStage) -> None:
    seam = Doubt("seam: gain outside 0.8 to 1.25 (1/2 water 1.40)", of="signal")
    metrics = measure_legs(tmp_path, run_stage, leg_images(), **doubts_fact([seam]))["metrics"]
    assert metrics["pdff_percent.vastus_lateralis"]["qualified_by"] == [seam.text]
    assert seam.text not in metrics["volume_cm3.vastus_lateralis"].get("qualified_by", [])
    labels = back_labels()
    item = Back(tmp_path / "back", labels=labels).item("back")
    finding = Doubt("segmentation: 5.0 % lies outside its largest part", ("multifidus_left",))
    write_segmentation(item["inputs"]["labels"], labels, BACK_GRID, SPINE_LABELS, more=doubts_fact([finding]))
    write_nrrd(item["inputs"]["image"], Volume(back_image(labels, streaks(labels)), BACK_GRID, doubts_fact([seam])))
    record = run_stage([item])["back"]
    said = f"{finding.text}: multifidus_left"
    both = ("lmm_cm3_per_bmi", "lean_volume_cm3", "intermat_percent")
    for name in ("volume_cm3.multifidus", "volume_cm3.autochthon_left", "volume_cm3", *both):
        assert said in record["metrics"][name]["qualified_by"], name
    for name in ("volume_cm3.multifidus_right", "volume_cm3.autochthon_right", "volume_cm3.erector_spinae"):
        assert "qualified_by" not in record["metrics"][name], name
    assert [name for name in both if seam.text not in record["metrics"][name]["qualified_by"]] == []
    assert f"from the labels: {said}" in record["warnings"]


@pytest.mark.parametrize(
    ("structure", "metric", "concerned"),
    [
        ("gracilis", "volume_cm3.gracilis", True),
        ("gracilis", "volume_cm3.sartorius", False),
        ("gracilis", "tmv_cm3", True),
        ("femur", "tmv_cm3", False),
        ("gracilis", "pa_ratio_hamstrings_quadriceps", False),
        ("sartorius", "pa_ratio_compartments", True),
        ("vastus_medialis_left", "asymmetry_percent.quadriceps", True),
        ("vastus_medialis", "volume_left_cm3.hamstrings", False),
        ("multifidus", "volume_cm3.autochthon_right", True),
        ("multifidus_left", "volume_cm3.level_L3", True),
        ("biceps_femoris_long_head", "volume_cm3.biceps_femoris", True),
        ("gracilis", "muscles_present", False),
    ],
)
def test_what_a_doubt_of_a_structure_concerns(structure: str, metric: str, concerned: bool) -> None:
    assert (concerned_by(Doubt("x", (structure,)), metric) is not None) == concerned
