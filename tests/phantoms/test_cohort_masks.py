"""Graded faults of masks, against balls whose volumes and Dice are known."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

import phantoms
from phantoms.cohorts import masks

SPACING = (1.0, 1.0, 1.5)
RADIUS = 14.0


def ball(label: int = 2) -> masks.Labels:
    """A ball in the middle of a grid of 60 mm, (k, j, i)."""
    k, j, i = np.indices((41, 61, 61))
    square = ((k - 20) * SPACING[2]) ** 2 + ((j - 30) * SPACING[1]) ** 2 + ((i - 30) * SPACING[0]) ** 2
    return np.where(square <= RADIUS**2, label, 0).astype(np.uint8)


def test_no_shift_gives_the_labels_back() -> None:
    labels = ball()
    labels[labels == 2] = 2 + (np.indices(labels.shape)[2] > 30)[labels == 2]
    [same] = masks.moved(labels, SPACING, {2: [0.0], 3: [0.0]})
    assert (same == labels).all()


@pytest.mark.parametrize("shift", [-3.0, -1.0, -0.4, 0.4, 1.0, 3.0])
def test_a_boundary_moves_by_the_shift(shift: float) -> None:
    labels = ball()
    [found] = masks.moved(labels, SPACING, {2: [shift]})
    true, got = (labels > 0).sum(), (found > 0).sum()
    # A ball's radius grows by the shift; distances between voxel centres are good to a quarter of a voxel.
    assert abs((got / true) ** (1 / 3) * RADIUS - RADIUS - shift) < 0.3
    inner = min(RADIUS, RADIUS + shift) ** 3
    dice = 2 * inner / (RADIUS**3 + (RADIUS + shift) ** 3)
    assert abs(2 * ((labels > 0) & (found > 0)).sum() / (true + got) - dice) < 0.03


def test_where_two_claim_a_voxel_the_one_that_moved_further_takes_it() -> None:
    labels = ball()
    labels[labels == 2] = 2 + (np.indices(labels.shape)[2] > 30)[labels == 2]
    [found] = masks.moved(labels, SPACING, {2: [3.0], 3: [-3.0]})
    plane = found[20, 30]
    assert (plane[28:33] == 2).all()
    assert (found == 2).sum() > (labels == 2).sum()
    assert (found == 3).sum() < (labels == 3).sum()


def test_the_random_field_has_sd_1_and_the_correlation_asked_for() -> None:
    field = masks.smooth_field((60, 120, 120), (2.0, 2.0, 2.0), np.random.default_rng(1))
    assert abs(field.std() - 1) < 0.15
    lag = round(masks.CORRELATION_MM / 2.0)
    r = np.corrcoef(field[:, :, :-lag].ravel(), field[:, :, lag:].ravel())[0, 1]
    # At one correlation length a Gaussian correlation is exp(-1/2).
    assert abs(r - math.exp(-0.5)) < 0.1


def test_dice_and_logs_of_a_comparison_worked_by_hand() -> None:
    truth = np.zeros((1, 1, 60), dtype=np.uint8)
    truth[0, 0, :20], truth[0, 0, 20:50] = 19, 3  # hamstrings 20, quadriceps 30 voxels
    found = truth.copy()
    found[0, 0, 15:20] = 3
    said = masks.compare(truth, found)
    assert said["dice"] == pytest.approx((2 * 15 / 35 + 2 * 30 / 65) / 2)
    assert said["pa_error"] == pytest.approx(math.log((15 / 35) / (20 / 30)))
    assert said["tmv_error"] == pytest.approx(0.0)


def test_levels_are_mean_and_sd_between_persons() -> None:
    rows = [
        {"person": n, "fault": "depth", "strength_mm": 0.5, "dice": d, "pa_error": e, "tmv_error": -e}
        for n, (d, e) in enumerate([(0.9, 0.1), (0.92, 0.2), (0.94, 0.6)])
    ]
    none, level = masks.levels_of(rows)
    assert none == {"id": "none_0", "facts": {"fault": "none", "strength_mm": 0.0, "dice": 1.0}, "parameters": {}}
    assert level["id"] == "depth_0p5"
    assert level["facts"]["dice"] == pytest.approx(0.92)
    assert level["parameters"] == pytest.approx(
        {"pa_error_bias": 0.3, "pa_error_sd": math.sqrt(0.07), "tmv_error_bias": -0.3, "tmv_error_sd": math.sqrt(0.07)}
    )


@pytest.mark.slow
def test_stronger_faults_lower_dice_and_erosion_loses_muscle(tmp_path: Path) -> None:
    strengths = {"boundary": [1.0, 3.0], "depth": [0.5, 1.5], "erosion": [0.5, 1.5]}
    phantoms.make("graded_masks", {"persons": 2, "strengths_mm": strengths}, tmp_path)
    levels = {level["id"]: level for level in json.loads((tmp_path / "levels.json").read_text())["levels"]}
    for fault, (weak, strong) in strengths.items():
        dice = [levels[f"{fault}_{s:g}".replace(".", "p")]["facts"]["dice"] for s in (weak, strong)]
        assert 1 > dice[0] > dice[1] > 0.5
    assert (
        levels["erosion_1p5"]["parameters"]["tmv_error_bias"]
        < levels["erosion_0p5"]["parameters"]["tmv_error_bias"]
        < 0
    )
