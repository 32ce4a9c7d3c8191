"""Volumes, InterMAT, lean volume and lean muscle mass of a back whose truth is set by hand."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from containers.toolkit.images.volume import read_nrrd
from containers.toolkit.tables.table import read_table
from tests.composition.back_boxes import (
    COLUMN,
    FAT,
    GRID,
    MIDDLE,
    MUSCLE,
    NOISE,
    VALUE,
    VOXEL_CM3,
    WIDTHS,
    Back,
    back_image,
    back_labels,
    streaks,
)
from tests.composition.conftest import RunStage

ROOT = Path(__file__).resolve().parents[2]
Measure = Callable[..., dict[str, Any]]

STREAK_SHARE = 100 * (2 * 1.0 + 2 * 0.3) / 20
"""InterMAT in percent of `streaks` in boxes of 20 rows: two rows of fat, two of 30 %."""
UNIONS = {
    "autochthon_left": ("erector_spinae_left", "multifidus_left"),
    "autochthon_right": ("erector_spinae_right", "multifidus_right"),
    "erector_spinae": ("erector_spinae_left", "erector_spinae_right"),
    "multifidus": ("multifidus_left", "multifidus_right"),
}


@pytest.fixture
def measure(tmp_path: Path, run_stage: RunStage) -> Measure:
    """Metrics by name of one back; parameters as keywords. `record` of the returned dict is the whole record."""

    def run(back: Back, **parameters: Any) -> dict[str, Any]:
        record = run_stage([back.item()], **parameters)["back"]
        assert record["status"] == "ok", record.get("error")
        return {name: metric["value"] for name, metric in record["metrics"].items()} | {"record": record}

    return run


def three_tissues(labels: Any, fat_rows: int, middle_rows: int) -> Any:
    """An image with whole rows of fat and of the middle, and the rest muscle."""
    image = back_image(labels, np.zeros(labels.shape))
    noise = np.random.default_rng(5).normal(0, NOISE, labels.shape).astype(np.float32)
    rows = np.zeros(labels.shape)
    rows[:, 10 : 10 + fat_rows] = FAT
    rows[:, 10 + fat_rows : 10 + fat_rows + middle_rows] = MIDDLE
    chosen = (labels > 0) & (rows > 0)
    image[chosen] = (rows + noise)[chosen]
    return image


def test_volumes_and_unions_are_the_counted_voxels(tmp_path: Path, measure: Measure) -> None:
    found = measure(Back(tmp_path / "back"))
    for name, width in WIDTHS.items():
        assert found[f"volume_cm3.{name}"] == pytest.approx(width * COLUMN * VOXEL_CM3)
    for name, parts in UNIONS.items():
        assert found[f"volume_cm3.{name}"] == pytest.approx(sum(WIDTHS[p] for p in parts) * COLUMN * VOXEL_CM3)
    assert found["volume_cm3"] == pytest.approx(28 * COLUMN * VOXEL_CM3)
    assert found["autochthon_asymmetry_percent"] == pytest.approx(100 * (15 - 13) / 15)
    table = read_table(tmp_path / "out" / "back" / "measures.parquet")
    assert dict(zip(table["name"], table["voxels"], strict=True))["multifidus"] == 9 * COLUMN


@pytest.mark.parametrize(
    ("rule", "share"),
    [
        ("hard_muscle", 2 / 20),
        ("hard_fat", 5 / 20),
        ("hard_shared", (2 + 1.5) / 20),
        ("hard_left_out", 2 / 17),
        ("posterior_fat", 5 / 20),
        # (200 - 70) / (420 - 70) of the middle's three rows
        ("hard_unmixed", (2 + 3 * 130 / 350) / 20),
        ("partial_volume", (2 + 3 * 130 / 350) / 20),
    ],
)
def test_each_rule_on_three_pure_tissues(rule: str, share: float, tmp_path: Path, measure: Measure) -> None:
    labels = back_labels()
    found = measure(Back(tmp_path / "back", image=three_tissues(labels, 2, 3)), class_rule=rule)
    assert found["intermat_percent"] == pytest.approx(100 * share, abs=0.15)
    assert found[f"intermat_percent_by_rule.{rule}"] == pytest.approx(found["intermat_percent"], rel=1e-12)
    muscle = 15 / 20 if rule == "hard_left_out" else 1 - share
    for name, width in WIDTHS.items():
        assert found[f"intermat_percent.{name}"] == pytest.approx(100 * share, abs=0.4)
        lean = width * COLUMN * VOXEL_CM3 * muscle
        assert found[f"lean_volume_cm3.{name}"] == pytest.approx(lean, rel=0.006)
    means = [found[f"mixture_mean.component_{n}"] for n in (1, 2, 3)]
    assert means == pytest.approx([MUSCLE, MIDDLE, FAT], abs=0.5)
    assert [found[f"mixture_weight.component_{n}"] for n in (1, 2, 3)] == pytest.approx([0.75, 0.15, 0.1], abs=1e-3)
    assert [found[f"mixture_sd.component_{n}"] for n in (1, 2, 3)] == pytest.approx([NOISE] * 3, rel=0.1)
    assert found["mixture_converged.all"] == 1


@pytest.mark.parametrize("every", [5, 10, 20])
def test_partial_volume_recovers_the_fat_where_the_brightest_component_is_no_pure_fat(
    every: int, tmp_path: Path, measure: Measure
) -> None:
    """Streaks of 30 and 60 % only: no voxel is all fat, as in thin InterMAT."""
    labels = back_labels()
    parts = 0.6 * streaks(labels, every)
    found = measure(Back(tmp_path / "back", image=back_image(labels, parts)))
    true = 100 * parts[labels > 0].mean()
    assert found["intermat_percent"] == pytest.approx(true, abs=0.2)
    assert found["intermat_percent_by_rule.hard_fat"] > true + 2
    assert found["adipose_signal"] == pytest.approx(FAT, abs=3)


def test_intermat_does_not_depend_on_the_scale_of_the_image(tmp_path: Path, measure: Measure) -> None:
    labels = back_labels()
    image = back_image(labels, streaks(labels))
    one = measure(Back(tmp_path / "one", image=image))
    other = measure(Back(tmp_path / "other", image=image * np.float32(7.5)))
    assert one["intermat_percent"] == pytest.approx(STREAK_SHARE, abs=0.2)
    assert other["intermat_percent"] == pytest.approx(one["intermat_percent"], abs=0.01)


def test_the_map_holds_the_fat_part_of_each_voxel(tmp_path: Path, measure: Measure) -> None:
    labels = back_labels()
    measure(Back(tmp_path / "back", labels=labels))
    volume = read_nrrd(tmp_path / "out" / "back" / "intermat.nrrd")
    assert volume.geometry.same_as(GRID)
    assert not volume.data[labels == 0].any()
    true = 100 * streaks(labels)[labels > 0]
    assert float(np.abs(volume.data[labels > 0] - true).mean()) < 2.0


def level(name: str, bottom: float, top: float) -> dict[str, Any]:
    return {"name": name, "bottom_mm": bottom, "top_mm": top}


def test_levels_share_the_slices_they_cut(tmp_path: Path, measure: Measure) -> None:
    """Slices of 5 mm from z = 102.5: the first level ends in the middle of the third, the last is above the labels."""
    levels = [level("L2", 115.0, 200.0), level("L3", 90.0, 115.0), level("L1", 200.0, 230.0)]
    found = measure(Back(tmp_path / "back", levels={"schema_version": "1.0", "levels": levels}))
    whole = found["volume_cm3"]
    assert found["volume_cm3.level_L3"] == pytest.approx(whole * 2.5 / 10)
    assert found["volume_cm3.level_L2"] == pytest.approx(whole * 7.5 / 10)
    assert found["intermat_percent.level_L3"] == pytest.approx(STREAK_SHARE, abs=0.4)
    parts = [found[f"lean_volume_cm3.level_{n}"] for n in ("L2", "L3")]
    assert sum(parts) == pytest.approx(found["lean_volume_cm3"])
    assert (found["volume_cm3.level_L1"], found["intermat_percent.level_L1"]) == (None, None)
    assert found["record"]["metrics"]["volume_cm3.level_L1"]["note"] == "no voxel"


def test_lean_muscle_mass_by_every_reading(tmp_path: Path, measure: Measure) -> None:
    found = measure(Back(tmp_path / "back"))
    whole, lean = found["volume_cm3"], found["lean_volume_cm3"]
    assert lean == pytest.approx(whole * (1 - found["intermat_percent"] / 100))
    bmi = 80.0 / (1.75 * 1.75)
    assert found["lmm_cm3_per_bmi"] == pytest.approx(lean / bmi)
    assert found["lmm_whole_cm3_per_bmi"] == pytest.approx(whole / bmi)
    assert found["lmm_cm3_per_kg_over_m"] == pytest.approx(lean * 1.75 / 80.0)
    assert found["lmm_cm3_per_kg_m"] == pytest.approx(lean / 140.0)
    assert found["lmm_whole_cm3_per_fat_free_muscle_bmi"] == pytest.approx(whole / (lean * 0.0010597 / 3.0625))


def test_a_given_bmi_serves_where_height_and_weight_are_missing(tmp_path: Path, measure: Measure) -> None:
    found = measure(Back(tmp_path / "back", facts={"bmi_kg_per_m2": 25.0}))
    assert found["lmm_cm3_per_bmi"] == pytest.approx(found["lean_volume_cm3"] / 25.0)
    assert found["lmm_cm3_per_kg_m"] is None


def test_without_facts_lean_muscle_mass_is_null_and_says_why(tmp_path: Path, measure: Measure) -> None:
    found = measure(Back(tmp_path / "back", facts={"height_m": 1.7}))
    assert found["lean_volume_cm3"] > 0
    assert found["lmm_cm3_per_bmi"] is None
    assert "bmi_kg_per_m2" in found["record"]["metrics"]["lmm_cm3_per_bmi"]["note"]
    assert any("lean muscle mass is undefined" in line for line in found["record"]["warnings"])


@pytest.mark.parametrize("side", ["left", "right"])
def test_an_empty_side_is_null_and_the_other_is_measured(side: str, tmp_path: Path, measure: Measure) -> None:
    other = {"left": "right", "right": "left"}[side]
    labels = back_labels({name: width for name, width in WIDTHS.items() if name.endswith(other)})
    found = measure(Back(tmp_path / "back", labels=labels))
    assert found[f"intermat_percent.autochthon_{other}"] == pytest.approx(STREAK_SHARE, abs=0.3)
    metrics = found["record"]["metrics"]
    for name in (
        f"volume_cm3.autochthon_{side}",
        f"lean_volume_cm3.multifidus_{side}",
        "intermat_percent",
        "lmm_cm3_per_bmi",
    ):
        assert metrics[name]["value"] is None, name
        assert f"no voxel of erector_spinae_{side}" in metrics[name]["note"] or "multifidus" in name, name
    assert metrics["autochthon_asymmetry_percent"]["value"] is None


def test_classes_of_mrsegmentator_are_measured(tmp_path: Path, measure: Measure) -> None:
    labels = back_labels()
    merged = np.where(np.isin(labels, (1, 3)), 1, np.where(labels > 0, 2, 0)).astype(np.uint8)
    names = {1: "autochthon_left", 2: "autochthon_right"}
    found = measure(Back(tmp_path / "back", labels=merged, names=names))
    assert found["volume_cm3"] == pytest.approx(28 * COLUMN * VOXEL_CM3)
    assert found["lmm_cm3_per_bmi"] is not None
    assert "volume_cm3.multifidus" not in found


def test_one_undeclared_side_leaves_the_whole_undefined(tmp_path: Path, measure: Measure) -> None:
    labels = np.where(np.isin(back_labels(), (1, 3)), 1, 0).astype(np.uint8)
    found = measure(Back(tmp_path / "back", labels=labels, names={1: "autochthon_left"}))
    assert found["volume_cm3"] is None
    assert found["record"]["metrics"]["volume_cm3"]["note"] == "no label autochthon_right"
    assert found["intermat_percent.autochthon_left"] == pytest.approx(STREAK_SHARE, abs=0.3)


def test_a_mixture_for_each_side_undoes_a_difference_between_the_sides(tmp_path: Path, measure: Measure) -> None:
    """The left side is 1.3 times as bright, its fat behind it too dark to be the reference of both."""
    labels = back_labels()
    image = three_tissues(labels, 2, 3)
    image[:, :, GRID.size[0] // 2 :] *= np.float32(1.3)
    together = measure(Back(tmp_path / "one", image=image), class_rule="hard_muscle")
    apart = measure(Back(tmp_path / "two", image=image), class_rule="hard_muscle", mixture_scope="side")
    assert apart["intermat_percent"] == pytest.approx(10, abs=0.1)
    left, right = (apart[f"mixture_mean.{side}.component_1"] for side in ("left", "right"))
    assert left / right == pytest.approx(1.3, rel=0.01)
    assert apart["mixture_converged.left"] == 1
    assert together["mixture_sd.component_1"] > 2 * apart["mixture_sd.left.component_1"]


def test_n4_takes_out_a_smooth_field(tmp_path: Path, measure: Measure) -> None:
    """A gain that falls by a third from right to left, over an image without fat streaks."""
    labels = back_labels()
    gain = np.linspace(1.2, 0.8, GRID.size[0], dtype=np.float32)
    image = three_tissues(labels, 2, 3) * gain
    plain = measure(Back(tmp_path / "one", image=image))
    mended = measure(Back(tmp_path / "two", image=image), bias_correction="n4")
    assert plain["mixture_sd.component_1"] > 1.5 * NOISE
    assert mended["mixture_sd.component_1"] == pytest.approx(NOISE, rel=0.05)
    columns = np.flatnonzero(labels.any(axis=(0, 1)))
    wanted = np.percentile(gain[columns], 95) / np.percentile(gain[columns], 5) - 1
    assert mended["bias_field_percent"] == pytest.approx(100 * wanted, rel=0.35)
    assert mended["intermat_percent_uncorrected"] == pytest.approx(plain["intermat_percent"])
    assert "bias_field_percent" not in plain


def test_without_fat_behind_the_muscles_only_the_rules_of_components_are_defined(
    tmp_path: Path, measure: Measure
) -> None:
    labels = back_labels()
    image = three_tissues(labels, 2, 3)
    image[:, 34:46] = 12.0 + np.random.default_rng(1).normal(0, 2, image[:, 34:46].shape)
    found = measure(Back(tmp_path / "back", image=image))
    assert found["intermat_percent"] is None
    assert found["lmm_cm3_per_bmi"] is None
    assert found["intermat_percent_by_rule.hard_muscle"] == pytest.approx(10, abs=0.1)
    assert found["adipose_signal"] is None
    assert any("no tissue behind the muscles" in line for line in found["record"]["warnings"])
    table = read_table(tmp_path / "out" / "back" / "measures.parquet")
    assert set(table["intermat_percent"]) == {None}


def test_labels_alone_give_volumes(tmp_path: Path, run_stage: RunStage) -> None:
    item = Back(tmp_path / "back").item()
    del item["inputs"]["image"]
    record = run_stage([item])["back"]
    assert record["status"] == "ok"
    assert record["metrics"]["volume_cm3"]["value"] == pytest.approx(28 * COLUMN * VOXEL_CM3)
    assert "intermat_percent" not in record["metrics"]
    assert "tmv_cm3" not in record["metrics"]


def test_any_other_muscle_gets_its_intermat(tmp_path: Path, measure: Measure) -> None:
    labels = (back_labels() > 0).astype(np.uint8)
    found = measure(Back(tmp_path / "back", labels=labels, names={1: "sartorius"}), class_rule="hard_muscle")
    assert found["intermat_percent.sartorius"] == found["intermat_percent"]
    assert found["lean_volume_cm3.sartorius"] > 0


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, run_stage: RunStage) -> None:
    levels = {"schema_version": "1.0", "levels": [level("L3", 90.0, 115.0)]}
    item = Back(tmp_path / "back", levels=levels).item()
    files: list[dict[str, bytes]] = []
    for _ in range(2):
        assert run_stage([item], bias_correction="n4")["back"]["status"] == "ok"
        folder = tmp_path / "out" / "back"
        files.append({path.name: path.read_bytes() for path in folder.iterdir() if path.name != "timing.json"})
    assert set(files[0]) == {"record.json", "measures.parquet", "intermat.nrrd", "mixture.json"}
    assert files[0] == files[1]


BLOCKED = """
import sys
sys.modules.update(dict.fromkeys(["sklearn", "sklearn.mixture", "SimpleITK"]))
from containers.composition.__main__ import *
sys.exit(main(Path("STAGE"), process, argv=["run", sys.argv[1]]))
"""


@pytest.mark.parametrize(
    ("parameters", "said"),
    [({}, None), ({"bias_correction": "n4"}, "SimpleITK"), ({"mixture_method": "sklearn"}, "scikit-learn")],
)
def test_the_libraries_are_needed_only_where_they_are_asked_for(
    parameters: dict[str, Any], said: str | None, tmp_path: Path
) -> None:
    item = Back(tmp_path / "back").item()
    item["inputs"] = {name: str(path) for name, path in item["inputs"].items()}
    request = {"stage": "composition", "items": [item], "parameters": parameters, "output": str(tmp_path / "out")}
    (tmp_path / "request.json").write_text(json.dumps(request))
    toml = str(ROOT / "containers" / "composition" / "stage.toml")
    command = [sys.executable, "-c", BLOCKED.replace("STAGE", toml), str(tmp_path / "request.json")]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    record = tmp_path / "out" / "back" / "record.json"
    if said is None:
        assert (done.returncode, json.loads(record.read_text())["status"]) == (0, "ok")
    else:
        error = json.loads(record.read_text())["error"]
        assert (error["kind"], f"{said} is not installed") == ("environment", error["what"])


def test_labels_of_the_truth_are_the_ones_of_the_contract() -> None:
    assert set(VALUE) == set(WIDTHS)
