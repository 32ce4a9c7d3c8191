"""The phantom's switches and faults, which were written without knowledge of this stage."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import phantoms
from containers.toolkit.images.volume import read_nrrd
from phantoms.corrupt import dicom as bad_inputs
from tests.fusion.dicom_series import run_stage

MEND_OF = {
    "truncated_dicom": "cut short",
    "not_dicom": "is not a DICOM file",
    "empty_zip": "is empty",
    "zip_slip": "zip slip",
    "zip_bomb": "zip bomb",
    "missing_slices": "missing slices",
    "missing_station": "5 stations found where neck to knee has 6",
    "mixed_participants": "belong to different participants",
    "inconsistent_matrix": "inconsistent matrix",
    "zero_spacing": "must be positive",
    "negative_spacing": "must be positive",
    "nan_pixels": "NaN or infinite",
    "unknown_transfer_syntax": "unknown transfer syntax",
    "wrong_contrast_names": "wrong contrast names",
}


def make(folder: Path, **switches: Any) -> Path:
    folder.mkdir()
    phantoms.make("ukb_participant", {"preset": "small", "seed": 1, "truth_step_mm": 5.0, **switches}, folder)
    return next(folder.glob("*.zip"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("phantom") / "plain")


@pytest.fixture(scope="module")
def plain_record(plain: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    record = run_stage(tmp_path_factory.mktemp("plain_out"), {"a": plain})["a"]
    assert record["status"] == "ok", record["error"]
    return record


def test_each_fault_ends_its_own_item_only(plain: Path, tmp_path: Path) -> None:
    items = {}
    for fault in bad_inputs.FAULTS:
        items[fault] = tmp_path / f"{fault}.zip"
        bad_inputs.make(fault, plain, items[fault])
    records = run_stage(tmp_path / "out", {"good": plain, **items, "last": plain}, threads=2)
    assert records["good"]["status"] == records["last"]["status"] == "ok"
    for fault in items:
        error = records[fault]["error"]
        assert error is not None, fault
        assert (error["kind"], bool(error["where"]), bool(error["fix"])) == ("input", True, True), error
        assert MEND_OF[fault] in error["what"], error
        assert {p.name for p in (tmp_path / "out" / fault).iterdir()} == {"record.json", "timing.json"}


def test_how_the_zip_is_written_does_not_change_the_volumes(plain_record: dict[str, Any], tmp_path: Path) -> None:
    switches = ("random_file_order", "compressed", "misspelled_manifest", "second_echo_in_series")
    record = run_stage(tmp_path / "out", {"a": make(tmp_path / "in", **dict.fromkeys(switches, True))})["a"]
    assert record["outputs"] == plain_record["outputs"]


def test_a_repeat_at_midnight_is_resolved(plain_record: dict[str, Any], tmp_path: Path) -> None:
    record = run_stage(tmp_path / "out", {"a": make(tmp_path / "in", repeated_station=3, midnight=True)})["a"]
    assert record["metrics"]["duplicates_resolved"]["value"] == 4
    assert record["details"]["dropped_repeats"] == [
        "series 17 (Dixon_BH_17s_in, TE 4.77 ms)",
        "series 18 (Dixon_BH_17s_opp, TE 2.39 ms)",
        "series 19 (Dixon_BH_17s_F, TE 2.39 ms)",
        "series 20 (Dixon_BH_17s_W, TE 2.39 ms)",
    ]
    assert record["details"]["grid"] == plain_record["details"]["grid"]


def test_swapped_fat_and_water_and_a_moved_body_show_in_the_seams(plain_record: dict[str, Any], tmp_path: Path) -> None:
    items = {
        "swapped": make(tmp_path / "swapped", swapped_fat_water="station", swap_station=3),
        "moved": make(tmp_path / "moved", station_shift_mm=15.0),
    }
    records = run_stage(tmp_path / "out", items)
    usual = {name: metric["value"] for name, metric in plain_record["metrics"].items()}
    assert usual["seam_correlation_min"] > 0.95
    swapped = {name: metric["value"] for name, metric in records["swapped"]["metrics"].items()}
    for pair in ("3_4", "4_5"):
        assert swapped[f"seam_correlation.water.{pair}"] < 0.8
        assert swapped[f"seam_correlation.in_phase.{pair}"] > 0.95
    moved = {name: metric["value"] for name, metric in records["moved"]["metrics"].items()}
    assert abs(moved["seam_shift_mm.left.4_5"]) > 10 > 2 > abs(usual["seam_shift_mm.left.4_5"])


def test_contrasts_relate_as_the_physics_says(plain_record: dict[str, Any], plain: Path, tmp_path: Path) -> None:
    """in phase = water + fat and opposed phase = |water - fat|, up to T2* and noise: no contrast is mistaken."""
    run_stage(tmp_path / "out", {"a": plain})
    volumes = {n: read_nrrd(tmp_path / "out" / "a" / f"{n}.nrrd").data for n in plain_record["outputs"] if n != "seams"}
    body = volumes["in_phase"] > 100
    assert body.mean() > 0.05
    both = volumes["water"] + volumes["fat"]
    assert np.corrcoef(both[body], volumes["in_phase"][body])[0, 1] > 0.95
    apart = np.abs(volumes["water"] - volumes["fat"])
    assert np.corrcoef(apart[body], volumes["opposed_phase"][body])[0, 1] > 0.9
