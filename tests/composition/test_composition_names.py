"""Labels under the names of other tools: the same numbers under every name, and nothing measured under a wrong one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from containers.toolkit.images.labels import MUSCLES, THIGH_LABELS
from containers.toolkit.images.segmentation import write_segmentation
from tests.composition.back_boxes import GRID as BACK_GRID
from tests.composition.back_boxes import Back, back_image, back_labels, streaks
from tests.composition.boxes import GRID, box_labels, even_widths
from tests.composition.conftest import RunStage

WIDTHS = even_widths(10), even_widths(8)
AUTOCHTHONOUS = {31: "left_autochthonous_muscle", 32: "right_autochthonous_muscle"}


def whole_map(names: dict[int, str]) -> Any:
    """The two muscles of each side as one, and a liver elsewhere in the body, under whole-body numbers."""
    plain = back_labels()
    labels = np.zeros_like(plain)
    left, right = names
    labels[np.isin(plain, [1, 3])], labels[np.isin(plain, [2, 4])] = left, right
    labels[2:8, 2:8, 5:20] = 5
    return labels


def test_two_names_of_the_autochthonous_muscles_give_one_number(tmp_path: Path, run_stage: RunStage) -> None:
    plain = back_labels()
    image = back_image(plain, streaks(plain))
    items = [Back(tmp_path / "ours", labels=plain, image=image).item("ours")]
    for tool, names in {"mr": AUTOCHTHONOUS, "total": {86: "autochthon_left", 87: "autochthon_right"}}.items():
        back = Back(tmp_path / tool, labels=whole_map(names), names={**names, 5: "liver"}, image=image)
        items.append(back.item(tool))
    records = run_stage(items)
    for tool in ("mr", "total"):
        metrics = records[tool]["metrics"]
        assert metrics["intermat_percent"]["value"] == pytest.approx(
            records["ours"]["metrics"]["intermat_percent"]["value"], rel=1e-12
        )
        assert metrics["volume_cm3"] == records["ours"]["metrics"]["volume_cm3"]
        assert records[tool]["details"]["not_measured"] == {"liver": 6 * 6 * 15}
        said = "measured as a back by autochthon_left, autochthon_right; known and not measured: 1 labels, liver"
        assert any(said in line for line in records[tool]["warnings"])


def sided(labels: Any) -> tuple[Any, dict[int, str]]:
    """Each structure's left half under twice its number, its right half under one less."""
    middle = GRID.size[0] // 2
    left = np.arange(GRID.size[0])[None, None, :] >= middle
    double = np.where(labels > 0, 2 * labels - 1 + left, 0).astype(np.uint8)
    names = {}
    for label, name in THIGH_LABELS.items():
        names[2 * label - 1], names[2 * label] = f"right {name.replace('_', '-')}", f"{name} (L)"
    return double, names


def test_a_thigh_with_sides_in_its_names_is_measured_like_one_with_a_midline(
    tmp_path: Path, run_stage: RunStage
) -> None:
    labels = box_labels(*WIDTHS)
    write_segmentation(tmp_path / "a.seg.nrrd", labels, GRID, THIGH_LABELS)
    write_segmentation(tmp_path / "b.seg.nrrd", *((s := sided(labels))[0], GRID, s[1]))
    records = run_stage(
        [{"id": n, "inputs": {"labels": tmp_path / f"{n}.seg.nrrd"}, "facts": {"height_m": 1.6}} for n in "ab"],
        region="thigh",
    )
    a, b = (records[n]["metrics"] for n in "ab")
    assert {name: m["value"] for name, m in a.items()} == pytest.approx({name: m["value"] for name, m in b.items()})
    assert a["volume_left_cm3.total"]["value"] == pytest.approx(25 * 10 * 4.8)
    assert records["b"]["details"].get("midline") is None


def test_parts_of_a_muscle_make_the_muscle(tmp_path: Path, run_stage: RunStage) -> None:
    labels = box_labels(*WIDTHS)
    names = {**THIGH_LABELS, 21: "biceps femoris long head", 28: "biceps femoris short head"}
    labels[np.logical_and(labels == 21, np.arange(GRID.size[0]) % 2 == 0)] = 28
    write_segmentation(tmp_path / "a.seg.nrrd", labels, GRID, names)
    metrics = run_stage([{"id": "a", "inputs": {"labels": tmp_path / "a.seg.nrrd"}}])["a"]["metrics"]
    assert metrics["volume_cm3.biceps_femoris"]["value"] == pytest.approx(18 * 4.8)
    assert metrics["tmv_cm3"]["value"] == pytest.approx(25 * 18 * 4.8)


def test_compartments_of_another_tool_give_the_ratio(tmp_path: Path, run_stage: RunStage) -> None:
    """TotalSegmentator's thigh muscles: one label for the quadriceps, one for the posterior compartment."""
    labels = np.zeros(GRID.shape, np.uint8)
    labels[5:25, 2:6, 10:30], labels[5:25, 2:6, 50:70] = 2, 1
    labels[5:25, 16:20, 10:20], labels[5:25, 16:20, 50:60] = 6, 5
    names = {
        1: "quadriceps_femoris_left",
        2: "quadriceps_femoris_right",
        5: "thigh_posterior_compartment_left",
        6: "thigh_posterior_compartment_right",
    }
    write_segmentation(tmp_path / "a.seg.nrrd", labels, GRID, names)
    metrics = run_stage([{"id": "a", "inputs": {"labels": tmp_path / "a.seg.nrrd"}}])["a"]["metrics"]
    assert metrics["pa_ratio_hamstrings_quadriceps"]["value"] == pytest.approx(0.5)
    assert metrics["tmv_cm3"]["value"] is None


