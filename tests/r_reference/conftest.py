"""R as the process runner finds it, and jobs of several items through the contract."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from containers.contract.record import Record

ROOT = Path(__file__).resolve().parents[2]
STAGE = ROOT / "containers" / "r_reference"


@dataclass(frozen=True)
class Question:
    """One item: a CSV, its dictionary's columns, and the analyses file without its version."""

    table: Path
    columns: dict[str, Any]
    asked: dict[str, Any]


Ask = Callable[..., dict[str, Record]]


def number(unit: str = "1", **rest: Any) -> dict[str, Any]:
    return {"type": "number", "unit": unit, **rest}


def category(*levels: str, **rest: Any) -> dict[str, Any]:
    return {"type": "category", "levels": list(levels), **rest}


def ask_stage(
    stage: str, folder: Path, questions: dict[str, Question], parameters: dict[str, Any] | None = None
) -> dict[str, Record]:
    """Records by item, from one job of `stage` in `folder`."""
    items = []
    for item, question in questions.items():
        dictionary, analyses = folder / f"{item}.dictionary.json", folder / f"{item}.analyses.json"
        dictionary.write_text(json.dumps({"schema_version": "1.0", "columns": question.columns}))
        analyses.write_text(json.dumps({"schema_version": "1.0", **question.asked}))
        inputs = {"table": str(question.table), "dictionary": str(dictionary), "analyses": str(analyses)}
        items.append({"id": item, "inputs": inputs, "facts": {}})
    output = folder / f"out-{stage}"
    request = {"contract": "1.0", "stage": stage, "items": items, "output": str(output)}
    request["parameters"] = parameters or {}
    (folder / f"{stage}.request.json").write_text(json.dumps(request))
    command = [sys.executable, "-m", f"containers.{stage}", "run", str(folder / f"{stage}.request.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {item: Record.model_validate_json((output / item / "record.json").read_bytes()) for item in questions}


def value(record: Record, metric: str) -> float:
    """A metric's number; the error or the note where there is none."""
    assert record.error is None, record.error
    found = record.metrics[metric]
    assert found.value is not None, found.note
    return float(found.value)


@pytest.fixture(scope="session")
def rscript() -> Callable[[str], str]:
    """Run R code and return what it prints. Tests that use it need R."""

    def run(code: str) -> str:
        done = subprocess.run(["Rscript", "--vanilla", "-e", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
