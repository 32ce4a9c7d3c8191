"""One stage under test: good, corrupt and missing items, jobs on them, and jobs that are killed."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from containers.contract import CONTRACT_VERSION
from containers.contract.record import Record
from harness.conformance.samples import Sample
from harness.run.store import DamagedItemError, verified
from harness.runners.base import Call, Exit, Limits, Runner, StageHandle

LIMITS = Limits(threads=1, memory_bytes=None, seconds=300.0)
CONTAINER_LIMITS = Limits(threads=1, memory_bytes=4 << 30, seconds=300.0)
ItemFields = dict[str, Any]


class NotCheckedError(Exception):
    """A check cannot be made here; str() says why."""


class _KillNowError(Exception):
    """Raised inside a job to have its runner kill it."""


@dataclass(frozen=True)
class JobUnderTest:
    """A finished job of a stage under test."""

    end: Exit
    """How it ended."""
    output: Path
    """Its output folder."""
    handle: StageHandle
    """The stage that was tried."""

    def record(self, item: str) -> Record:
        return Record.model_validate_json((self.output / item / "record.json").read_bytes())

    def complaint(self, item: str) -> str | None:
        """Why the item's record or outputs are not in order, or None."""
        if not (self.output / item / "record.json").is_file():
            return f"item {item} has no record ({self.end.reason()})"
        try:
            record = verified(self.output / item)
        except DamagedItemError as damage:
            return f"item {item}: {damage}"
        if record.item != item:
            return f"item {item}: its record is of item {record.item!r}"
        if (record.stage.name, record.stage.version) != (self.handle.name, self.handle.version):
            return f"item {item}: its record is of stage {record.stage.name} {record.stage.version}"
        if record.error is not None and "\n" in record.error.what.strip():
            return f"item {item}: its error is not one line"
        return None


class StageUnderTest:
    """Runs jobs of one stage in a folder that is thrown away."""

    def __init__(self, runner: Runner, handle: StageHandle, folder: Path, sample: Sample) -> None:
        self.runner, self.handle, self.folder, self.sample = runner, handle, folder, sample
        self._mounted: dict[str, Path] = {}

    def _item(self, item: str, files: dict[str, Path]) -> ItemFields:
        seen = {name: self.runner.inside(path, f"{item}/{name}") for name, path in files.items()}
        self._mounted |= {seen[name]: path for name, path in files.items() if path.exists()}
        return {"id": item, "inputs": seen, "facts": self.sample.facts}

    def good(self, item: str) -> ItemFields:
        """An item with the sample inputs."""
        return self._item(item, self.sample.inputs)

    def corrupt(self, item: str) -> ItemFields:
        """An item with a bad input."""
        return self._item(item, self.sample.corrupt)

    def missing(self, item: str) -> ItemFields:
        """An item whose input files do not exist."""
        return self._item(item, {name: self.folder / name / "absent.bin" for name in self.sample.inputs})

    def output(self, name: str) -> Path:
        """A new output folder."""
        folder = self.folder / name / "out"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def request(self, items: list[ItemFields], output: Path, change: dict[str, Any] | None = None) -> str:
        """The text of a request, with top-level fields changed."""
        request = {
            "contract": CONTRACT_VERSION,
            "stage": self.handle.name,
            "items": items,
            "output": self.runner.output_inside(output),
            **(change or {}),
        }
        return json.dumps(request)

    def _call(self, text: str, items: list[ItemFields], output: Path) -> Call:
        wanted = {path for item in items for path in item["inputs"].values()}
        inputs = {inside: host for inside, host in self._mounted.items() if inside in wanted}
        return Call(text, inputs, output, LIMITS if self.runner.name == "process" else CONTAINER_LIMITS)

    def job(self, name: str, items: list[ItemFields], output: Path | None = None) -> JobUnderTest:
        """Run a job to its end."""
        output = output or self.output(name)
        end = self.runner.execute(self.handle, self._call(self.request(items, output), items, output))
        return JobUnderTest(end, output, self.handle)

    def job_killed(self, name: str, items: list[ItemFields], output: Path) -> None:
        """Start a job and kill it when its first item is finished, or its second is begun."""
        call = self._call(self.request(items, output), items, output)

        def kill_when_begun(isolation: dict[str, Any]) -> None:
            if any(output.glob("*/record.json")):
                raise _KillNowError

        call.tick = kill_when_begun
        try:
            self.runner.execute(self.handle, call)
        except _KillNowError:
            return

    def refused(
        self,
        name: str,
        *,
        text: str | None = None,
        change: dict[str, Any] | None = None,
        items: list[ItemFields] | None = None,
    ) -> str | None:
        """What is wrong when the stage does not refuse a wrong request with exit status 2, one line and no output."""
        items = items or [self.good("one")]
        output = self.output(name)
        end = self.runner.execute(self.handle, self._call(text or self.request(items, output, change), items, output))
        if end.stopped or end.status != 2:
            return f"ended with {end.reason()}; it should be exit status 2"
        if left := sorted(path.name for path in output.iterdir()):
            return f"wrote output all the same: {', '.join(left)}"
        return self.not_one_line(end.stderr)

    def not_one_line(self, stderr: str) -> str | None:
        """What is wrong when a message for people is not one line on stderr."""
        lines = [line for line in stderr.splitlines() if line.strip()]
        if not lines:
            return "said nothing on stderr"
        if "Traceback" in stderr or len(lines) > 3:
            return f"said {len(lines)} lines on stderr, one is wanted: {lines[-1][:200]}"
        return None

    def undeclared(self, record: Record) -> str | None:
        """An output or metric that `describe` does not declare, or a required output that is missing."""
        spec = self.handle.spec
        for name in record.outputs:
            if not spec.has_output(name):
                return f"output {name} is not declared"
        for name, port in spec.outputs.items():
            if port.required and name not in record.outputs and not name.endswith(".*"):
                return f"required output {name} is missing"
        for name, metric in record.metrics.items():
            if spec.metric_unit(name) != metric.unit:
                return f"metric {name} is not declared in unit {metric.unit!r}"
        return None

    def wrong_parameters(self, record: Record) -> str | None:
        """What is wrong when a record does not list all parameters with their defaults."""
        defaults = {name: parameter.default for name, parameter in self.handle.spec.parameters.items()}
        if record.parameters != defaults:
            odd = sorted(n for n in {*defaults, *record.parameters} if record.parameters.get(n) != defaults.get(n))
            return f"record.parameters should hold every parameter with its default; differs: {', '.join(odd)}"
        return None
