"""A call of the stage as a container calls it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import containers.composition
from containers.composition.stage import check_parameters, process
from containers.contract.stage import main

STAGE_TOML = Path(containers.composition.__file__).with_name("stage.toml")

RunStage = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture
def run_stage(tmp_path: Path) -> RunStage:
    """Run the stage on items by a request file; return the records by item. The output is in `tmp_path/out`."""

    def run(items: list[dict[str, Any]], **parameters: Any) -> dict[str, dict[str, Any]]:
        request = {
            "stage": "composition",
            "items": [{**item, "inputs": {k: str(v) for k, v in item["inputs"].items()}} for item in items],
            "parameters": parameters,
            "output": str(tmp_path / "out"),
        }
        path = tmp_path / "request.json"
        path.write_text(json.dumps(request))
        assert main(STAGE_TOML, process, check_parameters, argv=["run", str(path)]) == 0
        return {item["id"]: json.loads((tmp_path / "out" / item["id"] / "record.json").read_text()) for item in items}

    return run
