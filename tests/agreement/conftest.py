"""A call of the agreement stage as a container calls it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import containers.agreement
from containers.agreement.stage import check_parameters, process
from containers.contract.stage import main

STAGE_TOML = Path(containers.agreement.__file__).with_name("stage.toml")

RunStage = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture
def run_stage(tmp_path: Path) -> RunStage:
    """Run the stage on items (id -> inputs) by a request file; return the records by item."""

    def run(items: dict[str, dict[str, Path]], **parameters: Any) -> dict[str, dict[str, Any]]:
        listed = [
            {"id": name, "inputs": {key: str(path) for key, path in inputs.items()}} for name, inputs in items.items()
        ]
        request = {
            "stage": "agreement",
            "items": listed,
            "parameters": parameters,
            "output": str(tmp_path / "out"),
        }
        path = tmp_path / "request.json"
        path.write_text(json.dumps(request))
        assert main(STAGE_TOML, process, check_parameters, argv=["run", str(path)]) == 0
        return {name: json.loads((tmp_path / "out" / name / "record.json").read_text()) for name in items}

    return run
