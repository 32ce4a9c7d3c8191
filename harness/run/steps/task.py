"""One item of a step that the harness does itself: a pure function of its task, run in a worker process.

Its record has the same form as a stage's. What such a step makes (inputs, truth and mutants of it, tables, pictures)
is nothing that a paper claims.
"""

import importlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from containers.contract.errors import Fault, ItemFault
from containers.contract.files import sha256_file, write_json
from containers.contract.record import ErrorInfo, Metric, Output, Record, StageId
from containers.contract.request import first_error
from harness.run.steps import registry

VERSION = "1.0.0"


@dataclass(frozen=True)
class Task:
    """One item of a step that the harness does itself."""

    kind: str
    """Kind of the step, by which its class is found."""
    item: str
    """Identifier of the item."""
    inputs: dict[str, Path]
    """Files that the step reads, by name."""
    hashes: dict[str, str]
    """SHA-256 of each input, by name."""
    parameters: dict[str, Any]
    """Settings of the step, as they stand in the record."""
    modules: tuple[str, ...] = ()
    """Modules that do it, the step's own first: they are imported before, and their sources decide the cache key."""


@dataclass
class Made:
    """What a task made."""

    files: dict[str, str] = field(default_factory=dict)
    """File name in the item's folder, by output name."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Scalar facts of the item for the record."""
    details: dict[str, Any] = field(default_factory=dict)
    """Further JSON for the record."""
    metrics: dict[str, Metric] = field(default_factory=dict)
    """Numbers for the record, by name."""
    warnings: list[str] = field(default_factory=list)
    """Lines for the record that its readers must know."""


@dataclass(frozen=True)
class Held:
    """Why an item has no task."""

    status: Literal["planned", "skipped"]
    """`planned` where an input is not made yet in a dry run, `skipped` where one failed."""
    line: str = ""
    """The reason in one line; empty for `planned`."""
    lost: bool = False
    """Whether it is held by an input that the environment did not make."""


def perform(task: Task, folder: Path) -> None:
    """Do the task in an existing empty folder and write its record there. An item's fault becomes an error record."""
    try:
        for module in task.modules:
            importlib.import_module(module)
        made = registry.find(task.kind).run(task, folder)
        outputs = {
            name: Output(path=file, sha256=sha256_file(folder / file), bytes=(folder / file).stat().st_size)
            for name, file in made.files.items()
        }
        record = Record(
            status="ok",
            outputs=outputs,
            facts=made.facts,
            details=made.details,
            metrics=made.metrics,
            warnings=made.warnings,
            **_common(task),
        )
    except Fault as fault:
        give_up(task, folder, fault)
    else:
        write_json(folder / "record.json", record.model_dump(mode="json"))


def give_up(task: Task, folder: Path, fault: Fault) -> None:
    """Write the error record of a task that could not be done."""
    kind: Any = fault.kind if fault.kind in ("input", "environment") else "internal"
    info = ErrorInfo(kind=kind, what=fault.what, where=fault.where, fix=fault.fix)
    record = Record(status="error", error=info, **_common(task))
    write_json(folder / "record.json", record.model_dump(mode="json"))


def _common(task: Task) -> dict[str, Any]:
    return {
        "stage": StageId(name=f"harness_{task.kind}", version=VERSION),
        "item": task.item,
        "inputs": task.hashes,
        "parameters": task.parameters,
    }


def read_record(path: Path) -> Record:
    """The record in a file. Raises ItemFault."""
    try:
        return Record.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ItemFault(f"cannot be read ({error.strerror})", where=path.name, fix="run its step again") from error
    except ValidationError as error:
        raise ItemFault(f"is not a record ({first_error(error)})", where=path.name, fix="run its step again") from error


def read_phantom(path: Path) -> dict[str, Any]:
    """What a `phantom.json` says. Raises ItemFault."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ItemFault(f"is not a phantom.json ({error})", where=path.name, fix="make the phantom again") from error
