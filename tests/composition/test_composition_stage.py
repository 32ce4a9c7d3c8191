"""The stage as a whole: bad input among good, the same bytes twice, the command line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from containers.composition.stage import process
from containers.contract.stage import main
from containers.toolkit.images.labels import THIGH_LABELS
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Volume, write_nrrd
from tests.composition.boxes import GRID, box_labels, even_widths
from tests.composition.conftest import STAGE_TOML, RunStage

ROOT = Path(__file__).resolve().parents[2]
Inputs = dict[str, Any]


@pytest.fixture
def good(tmp_path: Path) -> Inputs:
    """An item with labels, water and fat, and noise, so that every output is written."""
    labels = box_labels(even_widths(), even_widths(9))
    folder = tmp_path / "good"
    write_segmentation(folder / "labels.seg.nrrd", labels, GRID, THIGH_LABELS)
    rng = np.random.default_rng(2)
    for name, part in (("water", 400.0), ("fat", 40.0)):
        real, imaginary = rng.normal(0, 8, (2, *labels.shape))
        image = np.hypot(part * (labels > 0) + real, imaginary).astype(np.float32)
        write_nrrd(folder / f"{name}.nrrd", Volume(image, GRID))
    files = {"labels": "labels.seg.nrrd", "water": "water.nrrd", "fat": "fat.nrrd"}
    return {"id": "good", "inputs": {name: folder / file for name, file in files.items()}, "facts": {"height_m": 1.7}}


def image_item(item: Inputs, folder: Path, change: Callable[[np.ndarray[Any, Any]], Any], name: str = "fat") -> Inputs:
    data = np.full(GRID.shape, 100.0, np.float32)
    write_nrrd(folder / "bad.nrrd", Volume(np.asarray(change(data)), GRID))
    return {**item, "inputs": {**item["inputs"], name: folder / "bad.nrrd"}}


def with_nan(data: Any) -> Any:
    data[3, 4, 5:8] = np.nan
    return data


def with_infinity(data: Any) -> Any:
    data[0, 0, 0] = np.inf
    return data


def bytes_item(item: Inputs, folder: Path, name: str, content: bytes) -> Inputs:
    (folder / "bad.nrrd").write_bytes(content)
    return {**item, "inputs": {**item["inputs"], name: folder / "bad.nrrd"}}


def labels_item(item: Inputs, folder: Path, labels: Any, names: dict[int, str], shift: float = 0.0) -> Inputs:
    x, y, z = GRID.origin_mm
    write_segmentation(folder / "bad.seg.nrrd", labels, replace(GRID, origin_mm=(x + shift, y, z)), names)
    return {**item, "inputs": {**item["inputs"], "labels": folder / "bad.seg.nrrd"}}


def moved_fat(item: Inputs, folder: Path) -> Inputs:
    grid = replace(GRID, spacing_mm=(4.0, 5.0, 6.5))
    write_nrrd(folder / "bad.nrrd", Volume(np.ones(GRID.shape, np.float32), grid))
    return {**item, "inputs": {**item["inputs"], "fat": folder / "bad.nrrd"}}


def without(item: Inputs, name: str) -> Inputs:
    return {**item, "inputs": {key: path for key, path in item["inputs"].items() if key != name}}


def with_height(item: Inputs, height: float | str | bool) -> Inputs:
    return {**item, "facts": {"height_m": height}}


BOXES = box_labels(even_widths(), even_widths())
TWICE = {**THIGH_LABELS, 27: "Iliac bone"}

BAD: dict[str, tuple[Callable[[Inputs, Path], Inputs], str, str]] = {
    "NaN in fat": (lambda g, f: image_item(g, f, with_nan), "bad.nrrd", "3 voxels that are NaN or infinite"),
    "infinity in water": (lambda g, f: image_item(g, f, with_infinity, "water"), "bad.nrrd", "1 voxels that are NaN"),
    "negative magnitude": (lambda g, f: image_item(g, f, lambda d: -d), "bad.nrrd", "negative values"),
    "fat on another grid": (moved_fat, "water.nrrd and bad.nrrd", "not on the same grid"),
    "water without fat": (lambda g, f: without(g, "fat"), "input fat", "missing next to water"),
    "fat without water": (lambda g, f: without(g, "water"), "input water", "missing next to fat"),
    "empty labels": (lambda g, f: labels_item(g, f, BOXES * 0, THIGH_LABELS), "bad.seg.nrrd", "no labelled voxel"),
    "one name twice": (lambda g, f: labels_item(g, f, BOXES, TWICE), "bad.seg.nrrd", "two segments named 'iliac_bone'"),
    "undeclared label": (lambda g, f: labels_item(g, f, BOXES, {1: "femur"}), "bad.seg.nrrd", "undeclared label 2"),
    "labels elsewhere": (
        lambda g, f: labels_item(g, f, BOXES, THIGH_LABELS, 2000.0),
        "bad.seg.nrrd",
        "no labelled voxel inside water.nrrd and fat.nrrd",
    ),
    "not an NRRD": (lambda g, f: bytes_item(g, f, "labels", b"hello"), "bad.nrrd", "not a readable NRRD"),
    "truncated NRRD": (
        lambda g, f: bytes_item(g, f, "water", g["inputs"]["water"].read_bytes()[:5000]),
        "bad.nrrd",
        "not a readable NRRD",
    ),
    "no such file": (
        lambda g, f: {**g, "inputs": {**g["inputs"], "fat": f / "gone.nrrd"}},
        "input fat",
        "does not exist",
    ),
    "height in centimetres": (lambda g, f: with_height(g, 170), "fact height_m", "not a height in metres"),
    "height zero": (lambda g, f: with_height(g, 0), "fact height_m", "not a height in metres"),
    "height as text": (lambda g, f: with_height(g, "1.70"), "fact height_m", "not a height in metres"),
    "height as truth value": (lambda g, f: with_height(g, True), "fact height_m", "not a height in metres"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_item_is_named_and_stops_no_other(case: str, good: Inputs, tmp_path: Path, run_stage: RunStage) -> None:
    make, where, what = BAD[case]
    bad = {**make(good, tmp_path), "id": "bad"}
    records = run_stage([good, bad, {**good, "id": "after"}])
    assert (records["good"]["status"], records["after"]["status"]) == ("ok", "ok")
    error = records["bad"]["error"]
    assert error is not None, "the bad item passed"
    assert error["kind"] == "input"
    assert error["where"] == where
    assert what in error["what"]
    assert error["fix"]
    assert "\n" not in error["what"]
    assert sorted(path.name for path in (tmp_path / "out" / "bad").iterdir()) == ["record.json", "timing.json"]


def test_the_same_input_gives_the_same_bytes(good: Inputs, tmp_path: Path, run_stage: RunStage) -> None:
    files: list[dict[str, bytes]] = []
    for _ in range(2):
        assert run_stage([good])["good"]["status"] == "ok"
        folder = tmp_path / "out" / "good"
        files.append({path.name: path.read_bytes() for path in folder.iterdir() if path.name != "timing.json"})
    assert set(files[0]) == {"record.json", "measures.parquet", "fat_fraction.nrrd"}
    assert files[0] == files[1]


def test_the_command_line_runs_a_request(good: Inputs, tmp_path: Path) -> None:
    inputs = {name: str(path) for name, path in good["inputs"].items()}
    request = {"stage": "composition", "items": [{"id": "one", "inputs": inputs}], "output": "out"}
    (tmp_path / "request.json").write_text(json.dumps(request))
    command = [sys.executable, "-m", "containers.composition", "run", str(tmp_path / "request.json")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "out" / "one" / "record.json").read_text())["status"] == "ok"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"noise_correction": "koay"}, "must be one of"),
        ({"erosion_mm": -1}, "at least 0 mm"),
        ({"erosion_voxels": 0.5}, "must be of type integer"),
        ({"sides": 2}, "unknown"),
    ],
)
def test_a_wrong_parameter_ends_the_job_with_status_2(
    parameters: dict[str, Any], said: str, good: Inputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = {name: str(path) for name, path in good["inputs"].items()}
    request = {"stage": "composition", "items": [{"id": "one", "inputs": inputs}], "parameters": parameters}
    (tmp_path / "request.json").write_text(json.dumps({**request, "output": "out"}))
    assert main(STAGE_TOML, process, argv=["run", str(tmp_path / "request.json")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
