"""A call of the association stage as a container calls it, and small cohorts to call it on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import containers.association
from containers.association.stage import process
from containers.contract.stage import main
from containers.toolkit.tables.table import write_table

STAGE_TOML = Path(containers.association.__file__).with_name("stage.toml")

RunStage = Callable[..., dict[str, Any]]


@pytest.fixture
def run_stage(tmp_path: Path) -> RunStage:
    """Run the stage on one item; return its record, with `results` and `flow` read where it is good.

    table: columns, or the text of a CSV. columns: of the dictionary. analyses: the fields of analyses.json.
    """

    def run(
        table: dict[str, list[Any]] | str, columns: dict[str, Any], analyses: dict[str, Any], **parameters: Any
    ) -> dict[str, Any]:
        path = tmp_path / ("table.csv" if isinstance(table, str) else "table.parquet")
        if isinstance(table, str):
            path.write_text(table, encoding="utf-8")
        else:
            write_table(path, table)
        files = {"dictionary": {"columns": columns}, "analyses": analyses}
        for name, value in files.items():
            (tmp_path / f"{name}.json").write_text(json.dumps({"schema_version": "1.0", **value}))
        inputs = {"table": path.name, "dictionary": "dictionary.json", "analyses": "analyses.json"}
        request = {
            "stage": "association",
            "items": [{"id": "cohort", "inputs": inputs}],
            "parameters": {"disclosure_threshold": 0, **parameters},
            "output": "out",
        }
        (tmp_path / "request.json").write_text(json.dumps(request))
        assert main(STAGE_TOML, process, argv=["run", str(tmp_path / "request.json")]) == 0
        folder = tmp_path / "out" / "cohort"
        record: dict[str, Any] = json.loads((folder / "record.json").read_text())
        if record["status"] == "ok":
            record |= {name: json.loads((folder / f"{name}.json").read_text()) for name in ("results", "flow")}
        return record

    return run


@pytest.fixture
def refused(run_stage: RunStage) -> Callable[..., str]:
    """Run the stage on input that it must refuse; return the one line it says, and check that it left no file."""

    def run(table: dict[str, list[Any]] | str, columns: dict[str, Any], analyses: dict[str, Any]) -> str:
        record = run_stage(table, columns, analyses)
        assert record["status"] == "error" and record["error"]["kind"] == "input" and not record["outputs"]
        parts = [record["error"][key] for key in ("where", "what", "fix")]
        assert all(part and "\n" not in part for part in parts)
        return ": ".join(parts[:2])

    return run


def metric(record: dict[str, Any], name: str) -> Any:
    """Value of a metric."""
    return record["metrics"][name]["value"]
