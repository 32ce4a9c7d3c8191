"""The loop that every Python stage runs: one record per item, whole or absent, whatever happens.

Exit status: 0 every item has a record (good or bad); 2 the request is wrong; 3 the environment is.
An item's folder is filled under a temporary name and renamed when its record is in it, so a job that is
killed leaves only finished items. One bad item never stops the others.
"""

import argparse
import errno
import json
import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from containers.contract import CONTRACT_VERSION
from containers.contract.errors import EnvironmentFault, Fault, ItemFault, RequestFault
from containers.contract.files import dumps, replacing_folder, sha256_file, sha256_path, write_json, write_text
from containers.contract.record import ErrorInfo, Metric, Output, Record, StageId, Timing
from containers.contract.request import Item, Request, Resources, load_request
from containers.contract.spec import StageSpec, load_spec

OK, BAD_REQUEST, BAD_ENVIRONMENT = 0, 2, 3


@dataclass
class Job:
    """What a stage's `setup` is given."""

    parameters: dict[str, Any]
    """All parameters, checked and with defaults filled in."""
    resources: Resources
    """Threads, memory and device that may be used."""
    seed: int
    """Start of the stage's random draws."""


@dataclass
class Result:
    """What a stage says of one item while it works."""

    folder: Path
    """The item's folder, under its temporary name."""
    spec: StageSpec
    """The stage's description, which metrics and outputs must keep to."""
    metrics: dict[str, Metric] = field(default_factory=dict)
    """Numbers for the record, by name; written by `metric`."""
    details: dict[str, Any] = field(default_factory=dict)
    """Further JSON for the record."""
    warnings: list[str] = field(default_factory=list)
    """Lines for the record; written by `warn`."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Seconds of each part of the work, for timing.json; written by `step`."""
    files: dict[str, str] = field(default_factory=dict)
    """File name in the item's folder, by output name; written by `file`."""

    def file(self, output: str, name: str) -> Path:
        """Path to write the declared output `output` to, as `name` inside the item's folder."""
        if not self.spec.has_output(output):
            raise KeyError(f"output {output!r} is not declared in stage.toml")
        self.files[output] = name
        return self.folder / name

    def metric(self, name: str, value: float | int | None, note: str = "", qualified_by: Sequence[str] = ()) -> None:
        """Record a metric in the unit that stage.toml declares for it. None needs a note that says why.

        qualified_by: reasons to doubt the value, one line each.
        """
        unit = self.spec.metric_unit(name)
        if unit is None:
            raise KeyError(f"metric {name!r} is not declared in stage.toml")
        number = value if value is None or isinstance(value, int) else float(value)
        self.metrics[name] = Metric(value=number, unit=unit, note=note, qualified_by=list(qualified_by))

    def warn(self, line: str) -> None:
        """Say in one line what the reader of the record should know."""
        self.warnings.append(" ".join(line.split()))

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step; the seconds go to timing.json, never into the record."""
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


Setup = Callable[[Job], Any]
Process = Callable[[Item, Job, Any, Result], None]
FaultOf = Callable[[Exception], Fault | None]
"""What an exception of a stage's library says of the machine or the input; None where it says nothing known."""


def _nobodys(error: Exception) -> None:
    """The stages that need no reading of their libraries' exceptions."""


class Log:
    """The job's log, one JSON object a line, flushed at once so that a killed job keeps it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: str, **fields: Any) -> None:
        self._stream.write(json.dumps({"event": event, **fields}, sort_keys=True) + "\n")
        self._stream.flush()


def _error_info(error: Exception, fault_of: FaultOf = _nobodys) -> ErrorInfo:
    """Whose fault an exception is. Unknown ones are the stage's own: they are reported, never hidden."""
    error = fault_of(error) or error
    if isinstance(error, (ItemFault, EnvironmentFault)):
        kind = "input" if isinstance(error, ItemFault) else "environment"
        return ErrorInfo(kind=kind, what=error.what, where=error.where, fix=error.fix)  # type: ignore[arg-type]
    if isinstance(error, MemoryError):
        return ErrorInfo(kind="environment", what="not enough memory", fix="raise the memory limit of the job")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ErrorInfo(
            kind="environment", what="no space left", where="output folder", fix="free space and run the job again"
        )
    line = " ".join(str(error).split()) or type(error).__name__
    return ErrorInfo(
        kind="internal",
        what=f"{type(error).__name__}: {line}",
        fix="report it with the job log; the input may be fine",
    )


