"""The stage as a whole: bad input among good, all pairs in one item, the same bytes twice, the command line."""

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

from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd
from containers.toolkit.tables.table import write_table
from tests.agreement.conftest import RunStage

ROOT = Path(__file__).resolve().parents[2]
GRID = Geometry((6, 5, 4), (2.0, 2.0, 3.0), (0.0, 0.0, 0.0))
MOVED = replace(GRID, origin_mm=(0.0, 0.01, 0.0))
NAMES = {1: "femur", 2: "gracilis"}
LABELS = np.arange(120).reshape(GRID.shape).astype(np.uint8) % 3
VALUES = np.arange(120.0).reshape(GRID.shape)
Inputs = dict[str, Path]


@pytest.fixture
def good(tmp_path: Path) -> Inputs:
    """All three pairs in one item."""
    folder = tmp_path / "good"
    write_segmentation(folder / "labels.seg.nrrd", LABELS, GRID, NAMES)
    write_segmentation(folder / "truth.seg.nrrd", LABELS[::-1], GRID, NAMES)
    write_nrrd(folder / "volume.nrrd", Volume(VALUES, GRID))
    write_nrrd(folder / "reference.nrrd", Volume(VALUES.astype(np.int16), GRID))
    write_table(folder / "measured.parquet", {"item": ["a", "b"], "volume_cm3": [1.0, 2.0]})
    write_table(folder / "expected.parquet", {"item": ["a", "b"], "volume_cm3": [1.5, 2.0]})
    return {path.name.split(".")[0]: path for path in folder.iterdir()}


def segmentation(g: Inputs, f: Path, name: str, data: Any, grid: Geometry, names: dict[int, str]) -> Inputs:
    write_segmentation(f / "bad.seg.nrrd", data, grid, names)
    return {**g, name: f / "bad.seg.nrrd"}


def volume(g: Inputs, f: Path, name: str, data: Any, grid: Geometry = GRID) -> Inputs:
    write_nrrd(f / "bad.nrrd", Volume(np.asarray(data), grid))
    return {**g, name: f / "bad.nrrd"}


def table(g: Inputs, f: Path, **columns: list[Any]) -> Inputs:
    write_table(f / "bad.parquet", columns)
    return {**g, "measured": f / "bad.parquet"}


def without(g: Inputs, *names: str) -> Inputs:
    return {name: path for name, path in g.items() if name not in names}


def raw(g: Inputs, f: Path, name: str, file: str, content: bytes) -> Inputs:
    (f / file).write_bytes(content)
    return {**g, name: f / file}


def nan_at_start() -> Any:
    data = VALUES.copy()
    data[0, 0, :2] = np.nan
    return data


