"""A trained checkpoint of the tiny network, and a call of the stage as a container calls it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import containers.thigh_segmentation
from containers.contract.stage import main
from containers.thigh_segmentation.checkpoint import FILE
from containers.thigh_segmentation.stage import process, setup
from containers.thigh_segmentation.train import finish, train
from containers.toolkit.images.labels import THIGH_LABELS
from containers.toolkit.networks.training_set import read_dataset
from containers.toolkit.runtime.process_state import environment_restored, torch_settings_restored
from tests.thigh_segmentation.people import tiny_config, write_dataset

STAGE_TOML = Path(containers.thigh_segmentation.__file__).with_name("stage.toml")

RunStage = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture(scope="session")
@torch_settings_restored()
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a short, whole training run of the tiny network."""
    folder = tmp_path_factory.mktemp("tiny")
    torch.set_num_threads(1)
    dataset = read_dataset(write_dataset(folder / "data", train=4), THIGH_LABELS)
    config = tiny_config(epochs=25, validate_every=5)
    train(config, dataset, folder / "out", seed=3)
    finish(config, dataset, folder / "out", seed=3)
    return folder / "out"


@pytest.fixture(scope="session")
def tiny_weights(tiny_run: Path) -> Path:
    """The checkpoint of that run."""
    return tiny_run / FILE


@pytest.fixture
def run_stage(tmp_path: Path) -> RunStage:
    """Run the stage on items by a request file; return the records by item. The output is in `tmp_path/out`."""

    @torch_settings_restored()
    @environment_restored()
    def run(items: list[dict[str, Any]], threads: int = 1, out: str = "out", **parameters: Any) -> Any:
        request = {
            "stage": "thigh_segmentation",
            "items": [{**item, "inputs": {k: str(v) for k, v in item["inputs"].items()}} for item in items],
            "parameters": parameters,
            "resources": {"threads": threads},
            "output": str(tmp_path / out),
        }
        path = tmp_path / "request.json"
        path.write_text(json.dumps(request))
        assert main(STAGE_TOML, process, setup, argv=["run", str(path)]) == 0
        return {item["id"]: json.loads((tmp_path / out / item["id"] / "record.json").read_text()) for item in items}

    return run