def mapped(tmp_path: Path, run_stage: RunStage, written: dict[int, str], **parameters: Any) -> dict[str, Any]:
    write_segmentation(tmp_path / "odd.seg.nrrd", back_labels(), BACK_GRID, written)
    return run_stage([{"id": "odd", "inputs": {"labels": tmp_path / "odd.seg.nrrd"}}], **parameters)["odd"]


ODD = {1: "ES_li", 2: "ES_re", 3: "MF_li", 4: "MF_re"}


def test_names_that_nobody_knows_are_refused_with_the_form_of_a_mapping(tmp_path: Path, run_stage: RunStage) -> None:
    error = mapped(tmp_path, run_stage, ODD)["error"]
    assert error["kind"] == "input"
    assert "1 (ES_li), 2 (ES_re), 3 (MF_li), 4 (MF_re)" in error["what"]
    assert """names='{"1": "multifidus_left", "2": "gracilis", "3": "ignore"}'""" in error["fix"]


def test_a_mapping_names_labels_by_value_or_by_name(tmp_path: Path, run_stage: RunStage) -> None:
    names = {"1": "erector_spinae_left", "2": "Erector spinae (R)", "mf li": "multifidus left", "4": "ignore"}
    record = mapped(tmp_path, run_stage, ODD, names=names)
    assert record["status"] == "ok", record["error"]
    metrics = record["metrics"]
    assert metrics["volume_cm3.erector_spinae_left"]["value"] == pytest.approx(40.0)
    assert metrics["volume_cm3.erector_spinae"]["value"] == pytest.approx(76.0)
    assert metrics["volume_cm3.multifidus_left"]["value"] == pytest.approx(20.0)
    assert "800 voxels are labelled to be ignored" in " ".join(record["warnings"])


def test_a_mapping_makes_two_labels_one(tmp_path: Path, run_stage: RunStage) -> None:
    names = {"1": "autochthon_left", "3": "autochthon_left", "2": "autochthon_right", "4": "autochthon_right"}
    metrics = mapped(tmp_path, run_stage, ODD, names=names)["metrics"]
    assert metrics["volume_cm3.autochthon_left"]["value"] == pytest.approx(60.0)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"7": "gracilis"}, "has '7', which is not a label of odd.seg.nrrd"),
        ({"1": "gracillis"}, "maps '1' to 'gracillis', which is not a known name"),
        ({"1": 3}, "maps '1' to 3"),
    ],
)
def test_a_wrong_mapping_is_refused(names: dict[str, Any], said: str, tmp_path: Path, run_stage: RunStage) -> None:
    error = mapped(tmp_path, run_stage, ODD, names=names)["error"]
    assert said in error["what"]
    assert error["where"] == "parameter names"


def test_an_unknown_name_without_a_voxel_is_said_and_stops_nothing(tmp_path: Path, run_stage: RunStage) -> None:
    names = {1: "erector_spinae_left", 2: "erector_spinae_right", 3: "multifidus_left", 4: "multifidus_right"}
    record = mapped(tmp_path, run_stage, {**names, 9: "whatever"})
    assert record["status"] == "ok"
    assert "declared without a voxel, and of no known name: whatever" in record["warnings"]


def test_background_is_never_a_structure(tmp_path: Path, run_stage: RunStage) -> None:
    write_segmentation(tmp_path / "a.seg.nrrd", box_labels(*WIDTHS), GRID, {0: "background", **THIGH_LABELS})
    metrics = run_stage([{"id": "a", "inputs": {"labels": tmp_path / "a.seg.nrrd"}}])["a"]["metrics"]
    assert not [name for name in metrics if "background" in name]
    assert metrics["asymmetry_percent.total"]["value"] == pytest.approx(20.0)


def test_a_map_without_a_muscle_is_refused(tmp_path: Path, run_stage: RunStage) -> None:
    error = mapped(tmp_path, run_stage, {1: "liver", 2: "spleen", 3: "aorta", 4: "heart"})["error"]
    assert "has no muscle: liver, spleen, aorta, heart" in error["what"]


def test_the_region_can_be_chosen(tmp_path: Path, run_stage: RunStage) -> None:
    labels = box_labels(*WIDTHS)
    names = {**THIGH_LABELS, 28: "autochthon_left", 29: "autochthon_right"}
    labels[40:44, 4:8, 45:48], labels[40:44, 4:8, 32:35] = 28, 29
    write_segmentation(tmp_path / "a.seg.nrrd", labels, GRID, names)
    item = {"id": "a", "inputs": {"labels": tmp_path / "a.seg.nrrd"}}
    back = run_stage([item])["a"]
    assert set(back["details"]["not_measured"]) >= set(MUSCLES) - {"multifidus"}
    assert "tmv_cm3" not in back["metrics"]
    thigh = run_stage([item], region="thigh")["a"]
    assert thigh["metrics"]["muscles_present"]["value"] == 25
    assert run_stage([item], region="back")["a"]["metrics"]["volume_cm3"] == back["metrics"]["volume_cm3"]
