"""Run a stage on the items that the cache does not have: grouped into jobs, side by side, harvested as they finish.

Invariants: a finished item is in the store as soon as its record is, so a run that is killed goes on where
it was; one bad item stops nothing; after a crash the items left over are tried once more, one a job, so that
only the culprit is lost.
"""

import json
import math
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any, Literal

from containers.contract import CONTRACT_VERSION
from containers.contract.errors import EnvironmentFault, one_line
from containers.contract.record import Record
from harness.run.outcome import Outcome, failed, finished
from harness.run.store import DamagedItemError, Store, unsafe, verified
from harness.runners.base import Call, Exit, Limits, Runner, StageHandle

LARGEST_JOB = 64
"""Items in one job: enough to spread the loading of a model, few enough to mount their inputs one by one."""
JOB_MEMORY = 2 << 30
"""Memory that a job should have at least: fewer jobs run side by side on a smaller machine."""
GIB = 1 << 30


@dataclass(frozen=True)
class WorkItem:
    """One item to be done."""

    item: str
    """Identifier of the item."""
    key: str
    """Cache key of its result."""
    inputs: dict[str, Path]
    """Paths of its inputs on this machine, by name."""
    hashes: dict[str, str]
    """SHA-256 of each input, by name."""
    facts: dict[str, Any]
    """Scalar facts of the item."""


@dataclass(frozen=True)
class Share:
    """How a step's items share the machine."""

    jobs: int
    """Jobs that run side by side."""
    limits: Limits
    """Threads, memory and time of each job."""