ALL = ("labels", "truth", "volume", "reference", "measured", "expected")
TABLES = "bad.parquet and expected.parquet"
BAD: dict[str, tuple[Callable[[Inputs, Path], Inputs], str, str]] = {
    "nothing given": (lambda g, f: without(g, *ALL), "inputs", "nothing to compare"),
    "labels without truth": (lambda g, f: without(g, "truth"), "input truth", "is missing"),
    "reference without volume": (lambda g, f: without(g, "volume"), "input volume", "is missing"),
    "expected without measured": (lambda g, f: without(g, "measured"), "input measured", "is missing"),
    "labels moved by 0.01 mm": (
        lambda g, f: segmentation(g, f, "labels", LABELS, MOVED, NAMES),
        "bad.seg.nrrd and truth.seg.nrrd",
        "not on the same grid",
    ),
    "labels of another size": (
        lambda g, f: segmentation(g, f, "labels", LABELS[:3], replace(GRID, size=(6, 5, 3)), NAMES),
        "bad.seg.nrrd and truth.seg.nrrd",
        "not on the same grid (sizes 6x5x3 and 6x5x4)",
    ),
    "undeclared label": (
        lambda g, f: segmentation(g, f, "truth", LABELS, GRID, {1: "femur"}),
        "bad.seg.nrrd",
        "undeclared label 2",
    ),
    "one name twice": (
        lambda g, f: segmentation(g, f, "truth", LABELS, GRID, {1: "femur", 2: "femur"}),
        "bad.seg.nrrd",
        "two segments named 'femur'",
    ),
    "volume moved": (lambda g, f: volume(g, f, "volume", VALUES, MOVED), "bad.nrrd and reference.nrrd", "same grid"),
    "NaN in volume": (lambda g, f: volume(g, f, "volume", nan_at_start()), "bad.nrrd", "2 voxels that are NaN"),
    "infinity in reference": (lambda g, f: volume(g, f, "reference", VALUES / 0), "bad.nrrd", "NaN or infinite"),
    "not an NRRD": (lambda g, f: raw(g, f, "truth", "bad.nrrd", b"hello"), "bad.nrrd", "not a readable NRRD"),
    "not a table": (lambda g, f: raw(g, f, "measured", "bad.parquet", b"hi"), "bad.parquet", "not a readable table"),
    "no identifier column": (lambda g, f: table(g, f, volume_cm3=[1.0]), "bad.parquet", "no column 'item'"),
    "empty identifier": (
        lambda g, f: table(g, f, item=["a", None], volume_cm3=[1.0, 2.0]),
        "bad.parquet",
        "no 'item' in row 2",
    ),
    "identifier twice": (
        lambda g, f: table(g, f, item=["a", "b", "a"], volume_cm3=[1.0, 2.0, 3.0]),
        "bad.parquet",
        "rows 1 and 3 with the same identifier (a)",
    ),
    "NaN in a column": (
        lambda g, f: table(g, f, item=["a", "b"], volume_cm3=[1.0, float("nan")]),
        "bad.parquet",
        "column 'volume_cm3' is NaN or infinite in row 2",
    ),
    "many infinities": (
        lambda g, f: table(g, f, item=list("abcdefg"), volume_cm3=[float("inf")] * 7),
        "bad.parquet",
        "in row 1, 2, 3, 4, 5 and 2 more",
    ),
    "text for numbers": (
        lambda g, f: table(g, f, item=["a", "b"], volume_cm3=["1", "2"]),
        TABLES,
        "column 'volume_cm3' is numeric in one table only",
    ),
    "no row in common": (lambda g, f: table(g, f, item=[1, 2], volume_cm3=[1.0, 2.0]), TABLES, "share no row"),
    "no column in common": (
        lambda g, f: table(g, f, item=["a", "b"], mass_kg=[1.0, 2.0]),
        TABLES,
        "share no numeric column",
    ),
}


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize("case", BAD)
def test_a_bad_item_is_named_and_stops_no_other(case: str, good: Inputs, tmp_path: Path, run_stage: RunStage) -> None:
    make, where, what = BAD[case]
    records = run_stage({"good": good, "bad": make(good, tmp_path), "after": good})
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
        assert run_stage({"one": good})["one"]["status"] == "ok"
        folder = tmp_path / "out" / "one"
        files.append({path.name: path.read_bytes() for path in folder.iterdir() if path.name != "timing.json"})
    assert set(files[0]) == {"record.json", "agreement.json", "classes.parquet", "limits.parquet"}
    assert files[0] == files[1]
    found = json.loads(files[0]["agreement.json"])
    assert set(found) == {"schema_version", "classes", "volume", "table"}
    assert [row["name"] for row in found["classes"]] == ["femur", "gracilis"]
    assert found["volume"]["max_abs"] == 0


@pytest.mark.parametrize("pair", [ALL[:2], ALL[2:4], ALL[4:]])
def test_each_pair_stands_alone(pair: tuple[str, str], good: Inputs, tmp_path: Path, run_stage: RunStage) -> None:
    record = run_stage({"one": {name: good[name] for name in pair}})["one"]
    assert record["status"] == "ok"
    expected = {"agreement"} | {"labels": {"classes"}, "measured": {"limits"}}.get(pair[0], set())
    assert set(record["outputs"]) == expected


def test_the_command_line_runs_a_request(good: Inputs, tmp_path: Path) -> None:
    inputs = {name: str(path) for name, path in good.items()}
    request = {"stage": "agreement", "items": [{"id": "one", "inputs": inputs}], "output": "out"}
    (tmp_path / "request.json").write_text(json.dumps(request))
    command = [sys.executable, "-m", "containers.agreement", "run", str(tmp_path / "request.json")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "out" / "one" / "record.json").read_text())["status"] == "ok"
