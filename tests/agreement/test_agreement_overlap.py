"""Overlap measures: by hand, against MONAI and surface-distance, and their properties."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import surface_distance
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai import metrics

from containers.agreement.overlap import ClassAgreement, class_agreement, joint_histogram, mean
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry
from containers.toolkit.tables.table import read_table
from tests.agreement.conftest import RunStage

Labels = npt.NDArray[np.uint8]
GRID = Geometry((10, 8, 6), (2.0, 2.5, 4.0), (0.0, 0.0, 0.0))
VOXEL_CM3 = 0.02
NAMES = {1: "femur", 2: "gracilis", 3: "sartorius", 4: "pectineus", 5: "multifidus"}


def blobs(seed: int, classes: int, shape: tuple[int, int, int] = (12, 10, 14)) -> tuple[Labels, Labels]:
    """Two label maps that agree in most voxels; some classes may be absent from either."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(np.arange(classes), size=max(2, classes // 2), replace=False)
    truth = rng.choice(chosen, size=shape).astype(np.uint8)
    wrong = rng.random(shape) < 0.3
    return np.where(wrong, rng.integers(0, classes, shape), truth).astype(np.uint8), truth


def agreement(labels: Labels, truth: Labels, classes: int) -> list[ClassAgreement]:
    values = {f"class {label}": label for label in range(1, classes)}
    return class_agreement(joint_histogram(labels, truth), values, values)


def write_pair(folder: Path, labels: Labels, truth: Labels, names: dict[int, str] = NAMES) -> dict[str, Path]:
    write_segmentation(folder / "labels.seg.nrrd", labels, GRID, names)
    write_segmentation(folder / "truth.seg.nrrd", truth, GRID, NAMES)
    return {"labels": folder / "labels.seg.nrrd", "truth": folder / "truth.seg.nrrd"}


def hand_pair() -> tuple[Labels, Labels]:
    """femur: truth 60, predicted 40, both 30. gracilis missed (20). sartorius false (8). pectineus equal (12)."""
    truth, labels = np.zeros(GRID.shape, np.uint8), np.zeros(GRID.shape, np.uint8)
    truth[0, :6, :10] = 1
    labels[0, :3, :10] = 1
    labels[1, :1, :10] = 1
    truth[2, :2, :10] = 2
    labels[3, :1, :8] = 3
    truth[4, :3, :4] = labels[4, :3, :4] = 4
    return labels, truth


def test_every_measure_by_hand(tmp_path: Path, run_stage: RunStage) -> None:
    record = run_stage({"one": write_pair(tmp_path, *hand_pair())})["one"]
    found = {name: metric["value"] for name, metric in record["metrics"].items()}
    expected = {
        "dice.femur": 60 / 100,
        "iou.femur": 30 / 70,
        "precision.femur": 30 / 40,
        "recall.femur": 30 / 60,
        "volume_error_cm3.femur": -20 * VOXEL_CM3,
        "volume_error_percent.femur": -100 / 3,
        "dice.gracilis": 0,
        "precision.gracilis": None,
        "recall.gracilis": 0,
        "volume_error_percent.gracilis": -100,
        "dice.sartorius": 0,
        "iou.sartorius": 0,
        "precision.sartorius": 0,
        "recall.sartorius": None,
        "volume_error_cm3.sartorius": 8 * VOXEL_CM3,
        "volume_error_percent.sartorius": None,
        "dice.pectineus": 1,
        "dice.multifidus": None,
        "volume_error_cm3.multifidus": None,
        "mean_dice": (0.6 + 0 + 1) / 3,
        "mean_iou": (30 / 70 + 0 + 1) / 3,
        "mean_precision": (0.75 + 1) / 2,
        "mean_recall": (0.5 + 0 + 1) / 3,
        "mean_dice_with_false_positives": (0.6 + 0 + 0 + 1) / 4,
        "mean_absolute_volume_error_percent": (100 / 3 + 100 + 0) / 3,
        "classes_averaged": 3,
        "classes_missed": 1,
        "classes_false_positive": 1,
        "classes_absent_from_both": 1,
        "false_positive_volume_cm3": 8 * VOXEL_CM3,
    }
    for name, value in expected.items():
        assert found[name] == (None if value is None else pytest.approx(value, rel=1e-12)), name
    assert record["metrics"]["dice.multifidus"]["note"] == "absent from both"
    assert record["details"]["classes_false_positive"] == ["sartorius"]
    table = read_table(tmp_path / "out" / "one" / "classes.parquet")
    assert dict(zip(table["name"], table["state"], strict=True)) == {
        "femur": "in both",
        "gracilis": "missed",
        "sartorius": "false positive",
        "pectineus": "in both",
        "multifidus": "absent from both",
    }


def test_classes_are_matched_by_name_not_by_number(tmp_path: Path, run_stage: RunStage) -> None:
    labels, truth = hand_pair()
    plain = run_stage({"one": write_pair(tmp_path, labels, truth)})["one"]["metrics"]
    renumber = np.array([0, 5, 4, 3, 2, 1], np.uint8)
    names = {int(renumber[value]): name for value, name in NAMES.items()}
    other = run_stage({"two": write_pair(tmp_path, renumber[labels], truth, names)})["two"]["metrics"]
    assert other == plain


