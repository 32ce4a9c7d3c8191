"""Dice of label maps, by hand and beside scikit-learn."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from containers.contract.errors import ItemFault
from containers.toolkit.networks.dice import Labels, dice_per_class, mean_present, score, summary
from containers.toolkit.networks.training_set import Dataset, Pair

LABELS = {1: "one", 2: "two", 3: "three"}


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


def pair(name: str) -> Pair:
    return Pair(name, name, Path(name), Path(name))


def test_sets_are_scored_over_the_structures_that_they_have() -> None:
    maps: dict[str, tuple[Labels, Labels]] = {
        "a": (np.array([1, 1, 2, 0], np.uint8), np.array([1, 1, 2, 2], np.uint8)),
        "b": (np.array([1, 0, 0, 0], np.uint8), np.array([1, 1, 0, 0], np.uint8)),
    }
    dataset = Dataset({"test": [pair("a"), pair("b")], "none": []}, LABELS)
    found = score(dataset, ["test", "none"], lambda one: maps[one.identifier])
    test = found["test"]
    assert test["volumes"] == {"a": [1.0, pytest.approx(2 / 3), None], "b": [pytest.approx(2 / 3), None, None]}
    assert test["dice"] == {"one": pytest.approx(5 / 6), "two": pytest.approx(2 / 3), "three": None}
    assert test["mean_dice"] == pytest.approx(0.75) and test["lowest_in_a_volume"] == pytest.approx(2 / 3)
    assert found["none"]["mean_dice"] is None
    assert summary(found).splitlines() == [
        "test: mean 0.7500; lowest two 0.667, one 0.833", "none: mean undefined; lowest undefined"
    ]  # fmt: skip


def test_a_set_that_is_not_there_is_named() -> None:
    with pytest.raises(ItemFault, match=r"split\.json: has no set 'holdout'.*known: test"):
        score(Dataset({"test": []}, LABELS), ["holdout"], lambda one: (np.zeros(1, np.uint8), np.zeros(1, np.uint8)))
