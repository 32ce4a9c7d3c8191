"""Scores of whole sets by hand, and the command line that writes them."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from containers.contract.errors import ItemFault
from containers.toolkit.images.labels import SPINE_LABELS
from containers.toolkit.networks.dice import Labels
from containers.toolkit.networks.evaluation import Evaluated, command, score, summary
from containers.toolkit.networks.training_set import Dataset, Pair, read_pair
from tests.spine_segmentation.people import write_dataset

LABELS = {1: "one", 2: "two", 3: "three"}


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


def truth_of(dataset: Dataset, names: list[str]) -> dict[str, object]:
    """Scores of a network that finds the truth."""

    def twice(pair: Pair) -> tuple[Labels, Labels]:
        mask = read_pair(pair, dataset.labels)[1]
        return mask, mask

    return score(dataset, names, twice)


def test_the_command_writes_scores_and_a_line_a_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = write_dataset(tmp_path / "data", train=1), tmp_path / "scores.json"
    seen = []

    def load(options: argparse.Namespace) -> Evaluated:
        seen.append((options.weights, options.device))
        return Evaluated("abc", truth_of)

    call = ["weights", "--data", str(data), "--out", str(out), "--threads", "1"]
    assert command(argparse.ArgumentParser(), SPINE_LABELS, load, call) == 0
    assert seen == [(Path("weights"), "cpu")]
    written = json.loads(out.read_text())
    assert written["weights"] == "abc" and written["sets"]["test"]["volumes"] == {"c": [1.0] * 4}
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "test c: mean Dice 1.0000" and said[1].startswith("test: mean 1.0000; lowest ")


def test_the_command_says_a_fault_in_one_line_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = write_dataset(tmp_path / "data", train=1), tmp_path / "scores.json"
    call = ["weights", "--data", str(data), "--out", str(out), "--sets", "holdout", "--threads", "1"]
    assert command(argparse.ArgumentParser(), SPINE_LABELS, lambda options: Evaluated("abc", truth_of), call) == 3
    said = capsys.readouterr()
    assert said.err == "evaluate: split.json: has no set 'holdout'; known: train, validation, test\n"
    assert said.out == "" and not out.exists()