def test_a_class_of_one_map_only_is_named(tmp_path: Path, run_stage: RunStage) -> None:
    labels, truth = hand_pair()
    record = run_stage({"one": write_pair(tmp_path, labels, truth, {**NAMES, 3: "quadratus_femoris"})})["one"]
    assert record["details"]["classes_declared_in_one_map"] == ["quadratus_femoris", "sartorius"]
    assert record["metrics"]["precision.quadratus_femoris"]["value"] == 0
    assert record["metrics"]["dice.sartorius"]["note"] == "absent from both"
    assert "quadratus_femoris, sartorius" in record["warnings"][0]


@pytest.mark.parametrize("seed", range(4))
def test_equal_to_monai(seed: int) -> None:
    classes = 28
    labels, truth = blobs(seed, classes)
    hot = [
        torch.nn.functional.one_hot(torch.from_numpy(a).long(), classes).movedim(-1, 0)[None] for a in (labels, truth)
    ]
    dice = metrics.DiceMetric(include_background=False, reduction="none", ignore_empty=True)
    dice(*hot)
    names = ["precision", "recall", "threat score"]
    confusion = metrics.ConfusionMatrixMetric(include_background=False, metric_name=names, reduction="none")
    confusion(*hot)
    found = agreement(labels, truth, classes)
    # MONAI leaves a class that the truth lacks undefined (nan); here a false positive is 0 and left out of the mean.
    ours = [one.dice if one.true else None for one in found]
    np.testing.assert_allclose(np.array(ours, float), dice.aggregate()[0].numpy(), rtol=2e-7)
    for name, theirs in zip(("precision", "recall", "iou"), confusion.aggregate(), strict=True):
        np.testing.assert_allclose(np.array([getattr(one, name) for one in found], float), theirs[0], rtol=2e-7)
    mean_metric = metrics.DiceMetric(include_background=False, reduction="mean")
    mean_metric(*hot)
    assert mean(one.dice for one in found if one.true) == pytest.approx(float(mean_metric.aggregate()), rel=2e-7)
    assert any(one.state == "false positive" for one in found)


@pytest.mark.parametrize("seed", range(4))
def test_equal_to_surface_distance(seed: int) -> None:
    labels, truth = blobs(seed, 12)
    for label, one in enumerate(agreement(labels, truth, 12), start=1):
        theirs = surface_distance.compute_dice_coefficient(truth == label, labels == label)
        assert one.dice == (None if np.isnan(theirs) else pytest.approx(theirs, rel=1e-14))


@given(st.integers(0, 2**32 - 1), st.integers(2, 256))
@settings(max_examples=30, deadline=None)
def test_properties_of_the_measures(seed: int, classes: int) -> None:
    labels, truth = blobs(seed, classes, (5, 6, 7))
    there, back = agreement(labels, truth, classes), agreement(truth, labels, classes)
    assert sum(one.true for one in there) == np.count_nonzero(truth)
    for one, other in zip(there, back, strict=True):
        assert one.dice == other.dice
        assert (one.precision, one.recall) == (other.recall, other.precision)
        if one.dice is not None and one.iou is not None:
            assert one.iou == pytest.approx(one.dice / (2 - one.dice), rel=1e-12)
            assert 0 <= one.iou <= one.dice <= 1
    assert all(one.dice in (1.0, None) for one in agreement(truth, truth, classes))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_permuted_labels_permute_the_classes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels, truth = blobs(seed, 9, (5, 6, 7))
    order = np.concatenate([[0], rng.permutation(np.arange(1, 9))]).astype(np.uint8)
    plain, permuted = agreement(labels, truth, 9), agreement(order[labels], order[truth], 9)
    for label in range(1, 9):
        assert plain[label - 1].dice == permuted[order[label] - 1].dice


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_the_joint_histogram_counts_each_pair(seed: int) -> None:
    labels, truth = blobs(seed, 6, (4, 5, 6))
    joint = joint_histogram(labels, truth, 6)
    expected = [[np.count_nonzero((labels == row) & (truth == column)) for column in range(6)] for row in range(6)]
    np.testing.assert_array_equal(joint, expected)


def test_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        joint_histogram(np.zeros((2, 3, 4), np.uint8), np.zeros((2, 4, 3), np.uint8))


@pytest.mark.parametrize(
    ("fault", "metric"),
    [("eroded", "recall"), ("dilated", "precision"), ("shifted", "dice"), ("mislabelled", "dice")],
)
def test_each_fault_of_a_segmentation_shows(fault: str, metric: str) -> None:
    truth = np.zeros((20, 20, 20), np.uint8)
    truth[4:16, 4:16, 4:10] = 1
    truth[4:16, 4:16, 10:16] = 2
    labels: Any = truth.copy()
    if fault == "eroded":
        labels[4], labels[15] = 0, 0
    elif fault == "dilated":
        labels[3] = labels[4]
    elif fault == "shifted":
        labels = np.roll(truth, 2, axis=0)
    else:
        labels[truth == 1], labels[truth == 2] = 2, 1
    expected = {"eroded": 10 / 12, "dilated": 12 / 13, "shifted": 10 / 12, "mislabelled": 0.0}[fault]
    assert all(getattr(one, metric) == pytest.approx(expected) for one in agreement(labels, truth, 3))
