"""JSON Schemas of everything that crosses a border, from the same models that check it."""

import json
from pathlib import Path
from typing import Any

from containers.contract.errors import EnvironmentFault
from containers.contract.record import Record, Timing
from containers.contract.request import Request, Strict
from containers.contract.spec import StageSpec
from harness.bench.results import BenchResults
from harness.gate.baseline import Baseline
from harness.gate.proof_result import Proof
from harness.gate.result import GateResult
from harness.gate.spec import GateCase
from harness.run.case import Case
from harness.run.results import Results

SCHEMAS: dict[str, type[Strict]] = {
    "request": Request,
    "record": Record,
    "timing": Timing,
    "stage": StageSpec,
    "results": Results,
    "case": Case,
    "bench": BenchResults,
    "gate_case": GateCase,
    "baseline": Baseline,
    "gate": GateResult,
    "proof": Proof,
}


def schema(name: str) -> dict[str, Any]:
    """One schema, as JSON Schema 2020-12."""
    made = SCHEMAS[name].model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_in_order(made)}


def _in_order(part: Any) -> Any:
    """The same schema with its alternatives sorted.

    Python keeps one object for equal generic types, and `int | float` equals `float | int`: which of them a model has
    depends on what was imported before it.
    """
    if isinstance(part, list):
        return [_in_order(one) for one in part]
    if not isinstance(part, dict):
        return part
    found = {key: _in_order(value) for key, value in part.items()}
    if "anyOf" in found:
        found["anyOf"].sort(key=lambda one: json.dumps(one, sort_keys=True))
    return found


def export(folder: Path) -> list[Path]:
    """Write every schema as `<name>.schema.json`. Returns the paths. Raises EnvironmentFault when it cannot."""
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in SCHEMAS:
            text = json.dumps(schema(name), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
            path = folder / f"{name}.schema.json"
            path.write_text(text, encoding="utf-8")
            paths.append(path)
    except OSError as error:
        raise EnvironmentFault(
            f"cannot be written ({error.strerror})", where=str(folder), fix="give another folder"
        ) from error
    return paths
