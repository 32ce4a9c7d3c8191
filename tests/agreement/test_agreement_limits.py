"""Volumes and tables: differences and limits of agreement against numpy and a hand-made table."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.agreement.columns import column_agreement
from containers.agreement.difference import compare
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd
from containers.toolkit.tables.table import read_table, write_table
from tests.agreement.conftest import RunStage

GRID = Geometry((6, 5, 4), (2.0, 2.0, 3.0), (0.0, 0.0, 0.0))


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1e6]))
@settings(max_examples=20, deadline=None)
def test_differences_are_those_of_numpy(seed: int, offset: float) -> None:
    rng = np.random.default_rng(seed)
    reference = rng.normal(offset, 10, GRID.shape)
    measured = reference + rng.normal(0.5, 1, GRID.shape)
    found = compare(measured, reference, 0.25, 0.01)
    gap = measured - reference
    assert found.voxels == 120
    assert found.bias == pytest.approx(gap.mean(), abs=1e-8)
    assert found.rms == pytest.approx(np.sqrt((gap**2).mean()), rel=1e-9)
    assert found.max_abs == np.abs(gap).max()
    assert found.correlation == pytest.approx(np.corrcoef(measured.ravel(), reference.ravel())[0, 1], rel=1e-6)
    limit = 0.25 + 0.01 * np.ptp(reference)
    assert found.within_tolerance == np.mean(np.abs(gap) <= limit)


def test_a_constant_volume_has_no_correlation() -> None:
    flat = np.full(GRID.shape, 0.1)
    assert compare(flat, flat, 0.0, 0.0).correlation is None
    assert compare(flat, flat, 0.0, 0.0).within_tolerance == 1.0


def test_unsigned_volumes_do_not_wrap(tmp_path: Path, run_stage: RunStage) -> None:
    write_nrrd(tmp_path / "a.nrrd", Volume(np.full(GRID.shape, 3, np.uint16), GRID))
    reference = np.full(GRID.shape, 5, np.uint16)
    reference[0, 0, 0] = 105
    write_nrrd(tmp_path / "b.nrrd", Volume(reference, GRID))
    inputs = {"volume": tmp_path / "a.nrrd", "reference": tmp_path / "b.nrrd"}
    found = {k: m["value"] for k, m in run_stage({"one": inputs}, tolerance=2.0)["one"]["metrics"].items()}
    assert found["difference_bias"] == pytest.approx(-(2 * 119 + 102) / 120)
    assert (found["difference_max_abs"], found["correlation"]) == (102, None)
    assert found["fraction_within_tolerance"] == pytest.approx(119 / 120)


@pytest.mark.parametrize(("pairs", "n"), [([], 0), ([(1.0, None)], 0), ([(3.0, 1.0)], 1)])
def test_too_few_pairs_leave_limits_undefined(pairs: list[tuple[float, float | None]], n: int) -> None:
    found = column_agreement("x", [a for a, _ in pairs], [b for _, b in pairs])
    assert (found.n, found.undefined) == (n, len(pairs) - n)
    assert found.bias == (2.0 if n else None)
    assert found.limits is None


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=40))
@settings(max_examples=40, deadline=None)
def test_limits_are_those_of_measured_less_expected(gaps: list[float]) -> None:
    found = column_agreement("x", [*(g + 7 for g in gaps), None, 1.0], [*([7.0] * len(gaps)), 1.0, None])
    mean, sd = np.mean(gaps), np.std(gaps, ddof=1)
    assert (found.name, found.n, found.undefined) == ("x", len(gaps), 2)
    assert found.bias == pytest.approx(mean, abs=1e-9)
    assert found.limits is not None
    assert (found.limits.mean, found.limits.sd) == pytest.approx((mean, sd), abs=1e-9)
    assert (found.limits.low, found.limits.high) == pytest.approx((mean - 1.96 * sd, mean + 1.96 * sd), abs=1e-9)


def write_tables(folder: Path, measured: dict[str, list[Any]], expected: dict[str, list[Any]]) -> dict[str, Path]:
    write_table(folder / "measured.parquet", measured)
    write_table(folder / "expected.csv", expected)
    return {"measured": folder / "measured.parquet", "expected": folder / "expected.csv"}


def test_no_row_and_no_value_is_dropped_silently(tmp_path: Path, run_stage: RunStage) -> None:
    measured = {
        "item": ["d", "a", "b", "c"],
        "site": ["x", "x", "y", "y"],
        "volume_cm3": [9.0, 10.0, 22.0, 33.0],
        "pdff_percent": [1.0, 5.0, None, 7.0],
        "extra": [1, 2, 3, 4],
    }
    expected = {
        "item": ["a", "b", "c", "e"],
        "site": ["x", "y", "z", "z"],
        "volume_cm3": [9.0, 20.0, 30.0, 1.0],
        "pdff_percent": [4.0, 5.0, 5.0, 6.0],
    }
    record = run_stage({"one": write_tables(tmp_path, measured, expected)})["one"]
    found = {name: metric["value"] for name, metric in record["metrics"].items()}
    assert found["bias.volume_cm3"] == pytest.approx((1 + 2 + 3) / 3)
    assert found["sd.volume_cm3"] == pytest.approx(1)
    assert found["limit_upper.volume_cm3"] == pytest.approx(2 + 1.96)
    assert (found["pairs.volume_cm3"], found["pairs_undefined.volume_cm3"]) == (3, 0)
    assert (found["pairs.pdff_percent"], found["pairs_undefined.pdff_percent"]) == (2, 1)
    assert found["bias.pdff_percent"] == pytest.approx((1 + 2) / 2)
    assert (found["rows_compared"], found["rows_only_measured"], found["rows_only_expected"]) == (3, 1, 1)
    assert found["columns_unmatched"] == 1
    assert record["warnings"] == ["rows only measured: d", "rows only expected: e", "columns unmatched: extra"]
    table = read_table(tmp_path / "out" / "one" / "limits.parquet")
    assert table["column"] == ["volume_cm3", "pdff_percent"]
    assert table["upper"] == pytest.approx([2 + 1.96, 1.5 + 1.96 * np.sqrt(0.5)])


def test_rows_may_have_several_identifiers(tmp_path: Path, run_stage: RunStage) -> None:
    measured = {"name": ["femur", "femur"], "side": ["left", "right"], "volume_cm3": [11, 22]}
    expected = {"name": ["femur", "femur"], "side": ["right", "left"], "volume_cm3": [20.0, 10.0]}
    inputs = write_tables(tmp_path, measured, expected)
    record = run_stage({"one": inputs}, id_columns=["name", "side"])["one"]
    assert record["metrics"]["bias.volume_cm3"]["value"] == pytest.approx(1.5)
