"""A method's process as the harness sees it: questions, answers, and when there are enough samples.

Invariant: no process outlives the block that opened it.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from containers.contract.errors import EnvironmentFault
from harness.bench.clock import calls_per_sample
from harness.bench.statistics import CONFIDENCE, median_interval
from harness.bench.suite import Asked, environment
from harness.project import ROOT
from harness.runners import children

FEWEST, MOST = 6, 50
"""Samples per method: under FEWEST no interval of a median has 95 %; over MOST little is gained."""
LIST_SECONDS, CHECK_SECONDS = 120, 1200
CLOSING_SECONDS = 20


@dataclass(frozen=True)
class Budget:
    """How long a method is sampled."""

    seconds: float
    """Longest time of samples per method, after the first call, in seconds."""
    precision: float
    """Half-width of the median's interval to stop at, as a share of the median."""


@dataclass
class Worker:
    """A method's process, and what it answered."""

    facts: dict[str, Any]
    """The method as its script lists it: name, package, target and what is missing."""
    budget: Budget
    """How long it is sampled."""
    process: subprocess.Popen[str]
    """The process, with pipes for questions, answers and errors."""
    errors: list[str] = field(default_factory=list)
    """The last five lines that it wrote to stderr."""
    first: dict[str, Any] = field(default_factory=dict)
    """Its answer to the first call: seconds and peak memory."""
    samples: list[dict[str, Any]] = field(default_factory=list)
    """Its answers to the calls that count."""
    calls: int = 1
    """Calls that a sample repeats."""
    fault: str = ""
    """Why its part ended early; empty while nothing is wrong."""
    alone: bool = True
    """Whether no further process works for it, so that its processor time is the method's."""
    energy: dict[str, Any] = field(default_factory=dict)
    """Its answer about energy: joules of a call and what measured them."""

    def __post_init__(self) -> None:
        # Read while the worker runs: a full pipe would stop it.
        threading.Thread(target=self._keep_errors, daemon=True).start()

    def _keep_errors(self) -> None:
        for line in self.process.stderr or ():
            if line.strip():
                self.errors.append(line.strip())
                del self.errors[:-5]

    def read(self) -> dict[str, Any]:
        """The next answer; a fault ends the worker's part."""
        line = self.process.stdout.readline() if self.process.stdout else ""
        if not line:
            self.process.wait()
            last = self.errors[-1] if self.errors else "no message"
            self.fault = f"ended with status {self.process.returncode} ({last[:200]})"
            return {}
        answer: dict[str, Any] = json.loads(line)
        self.fault = answer.get("fault", "")
        return answer

    def ask(self, request: str) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        try:
            assert self.process.stdin
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
        except OSError:
            pass  # it has ended: reading says why
        return self.read()

    @property
    def seconds(self) -> list[float]:
        return [sample["seconds"] for sample in self.samples]

    @property
    def precise(self) -> bool:
        """Whether the interval of the median is narrow enough."""
        if len(self.samples) < FEWEST:
            return False
        found = median_interval(self.seconds)
        return found.coverage >= CONFIDENCE and found.half_width <= self.budget.precision

    @property
    def wants_more(self) -> bool:
        """Whether another sample is wanted and fits into the budget."""
        if self.fault or self.precise or len(self.samples) >= MOST:
            return False
        spent = sum(self.seconds) * self.calls
        return not self.samples or spent + spent / len(self.samples) <= self.budget.seconds

    def begin(self) -> None:
        """The call that is not counted; it counts where it alone uses up the budget."""
        self.first = self.ask("first")
        if self.fault:
            return
        if self.first["seconds"] > self.budget.seconds:
            self.samples = [self.first]
        else:
            self.calls = calls_per_sample(self.first["seconds"])

    def sample(self) -> None:
        """One more sample."""
        answer = self.ask(f"call {self.calls}")
        if self.fault:
            return
        if not self.samples:
            # The first call compiled and loaded: only now is the length of a call known.
            wanted = calls_per_sample(answer["seconds"])
            if wanted > self.calls:
                self.calls = wanted
                return
        self.samples.append(answer)


@contextmanager
def opened(script: Path, row: str, facts: dict[str, Any], asked: Asked, budget: Budget) -> Iterator[Worker]:
    """The process of a method of a row, with its inputs made; it ends with the block."""
    command = [sys.executable, str(script), "--asked", json.dumps(asdict(asked)), "--worker", row, facts["name"]]
    pipe = subprocess.PIPE
    options = {"stdin": pipe, "stdout": pipe, "stderr": pipe, "text": True, "cwd": ROOT}
    with children.started(command, env=_environment(asked.threads), **options) as process:
        found = Worker(facts, budget, process)
        found.alone = bool(found.read().get("alone"))
        yield found
        if process.stdin:
            process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(CLOSING_SECONDS)


def _environment(threads: int) -> dict[str, str]:
    return environment(threads) | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}


def listed(script: Path, asked: Asked) -> list[dict[str, Any]]:
    """The rows of a script. Raises EnvironmentFault when it cannot be loaded."""
    found: list[dict[str, Any]] = json.loads(answer(script, asked, ["--list"], LIST_SECONDS))
    return found


def answer(script: Path, asked: Asked, arguments: list[str], seconds: float) -> str:
    """The last line that a script prints. Raises EnvironmentFault when it fails."""
    command = [sys.executable, str(script), "--asked", json.dumps(asdict(asked)), *arguments]
    try:
        done = children.run(command, seconds=seconds, cwd=ROOT, env=_environment(asked.threads))
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFault(
            f"gave no answer in {seconds:g} s", where=script.name, fix="run it when the machine is free"
        ) from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise EnvironmentFault(f"failed ({lines[-1][:200]})", where=script.name, fix="run `make venv`")
    return done.stdout.splitlines()[-1]