def share(items: int, cores: int, seconds: float, device: Literal["cpu", "cuda"] = "cpu") -> Share:
    """Divide `cores` and three quarters of the memory among a step's items. jobs x threads never exceeds cores."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4
    jobs = max(1, min(items, cores, memory // JOB_MEMORY))
    each = max(GIB, memory // jobs // GIB * GIB)
    return Share(jobs, Limits(threads=max(1, cores // jobs), memory_bytes=each, seconds=seconds, device=device))


def groups(work: list[WorkItem], jobs: int) -> list[list[WorkItem]]:
    """Items in equal groups, as many as run side by side, none larger than LARGEST_JOB."""
    size = min(LARGEST_JOB, math.ceil(len(work) / jobs)) if work else 1
    return [work[start : start + size] for start in range(0, len(work), size)]


class StopRequestedError(Exception):
    """The run is to end now; finished items are kept."""


@dataclass
class StageCall:
    """All that the jobs of one step have in common."""

    runner: Runner
    """The runner of the stage."""
    handle: StageHandle
    """The stage."""
    store: Store
    """The cache that good items go into."""
    parameters: dict[str, Any]
    """Parameters of the stage."""
    seed: int
    """Start of the stage's random draws."""
    limits: Limits
    """Threads, memory and time of each job."""
    scratch: Path
    """Folder for requests and outputs while a job runs."""
    errors: Path
    """Folder that records of failed items are kept in."""
    done: Callable[[str], None]
    """Called with each item's name as it ends."""
    stop: Event = field(default_factory=Event)
    """Set when the run is to end now."""

    def run(self, work: list[WorkItem], jobs: int) -> dict[str, Outcome]:
        """Run all; returns an outcome for every item."""
        outcomes: dict[str, Outcome] = {}
        with ThreadPoolExecutor(max_workers=jobs) as pool:
            try:
                for part in pool.map(self._job_and_rest, groups(work, jobs)):
                    outcomes |= part
            except BaseException:
                # The pool waits for its threads: tell them to end their jobs first.
                self.stop.set()
                raise
        return outcomes

    def _job_and_rest(self, work: list[WorkItem]) -> dict[str, Outcome]:
        outcomes, crashed = self._job(work)
        if crashed and len(work) > 1:
            for one in work:
                if outcomes[one.item].status == "missing":
                    outcomes |= self._job([one])[0]
        for item, outcome in outcomes.items():
            if outcome.status == "missing":
                self.done(item)
        return outcomes

    def request(self, work: list[WorkItem], output: Path) -> str:
        """The request file, with paths as the stage sees them."""
        items = [
            {
                "id": one.item,
                "inputs": {n: self.runner.inside(p, f"{one.item}/{n}") for n, p in one.inputs.items()},
                "facts": one.facts,
            }
            for one in work
        ]
        resources = {
            "threads": self.limits.threads,
            "memory_bytes": self.limits.memory_bytes,
            "device": self.limits.device,
        }
        return json.dumps(
            {
                "contract": CONTRACT_VERSION,
                "stage": self.handle.name,
                "items": items,
                "parameters": self.parameters,
                "resources": resources,
                "seed": self.seed,
                "output": self.runner.output_inside(output),
            }
        )

    def _job(self, work: list[WorkItem]) -> tuple[dict[str, Outcome], bool]:
        """One job. Returns the outcomes and whether it ended in a way that the contract does not know."""
        outcomes: dict[str, Outcome] = {}
        folder = Path(tempfile.mkdtemp(prefix="job-", dir=self.scratch))
        output = folder / "out"
        crashed = False
        try:
            output.mkdir()
            inputs = {self.runner.inside(p, f"{w.item}/{n}"): p for w in work for n, p in w.inputs.items()}
            call = Call(
                request=self.request(work, output),
                inputs=inputs,
                output=output,
                limits=self.limits,
                tick=lambda isolation: self._harvest(work, output, isolation, outcomes),
            )
            end = self.runner.execute(self.handle, call)
            self._harvest(work, output, end.isolation, outcomes)
            crashed = end.crashed
            line = _why_missing(end)
        except EnvironmentFault as fault:
            line = str(fault)
        except OSError as error:
            line = one_line(f"the work folder cannot be written ({error.strerror})", fix="free space and run again")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        for one in work:
            outcomes.setdefault(one.item, Outcome("missing", line=line))
        return outcomes, crashed

    def _harvest(
        self, work: list[WorkItem], output: Path, isolation: dict[str, Any], outcomes: dict[str, Outcome]
    ) -> None:
        """Take every finished item out of the job's output folder. Raises StopRequestedError when the run is to end."""
        for one in work:
            folder = output / one.item
            if one.item in outcomes or not (folder / "record.json").is_file():
                continue
            outcome = self._take(one, folder, isolation)
            outcomes[one.item] = outcome
            if outcome.status != "missing":
                self.done(one.item)
        if self.stop.is_set():
            raise StopRequestedError

    def _take(self, one: WorkItem, folder: Path, isolation: dict[str, Any]) -> Outcome:
        if complaint := unsafe(folder):
            return Outcome("missing", line=f"the stage broke its contract: {complaint}")
        # A folder of another user cannot be moved out by rename when it is not writable: own it first.
        if os.getuid() == 0:
            for path in [folder, *folder.iterdir()]:
                os.chown(path, 0, 0, follow_symlinks=False)
        provenance = {
            "runner": self.runner.name,
            "stage": self.handle.name,
            "version": self.handle.version,
            "digest": self.handle.digest,
            "digest_kind": self.handle.digest_kind,
            "isolation": isolation,
        }
        try:
            record = verified(folder)
            self._require_asked(one, record)
        except DamagedItemError as damage:
            return Outcome("missing", line=f"the stage broke its contract: {damage}", provenance=provenance)
        if record.status == "ok":
            return finished(self.store.put(one.key, folder, record, provenance), cached=False)
        place = self.errors / one.item
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(place)
        return failed(place, record, provenance)

    def _require_asked(self, one: WorkItem, record: Record) -> None:
        """Raises DamagedItemError where a valid record is not the answer to what was asked."""
        if record.item != one.item:
            raise DamagedItemError(f"record of item {record.item!r} in the folder of {one.item!r}")
        if (record.stage.name, record.stage.version) != (self.handle.name, self.handle.version):
            raise DamagedItemError(f"record of stage {record.stage.name} {record.stage.version}")
        if record.status == "ok" and record.inputs != one.hashes:
            raise DamagedItemError("record.inputs are not the hashes of the inputs given")
        if record.seed != self.seed or record.facts != one.facts:
            raise DamagedItemError("record.seed or record.facts are not those that were asked for")
        wanted = {n: self.parameters.get(n, p.default) for n, p in self.handle.spec.parameters.items()}
        if record.parameters != wanted:
            raise DamagedItemError("record.parameters are not those that were asked for, defaults filled in")
        needed = [n for n, port in self.handle.spec.outputs.items() if port.required and not n.endswith(".*")]
        if record.status == "ok" and (missing := [n for n in needed if n not in record.outputs]):
            raise DamagedItemError(f"required output {missing[0]!r} is missing")
        for name, metric in record.metrics.items():
            if self.handle.spec.metric_unit(name) != metric.unit:
                raise DamagedItemError(f"metric {name} is not declared in unit {metric.unit!r}")


def _why_missing(end: Exit) -> str:
    if end.status == 0 and not end.stopped:
        return "the stage ended with exit status 0 but wrote no record"
    return f"the job ended early: {end.reason()}"
