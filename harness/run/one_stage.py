"""`myorepro run`: one stage on one input, without case or cache; the record is shown as a person reads it."""

import json
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from containers.contract import CONTRACT_VERSION
from containers.contract.errors import EnvironmentFault, RequestFault
from containers.contract.files import sha256_path
from containers.contract.record import Record
from containers.contract.request import Item, Request, first_error
from containers.contract.spec import Parameter, StageSpec
from harness.run.results import ExitStatus
from harness.run.store import complaint_of, unsafe
from harness.runners.base import Call, Limits, Runner


@dataclass(frozen=True)
class StageRun:
    """What the user asked for."""

    stage: str
    """The stage: name, folder, program or image."""
    inputs: dict[str, Path]
    """File or folder, by input name."""
    settings: dict[str, str]
    """Parameters as they were typed, by name."""
    facts: dict[str, str]
    """Facts as they were typed, by name."""
    output: Path
    """Folder that the item's folder is put into."""
    limits: Limits
    """Threads, memory, time and device of the job."""
    item: str = ""
    """Name of the item; empty for one made from the first input's."""
    overwrite: bool = False
    """Whether an earlier result is replaced."""


def parse_value(parameter: Parameter, name: str, text: str) -> Any:
    """A typed value of a parameter from the command line. Raises RequestFault."""
    if parameter.type == "string":
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise RequestFault(
            f"must be of type {parameter.type}, got {text!r}", where=f"-p {name}", mend=how_to_write(parameter, name)
        ) from error


def how_to_write(parameter: Parameter, name: str) -> str:
    """An example of the parameter as it is typed in a shell."""
    of_numbers = parameter.unit != "1" or parameter.minimum is not None or parameter.maximum is not None
    array = "[1,1,2]" if of_numbers else '["one","two"]'
    value = {"array": array, "integer": "2", "number": "0.5", "boolean": "true", "string": "text"}[parameter.type]
    return f"write it like this: -p '{name}={value}'"


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
    path = path.resolve()
    stem = path.name if path.is_dir() else re.sub(r"(\.nii\.gz|\.seg\.nrrd|\.[^.]+)$", "", path.name)
    return re.sub(r"[^A-Za-z0-9._-]", "_", stem).lstrip("._-")[:128] or "item"


def run_stage(asked: StageRun, runner: Runner, console: Console) -> int:
    """Run, print the record, return the exit status: 0 a result, 1 an error record. Raises Fault on anything else.

    An earlier result of the item is replaced only by another result, and only with `overwrite`.
    """
    handle = runner.identify(asked.stage)
    spec = handle.spec
    inputs = {name or default_input(spec): path for name, path in asked.inputs.items()}
    for name, path in inputs.items():
        if not path.exists():
            raise RequestFault("does not exist", where=str(path), mend=f"give the path of input {name}")
    request = _request(asked, spec, inputs)
    item = request.items[0]
    place = asked.output / item.id
    _require_free(place, request, inputs, spec, overwrite=asked.overwrite)
    print(f"{handle.name}: runs on {item.id}", file=sys.stderr)
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
        seen = {name: runner.inside(path, f"{item.id}/{name}") for name, path in inputs.items()}
        sent = request.model_dump(mode="json") | {
            "items": [{"id": item.id, "inputs": seen, "facts": item.facts}],
            "output": runner.output_inside(output),
        }
        call = Call(json.dumps(sent), {seen[n]: p for n, p in inputs.items()}, output, asked.limits)
        end = runner.execute(handle, call)
        if end.status == ExitStatus.USAGE and not end.stopped:
            raise RequestFault(end.last_line().removeprefix(f"{handle.name}: request: "), where=handle.name)
        if end.status == ExitStatus.ENVIRONMENT and not end.stopped:
            raise EnvironmentFault(end.last_line().removeprefix(f"{handle.name}: environment: "), where=handle.name)
        if end.crashed:
            raise EnvironmentFault(end.reason(), where=handle.name)
        made = output / item.id
        if complaint := (unsafe(made) if os.path.lexists(made) else None) or complaint_of(made):
            raise EnvironmentFault(complaint, where=handle.name, mend="check it with `myorepro stage check`")
        record = Record.model_validate_json((made / "record.json").read_bytes())
        kept = record.status == "error" and _status(place) == "ok"
        if not kept:
            if place.exists():
                place.replace(scratch / "old")
            made.replace(place)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    show(record, place, console)
    if kept:
        console.print(f"{item.id}: the earlier result in {place} is kept", markup=False)
    return ExitStatus.OK if record.status == "ok" else ExitStatus.MISMATCH


def _request(asked: StageRun, spec: StageSpec, inputs: dict[str, Path]) -> Request:
    """The request, checked here as the stage will check it. Raises RequestFault that names the option."""
    parameters = {}
    for name, text in asked.settings.items():
        if name not in spec.parameters:
            known = ", ".join(spec.parameters) or "none"
            raise RequestFault(f"unknown parameter {name!r}", where="-p", mend=f"known: {known}")
        parameters[name] = parse_value(spec.parameters[name], name, text)
        if complaint := spec.parameters[name].complaint(parameters[name]):
            of_type = complaint.startswith("must be of type")
            mend = (
                how_to_write(spec.parameters[name], name) if of_type else f"see `myorepro stage describe {asked.stage}`"
            )
            raise RequestFault(complaint, where=f"-p {name}", mend=mend)
    try:
        item = Item(
            id=asked.item or item_id(next(iter(inputs.values()))),
            inputs=inputs,
            facts={name: fact_value(text) for name, text in asked.facts.items()},
        )
    except ValidationError as error:
        mend = "use letters, digits and . _ - (128 at most)"
        raise RequestFault(first_error(error), where=f"--item {asked.item}", mend=mend) from error
    resources = {"threads": asked.limits.threads, "device": asked.limits.device}
    request = Request.model_validate(
        {
            "contract": CONTRACT_VERSION,
            "stage": spec.name,
            "items": [item],
            "parameters": parameters,
            "resources": resources,
            "output": asked.output,
        }
    )
    try:
        spec.check(request)
    except RequestFault as fault:
        raise RequestFault(fault.what, where="-i and -f", mend=fault.mend) from fault
    return request


def _status(place: Path) -> str:
    """Status of the record in an item's folder: `ok`, `error`, `none` without a folder, else `foreign`."""
    if not place.exists():
        return "none"
    try:
        return Record.model_validate_json((place / "record.json").read_bytes()).status
    except (OSError, ValueError):
        return "foreign"


def _require_free(place: Path, request: Request, inputs: dict[str, Path], spec: StageSpec, *, overwrite: bool) -> None:
    """Raises RequestFault when the item's folder holds a result, or something that is no result at all."""
    status = _status(place)
    if status == "foreign":
        raise RequestFault(
            "exists and is no item of an earlier run",
            where=str(place),
            mend="name this one with --item or give another --out",
        )
    if status != "ok" or overwrite:
        return
    record = Record.model_validate_json((place / "record.json").read_bytes())
    same = (record.stage.name, record.stage.version) == (spec.name, spec.version)
    same = same and record.parameters == spec.check(request) and record.facts == request.items[0].facts
    same = same and record.inputs == {name: sha256_path(path) for name, path in inputs.items()}
    what = "holds this result already" if same else "holds a result of another stage, other inputs or other parameters"
    raise RequestFault(
        what, where=str(place), mend="name this one with --item, give another --out, or replace it with --overwrite"
    )


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
