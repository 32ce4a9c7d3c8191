"""What every runner offers: the same request, the same exit status, and a true account of the isolation.

Invariants: a runner never changes a stage's input; it leaves nothing running when `execute` returns or
raises; `isolation` says what was really in force, in values that do not change from run to run.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from containers.contract import CONTRACT_VERSION
from containers.contract.checked import checked
from containers.contract.errors import EnvironmentFault, RequestFault
from containers.contract.spec import StageSpec

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Limits:
    """What a job may use."""

    threads: int = 1
    """Processor threads of the job."""
    memory_bytes: int | None = None
    """Memory of the job in bytes; None for no limit."""
    seconds: float = 3600.0
    """Wall-clock time of the whole job, in seconds."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where the stage computes."""


@dataclass(frozen=True)
class StageHandle:
    """A stage that can be run."""

    name: str
    """Name of the stage, from its description."""
    version: str
    """Semantic version of the stage, from its description."""
    spec: StageSpec
    """Its description: inputs, parameters, metrics."""
    target: str
    """What the runner starts: an image ID, or a command line."""
    digest: str
    """What the stage's results are keyed by."""
    digest_kind: Literal["image id", "repository digest", "source hash"]
    """What `digest` is."""


@dataclass(frozen=True)
class Exit:
    """How a job ended."""

    status: int
    """Exit status, or minus the number of the signal that ended it."""
    stderr: str
    """The last lines that it wrote to stderr."""
    isolation: dict[str, Any]
    """What was really in force (network, user, limits), by name."""
    stopped: str = ""
    """Why the runner ended it; empty where it ended by itself."""

    @property
    def crashed(self) -> bool:
        """Whether the job ended in a way that the contract does not know."""
        return bool(self.stopped) or self.status not in (0, 2, 3)

    def reason(self) -> str:
        """One line that says why the job did not end well."""
        if self.stopped:
            return self.stopped
        if self.status < 0:
            return f"killed by signal {-self.status}"
        return f"exit status {self.status} ({self.last_line()})"

    def last_line(self) -> str:
        """What the stage said last on stderr."""
        lines = [line.strip() for line in self.stderr.splitlines() if line.strip()]
        return lines[-1] if lines else "no message"


@dataclass
class Call:
    """One call of a stage."""

    request: str
    """Text of the request file, with the paths that the stage sees."""
    inputs: dict[str, Path]
    """Path on this machine, by the path that the stage sees."""
    output: Path
    """Folder on this machine that the stage fills."""
    limits: Limits = field(default_factory=Limits)
    """Threads, memory, time and device of the job."""
    tick: Callable[[dict[str, Any]], None] = lambda isolation: None
    """Called with the isolation in force, several times a second while the stage runs."""


class Runner(Protocol):
    """The interface. `identify` and `execute` raise EnvironmentFault when the machine cannot do it."""

    name: str

    def identify(self, stage: str) -> StageHandle:
        """Find a stage by name (or by folder, program or image reference) and read its description."""

    def inside(self, path: Path, slot: str) -> str:
        """The path under which the stage sees the file `path`; `slot` is unique in the job (`item/input`)."""

    def output_inside(self, output: Path) -> str:
        """The path under which the stage sees its output folder."""

    def execute(self, handle: StageHandle, call: Call) -> Exit:
        """Run one job to its end."""


def parse_description(text: str, where: str) -> StageSpec:
    """The StageSpec that `describe` printed. Raises RequestFault with the field when it is not one."""
    try:
        raw = json.loads(text)
        if not isinstance(raw, dict):
            raise RequestFault("describe did not print a JSON object", where=where, fix="see stage.schema.json")
        raw.pop("capabilities", None)
    except ValueError as error:
        raise RequestFault(f"describe is not JSON ({error})", where=where, fix="print JSON only on stdout") from error
    spec = checked(StageSpec, raw, f"{where} describe", "see stage.schema.json")
    if spec.contract.split(".")[0] != CONTRACT_VERSION.split(".")[0]:
        raise EnvironmentFault(
            f"speaks contract {spec.contract}, this harness {CONTRACT_VERSION}",
            where=where,
            fix="use a stage and a harness of the same contract version",
        )
    return spec


def wait(finished: Callable[[], bool], tick: Callable[[], None], seconds: float) -> bool:
    """Wait until `finished`, ticking. Returns False when `seconds` have passed first."""
    end = time.monotonic() + seconds
    pause = 0.005
    while not finished():
        if time.monotonic() > end:
            return False
        tick()
        time.sleep(pause)
        pause = min(POLL_SECONDS, pause * 1.5)
    return True
