"""A trained tiny model, and a call of the stage as a container calls it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import containers.spine_segmentation
from containers.contract.stage import main
from containers.spine_segmentation import train
from containers.spine_segmentation.settings import Settings
from containers.spine_segmentation.stage import process, setup_for
from containers.toolkit.runtime.process_state import environment_restored, torch_settings_restored
from tests.spine_segmentation.people import tiny_settings, write_dataset

STAGE_TOML = Path(containers.spine_segmentation.__file__).with_name("stage.toml")

RunStage = Callable[..., dict[str, dict[str, Any]]]


def write_settings(path: Path, settings: Settings) -> Path:
    """Settings as the TOML file that training reads."""
    lines = (f"{name} = {json.dumps(value)}" for name, value in settings.model_dump(mode="json").items())
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of four people to train on, one to validate and one to test with."""
    return write_dataset(tmp_path_factory.mktemp("people") / "data")


@pytest.fixture(scope="session")
@torch_settings_restored()
def tiny_run(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path) -> Path:
    """The output folder of a short, whole training run of the tiny network."""
    folder = tmp_path_factory.mktemp("tiny")
    wider = tiny_settings(epochs=8, steps_per_epoch=22, base_features=8, max_features=32, memory_gb=0.015)
    settings = write_settings(folder / "tiny.toml", wider)
    torch.set_num_threads(1)
    arguments = ["--data", str(tiny_data), "--out", str(folder / "out"), "--settings", str(settings)]
    assert train.main([*arguments, "--seed", "3", "--threads", "1"]) == 0
    return folder / "out"


@pytest.fixture
def run_stage(tmp_path: Path) -> RunStage:
    """Run the stage on items by a request file; return the records by item. The output is in `tmp_path/out`."""

    @torch_settings_restored()
    @environment_restored()
    def run(items: list[dict[str, Any]], threads: int = 1, out: str = "out", **parameters: Any) -> Any:
        request = {
            "stage": "spine_segmentation",
            "items": [{**item, "inputs": {k: str(v) for k, v in item["inputs"].items()}} for item in items],
            "parameters": parameters,
            "resources": {"threads": threads},
            "output": str(tmp_path / out),
        }
        path = tmp_path / "request.json"
        path.write_text(json.dumps(request))
        assert main(STAGE_TOML, process, setup_for(path), argv=["run", str(path)]) == 0
        return {item["id"]: json.loads((tmp_path / out / item["id"] / "record.json").read_text()) for item in items}

    return run
