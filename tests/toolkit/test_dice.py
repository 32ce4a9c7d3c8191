"""Dice of label maps, by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from containers.toolkit.networks.dice import dice_per_class, mean_present


def test_dice_of_label_maps_by_hand() -> None:
    truth = np.array([[[1, 1, 2, 0]]], np.uint8)
    found = np.array([[[1, 0, 2, 2]]], np.uint8)
    values = dice_per_class(found, truth, 4)
    assert values == [pytest.approx(2 / 3), pytest.approx(2 / 3), None]
    assert mean_present(values) == pytest.approx(2 / 3)
    assert mean_present([None]) is None


def test_dice_is_the_f1_score_of_a_class() -> None:
    rng = np.random.default_rng(1)
    truth, found = rng.integers(0, 4, (2, 3, 5, 7)).astype(np.uint8)
    expected = f1_score(truth.ravel(), found.ravel(), labels=[1, 2, 3], average=None)
    assert dice_per_class(found, truth, 4) == pytest.approx(list(expected))
