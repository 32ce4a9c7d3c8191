"""`myorepro run`: one stage on one input, without case or cache; the record is shown as a person reads it."""

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from containers.contract import CONTRACT_VERSION
from containers.contract.checked import checked
from containers.contract.errors import EnvironmentFault, ItemFault, RequestFault, one_line
from containers.contract.files import sha256_path
from containers.contract.record import Record
from containers.contract.request import Item, Request
from containers.contract.spec import Parameter, StageSpec
from harness.run.results import ExitStatus
from harness.run.steps.task import read_record
from harness.run.store import DamagedItemError, unsafe, verified
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
            f"must be of type {parameter.type}, got {text!r}", where=f"-p {name}", fix=how_to_write(parameter, name)
        ) from error


def how_to_write(parameter: Parameter, name: str) -> str:
    """An example of the parameter as it is typed in a shell."""
    of_numbers = parameter.unit != "1" or parameter.minimum is not None or parameter.maximum is not None
    array = "[1,1,2]" if of_numbers else '["one","two"]'
    examples = {"array": array, "integer": "2", "number": "0.5", "boolean": "true", "string": "text"}
    value = {**examples, "object": '{"key": "value"}'}[parameter.type]
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
    stem = path.name if path.is_dir() else re.sub(r"(?i)(\.nii\.gz|\.seg\.nrrd|\.[^.]+)$", "", path.name)
    return re.sub(r"[^A-Za-z0-9._-]", "_", stem).lstrip("._-")[:128] or "item"


def names_with(spec: StageSpec, inputs: Mapping[str, Path]) -> dict[str, Path]:
    """Tables of label names that lie with label maps in NIfTI, for inputs that take one and were not given it.

    Looked for are the file's own name with .tsv or .json, then BIDS's `dseg.tsv` for a whole folder or data set. A
    stage sees only the files that it is given, so the host looks. JSON without a LabelMap is a sidecar of another kind.
    """
    found = {}
    for name, path in inputs.items():
        table = f"{name}_names"
        ending = re.search(r"\.nii(\.gz)?$", path.name, re.IGNORECASE)
        if ending is None or table not in spec.inputs or table in inputs:
            continue
        stem = path.name.removesuffix(ending.group())
        places = [path.with_name(f"{stem}.tsv"), path.with_name(f"{stem}.json")]
        places += [folder / "dseg.tsv" for folder in _dataset(path.resolve().parent)]
        for place in places:
            if place.is_file() and (place.suffix != ".json" or _has_label_map(place)):
                found[table] = place
                print(f"names of {path.name}: from {place.name}", file=sys.stderr)
                break
    return found


def _dataset(folder: Path) -> list[Path]:
    """A folder and those above it, up to the root of a BIDS data set; the folder alone outside of one."""
    above = [folder, *folder.parents][:6]
    roots = [n for n, place in enumerate(above) if (place / "dataset_description.json").is_file()]
    return above[: roots[0] + 1] if roots else [folder]


def _has_label_map(path: Path) -> bool:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(value, dict) and isinstance(value.get("LabelMap"), dict)


def run_stage(asked: StageRun, runner: Runner, console: Console) -> int:
    """Run, print the record, return the exit status: 0 a result, 1 an error record. Raises Fault on anything else.

    An earlier result of the item is replaced only by another result, and only with `overwrite`.
    """
    handle = runner.identify(asked.stage)
    spec = handle.spec
    inputs = {name or default_input(spec): path for name, path in asked.inputs.items()}
    inputs |= names_with(spec, inputs)
    for name, path in inputs.items():
        if not path.exists():
            raise RequestFault("does not exist", where=str(path), fix=f"give the path of input {name}")
    request = _request(asked, spec, inputs)
    item = request.items[0]
    place = asked.output / item.id
    earlier = _earlier(place)
    if earlier is not None and earlier.status == "ok" and not asked.overwrite:
        raise _taken(place, earlier, request, inputs, spec)
    print(f"{handle.name}: runs on {item.id}", file=sys.stderr)
    try:
        asked.output.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".run-", dir=asked.output))
    except OSError as error:
        raise EnvironmentFault(
            f"cannot be written ({error.strerror})", where=str(asked.output), fix="give another folder with --out"
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
        try:
            if os.path.lexists(made) and (complaint := unsafe(made)):
                raise DamagedItemError(complaint)
            record = verified(made)
        except DamagedItemError as damage:
            fix = "check it with `myorepro stage check`"
            raise EnvironmentFault(str(damage), where=handle.name, fix=fix) from damage
        # Read again: another run may have filled the folder since.
        kept = record.status == "error" and _holds_result(place)
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
        if name == "format" and name not in spec.parameters:
            raise RequestFault(f"{spec.name} makes no images", where="--format", fix="leave it out")
        if name not in spec.parameters:
            known = ", ".join(spec.parameters) or "none"
            raise RequestFault(f"unknown parameter {name!r}", where="-p", fix=f"known: {known}")
        parameters[name] = parse_value(spec.parameters[name], name, text)
        if complaint := spec.parameters[name].complaint(parameters[name]):
            of_type = complaint.startswith("must be of type")
            fix = (
                how_to_write(spec.parameters[name], name) if of_type else f"see `myorepro stage describe {asked.stage}`"
            )
            raise RequestFault(complaint, where=f"-p {name}", fix=fix)
    item = checked(
        Item,
        {
            "id": asked.item or item_id(next(iter(inputs.values()))),
            "inputs": inputs,
            "facts": {name: fact_value(text) for name, text in asked.facts.items()},
        },
        where=f"--item {asked.item}",
        fix="use letters, digits and . _ - (128 at most)",
    )
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
        raise RequestFault(fault.what, where="-i and -f", fix=fault.fix) from fault
    return request


def _earlier(place: Path) -> Record | None:
    """The record of an earlier run in an item's folder; None without a folder. Raises RequestFault for anything else
    that is there."""
    if not place.exists():
        return None
    try:
        return read_record(place / "record.json")
    except ItemFault as fault:
        raise RequestFault(
            "exists and is not an item of an earlier run",
            where=str(place),
            fix="name this one with --item or give another --out",
        ) from fault


def _holds_result(place: Path) -> bool:
    earlier = _earlier(place)
    return earlier is not None and earlier.status == "ok"


def _taken(place: Path, record: Record, request: Request, inputs: dict[str, Path], spec: StageSpec) -> RequestFault:
    """That the item's folder holds a result, and whether it is the one that is asked for."""
    same = (record.stage.name, record.stage.version) == (spec.name, spec.version)
    same = same and record.parameters == spec.check(request) and record.facts == request.items[0].facts
    same = same and record.inputs == {name: sha256_path(path) for name, path in inputs.items()}
    what = "holds this result already" if same else "holds a result of another stage, other inputs or other parameters"
    return RequestFault(
        what, where=str(place), fix="name this one with --item, give another --out, or replace it with --overwrite"
    )


def show(record: Record, folder: Path, console: Console) -> None:
    """Print a record: error line, or outputs and metrics."""
    if record.error:
        line = one_line(record.error.what, record.error.where, record.error.fix)
        console.print(f"{record.item}: {line}", markup=False)
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
    doubts: dict[str, list[str]] = {}
    for name, metric in sorted(record.metrics.items()):
        for line in metric.qualified_by:
            doubts.setdefault(line, []).append(name)
    for line, names in doubts.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        console.print(f"doubtful: {', '.join(names[:3])}{more}: {line}", markup=False)
