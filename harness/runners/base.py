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

from pydantic import ValidationError

from containers.contract import CONTRACT_VERSION
from containers.contract.errors import EnvironmentFault, RequestFault
from containers.contract.request import first_error
from containers.contract.spec import StageSpec

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Limits:
    """What a job may use. memory_bytes: None for no limit. seconds: wall-clock time of the whole job."""

    threads: int = 1
    memory_bytes: int | None = None
    seconds: float = 3600.0
    device: Literal["cpu", "cuda"] = "cpu"


@dataclass(frozen=True)
class StageHandle:
    """A stage that can be run. `target` is what the runner starts: an image ID, or a command line."""

    name: str
    version: str
    spec: StageSpec
    target: str
    digest: str
    digest_kind: Literal["image id", "repository digest", "source hash"]


@dataclass(frozen=True)
class Exit:
    """How a job ended. status: exit status, or minus the signal. stopped: why the runner ended it, else empty.

    stderr: the last lines. isolation: what was in force.
    """

    status: int
    stderr: str
    isolation: dict[str, Any]
    stopped: str = ""

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
    """One call of a stage. request: the file's text. inputs: path as the stage sees it -> path on this machine.

    output: folder on this machine that the stage fills. tick: called with the isolation in force, several times
    a second while the stage runs.
    """

    request: str
    inputs: dict[str, Path]
    output: Path
    limits: Limits = field(default_factory=Limits)
    tick: Callable[[dict[str, Any]], None] = lambda isolation: None


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
            raise RequestFault("describe did not print a JSON object", where=where, mend="see stage.schema.json")
        raw.pop("capabilities", None)
        spec = StageSpec.model_validate(raw)
    except ValidationError as error:
        raise RequestFault(first_error(error), where=f"{where} describe", mend="see stage.schema.json") from error
    except ValueError as error:
        raise RequestFault(f"describe is not JSON ({error})", where=where, mend="print JSON only on stdout") from error
    if spec.contract.split(".")[0] != CONTRACT_VERSION.split(".")[0]:
        raise EnvironmentFault(
            f"speaks contract {spec.contract}, this harness {CONTRACT_VERSION}",
            where=where,
            mend="use a stage and a harness of the same contract version",
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
