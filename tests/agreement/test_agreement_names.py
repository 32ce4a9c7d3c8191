"""Classes of two tools are one by what they mean; voxels to be ignored count nowhere."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from containers.toolkit.images.segmentation import write_segmentation
from tests.agreement.conftest import RunStage
from tests.agreement.test_agreement_overlap import GRID

SHAPE = GRID.shape
LABELS = (np.arange(np.prod(SHAPE)).reshape(SHAPE) % 4).astype(np.uint8)


def compare(
    folder: Path, run: RunStage, first: tuple[Any, dict[int, str]], second: tuple[Any, dict[int, str]], **settings: Any
) -> dict[str, Any]:
    for name, (data, names) in {"labels": first, "truth": second}.items():
        write_segmentation(folder / f"{name}.seg.nrrd", data, GRID, names)
    return run({"a": {n: folder / f"{n}.seg.nrrd" for n in ("labels", "truth")}}, **settings)["a"]


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ({1: "Femur", 2: "Gracilis", 3: "Sartorius"}, {1: "femur", 2: "gracilis", 3: "sartorius"}),
        (
            {1: "left_autochthonous_muscle", 2: "right_autochthonous_muscle", 3: "left_hip"},
            {1: "autochthon_left", 2: "autochthon_right", 3: "hip_left"},
        ),
        ({1: "My Thing (L)", 2: "own", 3: "x"}, {1: "left my-thing", 2: "OWN", 3: "X"}),
    ],
)
def test_the_same_classes_under_two_names_agree(
    mine: dict[int, str], theirs: dict[int, str], tmp_path: Path, run_stage: RunStage
) -> None:
    record = compare(tmp_path, run_stage, (LABELS, mine), (LABELS, theirs))
    assert record["metrics"]["mean_dice"]["value"] == 1
    assert record["metrics"]["classes_averaged"]["value"] == 3
    assert record["details"]["classes_declared_in_one_map"] == []
    exact = compare(tmp_path, run_stage, (LABELS, mine), (LABELS, theirs), match="exact")
    assert exact["metrics"]["mean_dice"]["value"] == 0


def test_sides_are_one_where_one_map_has_them_so(tmp_path: Path, run_stage: RunStage) -> None:
    whole = np.where(LABELS > 1, 1, LABELS).astype(np.uint8)
    names = {1: "gracilis_left", 2: "gracilis_right", 3: "gracilis right"}
    record = compare(tmp_path, run_stage, (LABELS % 3, {1: names[1], 2: names[2]}), (LABELS % 3 > 0, {1: "Gracilis"}))
    assert record["metrics"]["dice.gracilis"]["value"] == 1
    assert "left and right are taken as one, as in one of the maps: gracilis" in record["warnings"]
    twice = compare(tmp_path, run_stage, (LABELS, names), (whole, {1: "gracilis"}))
    assert "two segments named 'gracilis_right'" in twice["error"]["what"]


def test_voxels_to_be_ignored_count_nowhere(tmp_path: Path, run_stage: RunStage) -> None:
    truth = LABELS.copy()
    truth[:, :5] = 255
    names = {1: "femur", 2: "gracilis", 3: "sartorius"}
    wrong = np.where(truth == 255, 3 - LABELS, LABELS).astype(np.uint8)
    record = compare(tmp_path, run_stage, (wrong, names), (truth, {**names, 255: "ignore"}))
    assert record["metrics"]["mean_dice"]["value"] == 1
    assert record["metrics"]["voxels_ignored"]["value"] == int((truth == 255).sum())
    other = compare(tmp_path, run_stage, (wrong, names), (truth, {**names, 255: "unsure"}), ignore=["Unsure"])
    assert other["metrics"]["mean_dice"]["value"] == 1
    plain = compare(tmp_path, run_stage, (wrong, names), (truth, {**names, 255: "unsure"}))
    assert plain["metrics"]["mean_dice"]["value"] < 1
