"""`myorepro run`: one stage on one input, without case or cache; the record is shown as a person reads it."""

import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from containers.contract import CONTRACT_VERSION
from containers.contract.errors import EnvironmentFault, RequestFault
from containers.contract.record import Record
from containers.contract.spec import Parameter, StageSpec
from harness.results import ExitStatus
from harness.runners.base import Call, Limits, Runner
from harness.store import complaint_of


@dataclass(frozen=True)
class StageRun:
    """What the user asked for. inputs: input name -> file or folder. settings, facts: `name=value` as typed."""

    stage: str
    inputs: dict[str, Path]
    settings: dict[str, str]
    facts: dict[str, str]
    output: Path
    limits: Limits


def parse_value(parameter: Parameter, name: str, text: str) -> Any:
    """A typed value of a parameter from the command line. Raises RequestFault."""
    try:
        if parameter.type == "string":
            return text
        value = json.loads(text)
    except ValueError as error:
        raise RequestFault(
            f"must be of type {parameter.type}, got {text!r}", where=f"-p {name}", mend="see `myorepro stage describe`"
        ) from error
    return value


def fact_value(text: str) -> Any:
    """A fact from the command line: a number or a truth value where it reads as one, else text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, (int, float, bool)) else text


def default_input(spec: StageSpec) -> str:
    """The input that a single path on the command line stands for: the first required one, else the first."""
    required = [name for name, port in spec.inputs.items() if port.required]
    return (required or list(spec.inputs))[0]


def item_id(path: Path) -> str:
    """An identifier made from a file's name: its stem, with anything unusual as `_`."""
    stem = path.resolve().name.split(".")[0]
    return re.sub(r"[^A-Za-z0-9._-]", "_", stem).lstrip("._-")[:128] or "item"


def run_stage(asked: StageRun, runner: Runner, console: Console) -> int:
    """Run, print the record, return the exit status: 0 a result, 1 an error record. Raises Fault on anything else."""
    handle = runner.identify(asked.stage)
    spec = handle.spec
    inputs = {name or default_input(spec): path for name, path in asked.inputs.items()}
    for name, path in inputs.items():
        if not path.exists():
            raise RequestFault("does not exist", where=str(path), mend=f"give the path of input {name}")
    item = item_id(next(iter(inputs.values())))
    parameters = {}
    for name, text in asked.settings.items():
        if name not in spec.parameters:
            known = ", ".join(spec.parameters) or "none"
            raise RequestFault(f"unknown parameter {name!r}", where="-p", mend=f"known: {known}")
        parameters[name] = parse_value(spec.parameters[name], name, text)
    request: dict[str, Any] = {
        "contract": CONTRACT_VERSION,
        "stage": handle.name,
        "parameters": parameters,
        "resources": {"threads": asked.limits.threads, "device": asked.limits.device},
    }
    try:
        asked.output.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".run-", dir=asked.output))
    except OSError as error:
        raise EnvironmentFault(
            f"cannot be written ({error.strerror})", where=str(asked.output), mend="give another folder with --out"
        ) from error
    try:
        output = scratch / "out"
        output.mkdir()
        seen = {name: runner.inside(path, f"{item}/{name}") for name, path in inputs.items()}
        facts = {name: fact_value(text) for name, text in asked.facts.items()}
        request |= {"items": [{"id": item, "inputs": seen, "facts": facts}], "output": runner.output_inside(output)}
        call = Call(json.dumps(request), {seen[n]: p for n, p in inputs.items()}, output, asked.limits)
        end = runner.execute(handle, call)
        if end.status == ExitStatus.USAGE and not end.stopped:
            raise RequestFault(end.reason(), where=handle.name, mend="see `myorepro stage describe`")
        if end.crashed or end.status != 0:
            raise EnvironmentFault(end.reason(), where=handle.name)
        if complaint := complaint_of(output / item):
            raise EnvironmentFault(complaint, where=handle.name, mend="check it with `myorepro stage check`")
        place = asked.output / item
        shutil.rmtree(place, ignore_errors=True)
        (output / item).replace(place)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    record = Record.model_validate_json((place / "record.json").read_bytes())
    show(record, place, console)
    return ExitStatus.OK if record.status == "ok" else ExitStatus.MISMATCH


def show(record: Record, folder: Path, console: Console) -> None:
    """Print a record: error line, or outputs and metrics."""
    if record.error:
        where = f"{record.error.where}: " if record.error.where else ""
        console.print(f"{record.item}: {where}{record.error.what}; {record.error.mend}", markup=False)
        return
    console.print(f"{record.item}: ok, in {folder}", markup=False)
    for warning in record.warnings:
        console.print(f"warning: {warning}", markup=False)
    table = Table("output", "file", "bytes", title=None)
    for name, output in sorted(record.outputs.items()):
        table.add_row(escape(name), escape(output.path), str(output.bytes))
    console.print(table)
    metrics = Table("metric", "value", "unit")
    for name, metric in sorted(record.metrics.items()):
        value = f"{metric.value:.6g}" if metric.value is not None else f"undefined: {metric.note}"
        metrics.add_row(escape(name), escape(value), escape(metric.unit))
    if record.metrics:
        console.print(metrics)
