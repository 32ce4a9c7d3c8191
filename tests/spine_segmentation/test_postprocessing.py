"""Post-processing: what is taken away, and that the choice is nnU-Net's own."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nnunetv2.evaluation import evaluate_predictions
from nnunetv2.postprocessing import remove_connected_components

from containers.contract.errors import EnvironmentFault
from containers.contract.files import sha256_file, write_json, write_text
from containers.spine_segmentation.model import FILES, PLANS, POSTPROCESSING, SUMS, load_model, save_postprocessing
from containers.spine_segmentation.one_process import one_process
from containers.spine_segmentation.postprocessing import Groups, choose, largest_parts
from containers.toolkit.images.labels import SPINE_LABELS
from containers.toolkit.images.volume import Volume, write_nrrd
from containers.toolkit.networks.dice import Labels
from tests.spine_segmentation.conftest import RunStage
from tests.spine_segmentation.people import GRID, person

CORNER, FAR = (slice(0, 2), slice(0, 2), slice(0, 3)), (slice(9, 12), slice(0, 3), slice(40, 48))


def true(seed: int) -> Labels:
    """Labels of a person."""
    return person(seed, GRID)[1]


def with_false_part(labels: Labels, label: int) -> Labels:
    """The labels with a part far from all muscles."""
    found = labels.copy()
    found[CORNER] = label
    return found


def torn(labels: Labels, label: int) -> Labels:
    """The labels with a muscle that is rightly in two parts, of which the smaller lies with no other muscle."""
    found = labels.copy()
    found[FAR] = label
    return found


def test_only_the_largest_part_is_left() -> None:
    labels = true(3)
    assert np.array_equal(largest_parts(with_false_part(labels, 2), [[2]]), labels)
    assert np.array_equal(largest_parts(with_false_part(labels, 2), [[1, 2, 3, 4]]), labels)
    assert np.array_equal(largest_parts(with_false_part(labels, 2), [[1]]), with_false_part(labels, 2))
    assert not largest_parts(np.zeros_like(labels), [[1]]).any()


def test_the_given_map_is_left_as_it_is() -> None:
    labels = with_false_part(true(3), 2)
    before = labels.copy()
    largest_parts(labels, [[2]])
    assert np.array_equal(labels, before)


def copy_of(model: Path, folder: Path) -> Path:
    """A copy of a model folder."""
    folder.mkdir()
    for file in (*FILES, SUMS):
        (folder / file).write_bytes((model / file).read_bytes())
    return folder


CASES: dict[str, tuple[list[Labels], list[Labels], Groups]] = {
    "a false part of one label": (
        [with_false_part(true(3), 2), true(4)], [true(3), true(4)], [[1, 2, 3, 4]],
    ),
    "nothing is false": ([true(3), true(4)], [true(3), true(4)], []),
    "a true second part forbids the step for all, and one label gains": (
        [with_false_part(torn(true(3), 1), 2), true(4)], [torn(true(3), 1), true(4)], [[2]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_choice_is_as_expected(name: str) -> None:
    found, truth, groups = CASES[name]
    assert choose(found, truth, 5) == groups


@pytest.mark.parametrize("name", [list(CASES)[2]])
def test_the_choice_is_that_of_nnu_net(tmp_path: Path, tiny_run: Path, name: str) -> None:
    """nnU-Net's own function, on files."""
    found, truth, groups = CASES[name]
    for folder, maps in (("found", found), ("truth", truth)):
        for number, labels in enumerate(maps):
            write_nrrd(tmp_path / folder / f"{number}.nrrd", Volume(labels, GRID))
    described = json.loads((tiny_run / "dataset.json").read_text())
    with one_process(remove_connected_components, evaluate_predictions):
        _, chosen = remove_connected_components.determine_postprocessing(
            str(tmp_path / "found"), str(tmp_path / "truth"), str(tiny_run / PLANS), described, 1, False
        )
    theirs: list[Any] = [kwargs["labels_or_regions"] for kwargs in chosen]
    assert [one if isinstance(one, list) else [one] for one in theirs] == groups


def test_training_writes_what_it_chose(tiny_run: Path) -> None:
    card = json.loads((tiny_run / "card.json").read_text())
    assert load_model(tiny_run).keep_largest == card["keep_largest"]
    assert "## Post-processing" in (tiny_run / "model_card.md").read_text()


def test_the_stage_takes_away_and_says_what(tiny_run: Path, tmp_path: Path, run_stage: RunStage) -> None:
    """With the step switched off and on, the same network: what is removed is the difference, and is said."""
    folder = copy_of(tiny_run, tmp_path / "model")
    save_postprocessing(folder, [[label] for label in SPINE_LABELS])
    write_nrrd(tmp_path / "v.nrrd", person(9)[0])
    item = [{"id": "one", "inputs": {"volume": tmp_path / "v.nrrd", "weights": folder}}]
    kept = run_stage(item)["one"]["metrics"]
    raw = run_stage(item, out="raw", postprocessing="none")["one"]["metrics"]
    for name in SPINE_LABELS.values():
        removed = kept[f"removed_cm3.{name}"]["value"]
        assert kept[f"volume_cm3.{name}"]["value"] == pytest.approx(raw[f"volume_cm3.{name}"]["value"] - removed)
        stray = raw[f"stray_percent.{name}"]["value"] / 100 * raw[f"volume_cm3.{name}"]["value"]
        assert removed == pytest.approx(stray)
        assert kept[f"stray_percent.{name}"] == raw[f"stray_percent.{name}"]
    assert all(raw[f"removed_cm3.{name}"]["value"] == 0 for name in SPINE_LABELS.values())


@pytest.mark.parametrize("given", [{"keep_largest": [[9]]}, {"keep_largest": 1}, {}])
def test_a_model_with_another_post_processing_is_refused(tiny_run: Path, tmp_path: Path, given: dict[str, Any]) -> None:
    folder = copy_of(tiny_run, tmp_path / "model")
    write_json(folder / POSTPROCESSING, given)
    with pytest.raises(EnvironmentFault, match=r"postprocessing\.json: is corrupted"):
        load_model(folder)
    write_text(folder / SUMS, "".join(f"{sha256_file(folder / name)}  {name}\n" for name in FILES))
    with pytest.raises(EnvironmentFault, match=r"postprocessing\.json: has no lists of the model's labels"):
        load_model(folder)
