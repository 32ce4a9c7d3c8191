"""Volumes, indices, ratios and asymmetry against counts made by hand."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.composition.volumes import asymmetry_percent, count_voxels, side_volumes_cm3
from containers.toolkit.images.labels import THIGH_LABELS, label_of
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry
from containers.toolkit.tables.table import read_table
from tests.composition.boxes import GRID, VOXEL_CM3, box_labels, cut_warning, even_widths
from tests.composition.conftest import RunStage

BOX_CM3 = 40 * VOXEL_CM3
"""Volume of a box one voxel wide: 40 voxels of 4 x 5 x 6 mm, 4.8 cm3."""


def item(path: Path, **facts: float | str) -> dict[str, object]:
    return {"id": "one", "inputs": {"labels": path}, "facts": facts}


def values(record: dict[str, dict[str, dict[str, float]]]) -> dict[str, float]:
    return {name: metric["value"] for name, metric in record["metrics"].items()}


def test_every_measure_of_a_box_thigh_by_hand(tmp_path: Path, run_stage: RunStage) -> None:
    left, right = even_widths(10), even_widths(8)
    left[label_of("vastus_lateralis")] = 20  # quadriceps left 10 + 20 + 10 + 10 = 50 widths, right 32
    left[label_of("biceps_femoris")] = 4  # hamstrings left 24 widths, right 24
    write_segmentation(tmp_path / "a.seg.nrrd", box_labels(left, right), GRID, THIGH_LABELS)
    record = run_stage([item(tmp_path / "a.seg.nrrd", height_m=1.5)])["one"]
    found = values(record)
    total_left, total_right = 25 * 10 + 10 - 6, 25 * 8
    assert found["volume_cm3.vastus_lateralis"] == pytest.approx(28 * BOX_CM3, rel=1e-12)
    assert found["volume_cm3.femur"] == pytest.approx(18 * BOX_CM3, rel=1e-12)
    assert found["tmv_cm3"] == pytest.approx((total_left + total_right) * BOX_CM3, rel=1e-12)
    assert found["tvi_cm3_per_m2"] == pytest.approx(454 * BOX_CM3 / 2.25, rel=1e-12)
    assert found["tvi_cm3_per_cm2"] == pytest.approx(454 * BOX_CM3 / 22500, rel=1e-12)
    assert found["pa_ratio_hamstrings_quadriceps"] == pytest.approx(48 / 82, rel=1e-12)
    assert found["pa_ratio_compartments"] == pytest.approx(48 / 100, rel=1e-12)
    assert found["volume_left_cm3.total"] == pytest.approx(total_left * BOX_CM3, rel=1e-12)
    assert found["volume_right_cm3.quadriceps"] == pytest.approx(32 * BOX_CM3, rel=1e-12)
    assert found["asymmetry_percent.total"] == pytest.approx(100 * 54 / 254, rel=1e-12)
    assert found["asymmetry_percent.quadriceps"] == pytest.approx(100 * 18 / 50, rel=1e-12)
    assert found["asymmetry_percent.hamstrings"] == pytest.approx(0, abs=1e-12)
    assert found["muscles_present"] == 25
    assert record["warnings"] == [cut_warning()]
    assert record["details"]["midline"]["from"] == "bones"
    table = read_table(tmp_path / "out" / "one" / "measures.parquet")
    rows = dict(zip(zip(table["name"], table["side"], strict=True), table["volume_cm3"], strict=True))
    assert len(rows) == 27 * 3
    assert rows["biceps_femoris", "left"] == pytest.approx(4 * BOX_CM3, rel=1e-12)
    assert rows["biceps_femoris", "both"] == pytest.approx(12 * BOX_CM3, rel=1e-12)


def test_the_index_in_both_units_from_known_volume_and_height(tmp_path: Path, run_stage: RunStage) -> None:
    """25 muscles of 20 boxes each over 1.692 m squared; with the height in cm it is the ten-thousandth part."""
    write_segmentation(tmp_path / "a.seg.nrrd", box_labels(even_widths(10), even_widths(10)), GRID, THIGH_LABELS)
    metrics = run_stage([item(tmp_path / "a.seg.nrrd", height_m=1.692)])["one"]["metrics"]
    volume_cm3 = 25 * 20 * BOX_CM3
    in_metres, in_centimetres = metrics["tvi_cm3_per_m2"], metrics["tvi_cm3_per_cm2"]
    assert in_metres["value"] == pytest.approx(volume_cm3 / 2.862864, rel=1e-12)
    assert in_centimetres["value"] == pytest.approx(volume_cm3 / 28628.64, rel=1e-12)
    assert (in_metres["unit"], in_centimetres["unit"]) == ("cm3/m2", "cm3/cm2")


def test_what_is_missing_is_undefined_with_a_reason(tmp_path: Path, run_stage: RunStage) -> None:
    left, right = even_widths(), even_widths()
    for side in (left, right):
        del side[label_of("gracilis")], side[label_of("vastus_medialis")]
    write_segmentation(tmp_path / "a.seg.nrrd", box_labels(left, right), GRID, THIGH_LABELS)
    metrics = run_stage([item(tmp_path / "a.seg.nrrd")])["one"]["metrics"]
    undefined = {
        "volume_cm3.gracilis": "no voxel",
        "tmv_cm3": "no voxel of vastus_medialis, gracilis",
        "tvi_cm3_per_m2": "fact height_m is not given",
        "pa_ratio_hamstrings_quadriceps": "no voxel of vastus_medialis",
        "pa_ratio_compartments": "no voxel of vastus_medialis",
        "asymmetry_percent.total": "no voxel of vastus_medialis, gracilis",
        "asymmetry_percent.quadriceps": "no voxel of vastus_medialis",
    }
    assert {name: metrics[name]["note"] for name in undefined} == undefined
    assert all(metrics[name]["value"] is None for name in undefined)
    assert metrics["asymmetry_percent.hamstrings"]["value"] == 0
    assert metrics["muscles_present"]["value"] == 23


def test_a_lost_side_of_a_muscle_is_full_asymmetry(tmp_path: Path, run_stage: RunStage) -> None:
    right = {label: width for label, width in even_widths().items() if not 19 <= label <= 21}
    write_segmentation(tmp_path / "a.seg.nrrd", box_labels(even_widths(), right), GRID, THIGH_LABELS)
    record = run_stage([item(tmp_path / "a.seg.nrrd")])["one"]
    assert record["metrics"]["asymmetry_percent.hamstrings"]["value"] == 100
    assert record["metrics"]["volume_right_cm3.hamstrings"] == {
        "value": None,
        "unit": "cm3",
        "note": "no voxel on this side",
    }


def test_slicer_names_are_known(tmp_path: Path, run_stage: RunStage) -> None:
    names = {label: name.replace("_", " ").capitalize() for label, name in THIGH_LABELS.items()}
    write_segmentation(tmp_path / "a.seg.nrrd", box_labels(even_widths(), even_widths()), GRID, names)
    found = values(run_stage([item(tmp_path / "a.seg.nrrd")])["one"])
    assert found["volume_cm3.rectus_femoris"] == pytest.approx(20 * BOX_CM3, rel=1e-12)


def test_oblique_voxels_have_the_volume_of_their_parallelepiped() -> None:
    # Steps 2 mm along x, 3 mm at 30 degrees to x in the plane, 5 mm along z: height 3 sin 30 = 1.5, volume 15 mm3.
    tilted = (float(np.cos(np.pi / 6)), 0.5, 0.0)
    grid = Geometry((10, 10, 10), (2.0, 3.0, 5.0), (0.0, 0.0, 0.0), ((1.0, 0.0, 0.0), tilted, (0.0, 0.0, 1.0)))
    labels = np.zeros(grid.shape, np.uint8)
    labels[2:4, 3:8, 1:9] = 7
    volumes = side_volumes_cm3(count_voxels(labels, grid, None), grid.voxel_cm3)
    assert volumes["both"][7] == pytest.approx(2 * 5 * 8 * 15 / 1000, rel=1e-12)


def test_a_sphere_has_the_volume_of_a_sphere() -> None:
    grid = Geometry((70, 60, 50), (0.8, 1.0, 1.2), (-27.7, -29.4, -29.1))
    k, j, i = np.indices(grid.shape)
    inside = np.linalg.norm(grid.position_mm(np.stack([i, j, k], -1)), axis=-1) < 25
    volumes = side_volumes_cm3(count_voxels(inside.astype(np.uint8), grid, None), grid.voxel_cm3)
    assert volumes["both"][1] == pytest.approx(4 / 3 * np.pi * 2.5**3, rel=2e-3)


@given(st.integers(0, 2**32 - 1), st.integers(0, 11))
@settings(max_examples=25, deadline=None)
def test_volumes_add_up_over_labels_and_slabs(seed: int, cut: int) -> None:
    labels = np.random.default_rng(seed).integers(0, 256, (12, 7, 9)).astype(np.uint8)
    grid = Geometry((9, 7, 12), (1.0, 2.0, 3.0), (0.0, 0.0, 0.0))
    counts = count_voxels(labels, grid, None)
    assert counts.sum() == labels.size
    parts = [count_voxels(part, grid, None) for part in (labels[:cut], labels[cut:])]
    np.testing.assert_array_equal(parts[0] + parts[1], counts)


@pytest.mark.parametrize(("left", "right", "expected"), [(97.0, 100.0, 3.0), (100.0, 97.0, 3.0), (0.0, 5.0, 100.0)])
def test_asymmetry_is_relative_to_the_larger_side(left: float, right: float, expected: float) -> None:
    assert asymmetry_percent(left, right) == (pytest.approx(expected, rel=1e-12), "")


def test_asymmetry_of_nothing_is_undefined() -> None:
    assert asymmetry_percent(0.0, 0.0) == (None, "no voxel on either side")
