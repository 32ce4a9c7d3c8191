"""MRSegmentator's stage: without weights, and with a stand-in model folder in nnU-Net's format."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import containers.spine_segmentation.mrsegmentator as package
from containers.contract.files import sha256_file, write_json
from containers.contract.stage import main
from containers.spine_segmentation.model import PLANS, load_model
from containers.spine_segmentation.mrsegmentator.stage import process, setup_for
from containers.spine_segmentation.mrsegmentator.weights import files_of
from containers.toolkit.images.labels import AUTOCHTHONOUS
from containers.toolkit.images.segmentation import read_segmentation
from containers.toolkit.images.volume import Volume, write_nrrd
from containers.toolkit.runtime.process_state import environment_restored, torch_settings_restored
from harness.conformance.checks import check_stage
from harness.runners import images
from harness.runners.docker import DockerRunner
from tests.spine_segmentation.people import GRID, RIGHT_ANTERIOR, person

STAGE_TOML = Path(package.__file__).with_name("stage.toml")
HEADS = 41
Run = Callable[..., int]


def sign(folder: Path) -> None:
    """List the checksums of a model folder."""
    lines = [f"{sha256_file(folder / place)}  {place}\n" for place in files_of(True)]
    (folder / "SHA256SUMS").write_text("".join(lines))


@pytest.fixture
def stand_in(tiny_run: Path, tmp_path: Path) -> Path:
    """nnU-Net's folder of the tiny network with 41 heads: erector spinae of either side as 31 and 32."""
    folder = tmp_path / "weights"
    model = load_model(tiny_run)
    plans = json.loads((tiny_run / PLANS).read_text())
    write_json(folder / "plans.json", plans)
    labels = {"background": 0, **{f"class_{n}": n for n in range(1, HEADS)}}
    write_json(folder / "dataset.json", {**model.dataset, "labels": labels})
    state = deepcopy(model.network.state_dict())
    heads = sorted(name for name in state if name.startswith("decoder.seg_layers"))
    for name in heads:
        wide = torch.full((HEADS, *state[name].shape[1:]), 0.0 if state[name].ndim > 1 else -50.0)
        wide[[0, 31, 32]] = state[name][[0, 1, 2]]
        state[name] = wide
    (folder / "fold_0").mkdir()
    checkpoint = {
        "network_weights": state,
        "trainer_name": "nnUNetTrainer",
        "init_args": {"configuration": "3d_fullres"},
        "inference_allowed_mirroring_axes": None,
    }
    torch.save(checkpoint, folder / "fold_0" / "checkpoint_final.pth")
    sign(folder)
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the stage on volumes by name with a model folder; returns the exit status."""

    @torch_settings_restored()
    @environment_restored()
    def call(volumes: dict[str, Volume], weights: Path) -> int:
        items: list[dict[str, Any]] = []
        for name, volume in volumes.items():
            write_nrrd(tmp_path / f"{name}.nrrd", volume)
            inputs = {"volume": str(tmp_path / f"{name}.nrrd"), "weights": str(weights)}
            items.append({"id": name, "inputs": inputs})
        request = tmp_path / "request.json"
        request.write_text(json.dumps({"stage": "mrsegmentator", "items": items, "output": str(tmp_path / "out")}))
        return main(STAGE_TOML, process, setup_for(request), argv=["run", str(request)])

    return call


def record(tmp_path: Path, name: str) -> dict[str, Any]:
    """The record of an item."""
    return dict(json.loads((tmp_path / "out" / name / "record.json").read_text()))


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("plans.json", "weights/plans.json: is missing"),
        ("fold_0/checkpoint_final.pth", "weights/fold_0/checkpoint_final.pth: is missing"),
        ("SHA256SUMS", "weights/SHA256SUMS: is missing"),
    ],
)
def test_without_weights_the_job_ends_with_status_3_and_says_what_is_missing(
    stand_in: Path, run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path, missing: str, words: str
) -> None:
    (stand_in / missing).unlink()
    assert run({"p": person(1)[0]}, stand_in) == 3
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 1
    assert not (tmp_path / "out" / "p").exists()


def test_a_changed_checkpoint_is_not_read(stand_in: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with (stand_in / "fold_0" / "checkpoint_final.pth").open("ab") as stream:
        stream.write(b"x")
    assert run({"p": person(1)[0]}, stand_in) == 3
    assert "checksum differs" in capsys.readouterr().err


def test_a_folder_of_another_model_is_refused(stand_in: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    write_json(stand_in / "dataset.json", {"labels": {"background": 0, "liver": 1}})
    sign(stand_in)
    assert run({"p": person(1)[0]}, stand_in) == 3
    assert "has no labels 31 and 32" in capsys.readouterr().err


@pytest.mark.needs("mrsegmentator")
def test_with_a_stand_in_model_the_two_muscles_come_out_on_the_volumes_grid(
    stand_in: Path, run: Run, tmp_path: Path
) -> None:
    volume, truth = person(40, GRID)
    turned = Volume(np.ascontiguousarray(volume.data[::-1, ::-1, ::-1]), RIGHT_ANTERIOR)
    flat = Volume(np.full(GRID.shape, 5, np.int16), GRID)
    assert run({"a": volume, "b": turned, "flat": flat}, stand_in) == 0
    assert record(tmp_path, "flat")["error"]["what"] == "is constant"
    assert record(tmp_path, "a")["status"] == "ok", record(tmp_path, "a")
    one, names = read_segmentation(tmp_path / "out" / "a" / "labels.seg.nrrd")
    two, _ = read_segmentation(tmp_path / "out" / "b" / "labels.seg.nrrd")
    assert list(names.values()) == list(AUTOCHTHONOUS)
    assert one.geometry.same_as(GRID) and two.geometry.same_as(RIGHT_ANTERIOR)
    assert np.array_equal(one.data, np.asarray(two.data)[::-1, ::-1, ::-1])
    for value in (1, 2):
        both = np.sum((np.asarray(one.data) == value) & (truth == value))
        assert 2 * both / (np.sum(one.data == value) + np.sum(truth == value)) > 0.6


@pytest.mark.needs("images")
@pytest.mark.slow
def test_the_image_keeps_the_contract_with_a_stand_in_model_and_ends_with_status_3_without(
    stand_in: Path, tmp_path: Path
) -> None:
    runner = DockerRunner({"mrsegmentator": images.reference("mrsegmentator")})
    findings = check_stage(runner, "mrsegmentator", {"weights": stand_in}, {})
    assert [f for f in findings if f.result != "passed"] == []
    (good,) = [f for f in check_stage(runner, "mrsegmentator", {}, {}, only=["good item"]) if f.check == "good item"]
    assert (
        good.result == "failed" and "exit status 3" in good.reason and "weights/plans.json: is missing" in good.reason
    )
