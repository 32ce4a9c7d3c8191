"""A call of the stage as a container calls it."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import containers.meta_analysis
from containers.contract.stage import main
from containers.meta_analysis.stage import process

STAGE_TOML = Path(containers.meta_analysis.__file__).with_name("stage.toml")

Answer = Callable[..., dict[str, Any]]


@pytest.fixture
def answer(tmp_path: Path) -> Answer:
    """Run the stage on one table; return its record. The output is in `tmp_path/out/one`."""

    def run(
        table: Sequence[dict[str, Any]] | Path, dictionary: dict[str, Any], analyses: dict[str, Any]
    ) -> dict[str, Any]:
        path = table if isinstance(table, Path) else tmp_path / "table.csv"
        if not isinstance(table, Path):
            with path.open("w", encoding="utf-8", newline="") as stream:
                writer = csv.DictWriter(stream, list(table[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(table)
        inputs = {"table": str(path)}
        for name, value in (("dictionary", dictionary), ("analyses", analyses)):
            inputs[name] = str(tmp_path / f"{name}.json")
            Path(inputs[name]).write_text(json.dumps(value))
        request = {
            "stage": "meta_analysis",
            "items": [{"id": "one", "inputs": inputs}],
            "output": str(tmp_path / "out"),
        }
        (tmp_path / "request.json").write_text(json.dumps(request))
        assert main(STAGE_TOML, process, argv=["run", str(tmp_path / "request.json")]) == 0
        record: dict[str, Any] = json.loads((tmp_path / "out" / "one" / "record.json").read_text())
        return record

    return run