def _run_item(
    spec: StageSpec, item: Item, job: Job, state: Any, process: Process, output: Path, log: Log, fault_of: FaultOf
) -> Record:
    with replacing_folder(output / item.id) as folder:
        result = Result(folder, spec)
        record: dict[str, Any] = {
            "stage": StageId(name=spec.name, version=spec.version),
            "item": item.id,
            "facts": item.facts,
            "parameters": job.parameters,
            "seed": job.seed,
        }
        start = time.perf_counter()
        try:
            for name, path in item.inputs.items():
                if not path.exists():
                    raise ItemFault("does not exist", where=f"input {name}", fix="check the path")
            with result.step("hash_inputs"):
                record["inputs"] = {name: sha256_path(path) for name, path in item.inputs.items()}
            process(item, job, state, result)
            outputs = {}
            for name, file_name in result.files.items():
                path = folder / file_name
                outputs[name] = Output(path=file_name, sha256=sha256_file(path), bytes=path.stat().st_size)
            done = Record(
                status="ok",
                outputs=outputs,
                metrics=result.metrics,
                details=result.details,
                warnings=result.warnings,
                **record,
            )
            text = dumps(done.model_dump(mode="json"))
        except Exception as error:  # an item's failure is a result, not the end of the job
            fault = _error_info(error, fault_of)
            if fault.kind == "internal":
                log("traceback", item=item.id, text=traceback.format_exc())
            for file in folder.iterdir():
                file.unlink()
            done = Record(status="error", error=fault, warnings=result.warnings, **record)
            text = dumps(done.model_dump(mode="json"))
        result.seconds["total"] = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        write_json(folder / "timing.json", Timing(seconds=result.seconds, peak_memory_bytes=peak).model_dump())
        write_text(folder / "record.json", text)
    return done


def run(spec: StageSpec, request: Request, setup: Setup, process: Process, fault_of: FaultOf = _nobodys) -> int:
    """Run one job. Returns 0 when every item has a record. Raises RequestFault or EnvironmentFault."""
    job = Job(spec.check(request), request.resources, request.seed)
    try:
        request.output.mkdir(parents=True, exist_ok=True)
        stream = (request.output / "job.log").open("a", encoding="utf-8")
    except OSError as error:
        raise EnvironmentFault(
            f"cannot be written ({error.strerror})", where="output folder", fix="mount it writable for this user"
        ) from error
    with stream:
        log = Log(stream)
        log("start", stage=spec.name, version=spec.version, contract=CONTRACT_VERSION, items=len(request.items))
        try:
            state = setup(job)
        except Fault as error:
            log("stopped", reason=str(error))
            raise
        for item in request.items:
            try:
                record = _run_item(spec, item, job, state, process, request.output, log, fault_of)
            except OSError as error:
                # Not even the error record could be written: going on would drop items silently.
                fault = _error_info(error)
                raise EnvironmentFault(fault.what, where=f"item {item.id}", fix=fault.fix) from error
            failure = {"error": record.error.model_dump()} if record.error else {}
            log("item", item=item.id, status=record.status, **failure)
        log("end")
    return OK


def main(
    stage_toml: Path,
    process: Process,
    setup: Setup = lambda job: None,
    capabilities: Callable[[], dict[str, Any]] = dict,
    argv: list[str] | None = None,
    fault_of: FaultOf = _nobodys,
) -> int:
    """Entry point of a stage: `run REQUEST` or `describe`. Returns the exit status of the contract.

    setup: makes once what all items need. capabilities: what `describe` adds. fault_of: reads exceptions of the stage's
    libraries that are not the stage's fault, such as a device without room.
    """
    spec = load_spec(stage_toml)
    parser = argparse.ArgumentParser(prog=spec.name, description=spec.title)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("describe", help="print what this stage takes, gives and measures, as JSON")
    commands.add_parser("run", help="run one job").add_argument("request", type=Path, help="request file (JSON)")
    options = parser.parse_args(argv)
    if options.command == "describe":
        print(dumps({**spec.model_dump(mode="json"), "capabilities": capabilities()}), end="")
        return OK
    try:
        return run(spec, load_request(options.request), setup, process, fault_of)
    except RequestFault as fault:
        print(f"{spec.name}: request: {fault}", file=sys.stderr)
        return BAD_REQUEST
    except EnvironmentFault as fault:
        print(f"{spec.name}: environment: {fault}", file=sys.stderr)
        return BAD_ENVIRONMENT
