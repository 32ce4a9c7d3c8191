"""Imports and tables against nibabel's own coordinates and hand-written truth."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from containers.contract.errors import ItemFault
from containers.contract.record import Metric, Record, StageId
from containers.toolkit.images.formats.nifti import Nifti
from containers.toolkit.images.volume import Geometry, Volume
from containers.toolkit.tables.table import read_table
from harness.run.steps.import_nifti import sample_nearest
from harness.run.steps.task import Task, perform

AFFINE = np.array([[0.0, -2.0, 0.1, 30.0], [1.5, 0.0, 0.0, -20.0], [0.0, 0.2, 3.0, 5.0], [0, 0, 0, 1.0]])


def test_nifti_keeps_every_voxel_at_its_place(tmp_path: Path) -> None:
    data = np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6)
    nibabel.save(nibabel.Nifti1Image(data, AFFINE), tmp_path / "a.nii.gz")
    volume = Nifti().read_volume(tmp_path / "a.nii.gz")
    assert volume.data.shape == (6, 5, 4)
    for i, j, k in [(0, 0, 0), (3, 4, 5), (1, 2, 3)]:
        ras = nibabel.affines.apply_affine(AFFINE, (i, j, k))
        assert volume.geometry.position_mm((i, j, k)) == pytest.approx([-ras[0], -ras[1], ras[2]], abs=1e-5)
        assert volume.data[k, j, i] == data[i, j, k]


@pytest.mark.parametrize("content", [b"", b"not nifti", b"\x1f\x8b broken"])
def test_what_is_no_nifti_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.nii.gz").write_bytes(content)
    with pytest.raises(ItemFault, match=r"a\.nii\.gz"):
        Nifti().read_volume(tmp_path / "a.nii.gz")


@given(st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.integers(-3, 3)))
def test_sampling_a_shifted_grid_moves_values_with_the_world(shift: tuple[int, int, int]) -> None:
    grid = Geometry(size=(5, 6, 7), spacing_mm=(2.0, 1.0, 3.0), origin_mm=(1.0, 2.0, 3.0))
    data = np.arange(210, dtype=np.float32).reshape(7, 6, 5) + 1
    origin = grid.position_mm(shift)
    moved = Geometry(grid.size, grid.spacing_mm, (float(origin[0]), float(origin[1]), float(origin[2])))
    sampled = sample_nearest(Volume(data, grid), moved)
    expected = np.zeros_like(data)
    di, dj, dk = shift
    for k in range(7):
        for j in range(6):
            for i in range(5):
                if 0 <= i + di < 5 and 0 <= j + dj < 6 and 0 <= k + dk < 7:
                    expected[k, j, i] = data[k + dk, j + dj, i + di]
    assert np.array_equal(sampled, expected)


def collect(tmp_path: Path, **parameters: object) -> tuple[Record, Path]:
    inputs = {}
    for item, shift in (("a", 0.0), ("b", 1.0)):
        metrics = {
            "volume_cm3.femur": Metric(value=10.0 + shift, unit="cm3"),
            "volume_cm3.gracilis": Metric(value=3.0, unit="cm3"),
            "tmv_cm3": Metric(value=None, unit="cm3", note="a muscle is missing"),
            "other": Metric(value=5.0, unit="1"),
        }
        record = Record(stage=StageId(name="s", version="1.0.0"), item=item, status="ok", metrics=metrics)
        inputs[f"record.{item}"] = tmp_path / f"{item}.record.json"
        inputs[f"record.{item}"].write_text(record.model_dump_json(), encoding="utf-8")
        inputs[f"phantom.{item}"] = tmp_path / f"{item}.phantom.json"
        truth = {"volume_cm3.femur": 10.0, "volume_cm3.gracilis": 3.5, "tmv_cm3": 9.0, "another": 6.0}
        inputs[f"phantom.{item}"].write_text(json.dumps({"truth": truth}), encoding="utf-8")
    given_parameters = {"metrics": ["volume_cm3.*"], "truth_names": {}, "leave_out": [], "items_left_out": ["c"]}
    folder = tmp_path / "out"
    folder.mkdir()
    perform(Task("collect", "cohort", inputs, {}, {**given_parameters, **parameters}), folder)
    return Record.model_validate_json((folder / "record.json").read_bytes()), folder


def test_collect_pairs_measured_and_true_values(tmp_path: Path) -> None:
    names = {"metrics": ["volume_cm3.*", "other"], "truth_names": {"other": "another"}, "leave_out": ["gracilis"]}
    record, folder = collect(tmp_path, **names)
    assert record.status == "ok" and record.warnings == ["left out: c has no result"]
    measured, expected = read_table(folder / "measured.parquet"), read_table(folder / "expected.parquet")
    assert measured["item"] == expected["item"] == ["a", "a", "b", "b"]
    assert measured["structure"] == ["all", "femur", "all", "femur"]
    assert measured["volume_cm3"] == [None, 10.0, None, 11.0] and expected["volume_cm3"] == [None, 10.0, None, 10.0]
    assert measured["other"] == [5.0, None, 5.0, None] and expected["other"] == [6.0, None, 6.0, None]


def test_collect_of_nothing_is_an_error_record(tmp_path: Path) -> None:
    record, _ = collect(tmp_path, metrics=["tmv_cm3"])
    assert record.status == "error" and record.error is not None and record.error.where == "tmv_cm3"
