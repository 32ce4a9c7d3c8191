"""Run the draws of a simulation: make a phantom's cohort, give it to the stage, keep what comes out, drop the cohort.

Invariants: a draw that is finished is in the store, with its truth, before the next shard begins, so a run that is
killed goes on where it was; a draw that failed is never kept, and has an outcome that says why; the tables of one shard
at a time are on disk. One process of the stage does as many draws as a job holds.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from containers.contract import CONTRACT_VERSION
from containers.contract.errors import EnvironmentFault
from containers.contract.files import sha256_file, write_json
from containers.contract.record import ErrorInfo, Record
from harness.run import jobs, one_draw
from harness.run.context import Context
from harness.run.one_draw import TRUTH_STAGE, make_draw
from harness.run.outcome import Outcome, failed, finished
from harness.run.steps.base import Files
from harness.run.steps.phantom import modules_of
from harness.run.steps.simulation import Simulation
from harness.run.steps.task import Task, read_record
from harness.run.store import key_of
from harness.runners.base import StageHandle

StepOfProgress = Callable[[int, int], AbstractContextManager[Callable[[str], None]]]
SHARD = 32
"""Draws whose tables are on disk at one time."""


@dataclass(frozen=True)
class Draw:
    """One draw of a simulation."""

    item: str
    """Name of the draw, unique in the simulation: level and seed."""
    parameters: dict[str, Any]
    """Parameters of the phantom, the seed included."""
    truth_key: str
    """Cache key of the phantom's truth."""
    key: str
    """Cache key of the stage's record."""


@dataclass
class DrawnOutcomes:
    """What became of draws."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """The stage's outcome, by draw."""
    truths: dict[str, Path] = field(default_factory=dict)
    """The record that holds the truth under `details`, by draw."""


@dataclass
class DrawRunner:
    """All that the draws of one simulation have in common."""

    step: Simulation
    """The simulation step."""
    context: Context
    """What all cases of the run share."""
    scratch: Path
    """Folder for the tables of one shard."""
    errors: Path
    """Folder for records of failed draws."""

    @property
    def handle(self) -> StageHandle:
        """The stage."""
        return self.context.handle(self.step.stage)

    @property
    def digest(self) -> str:
        """Hash of the sources that decide a draw: of its phantom, and of what keeps the truth."""
        return self.context.digest((one_draw.__name__, *modules_of(self.step.phantom)))

    def draw(self, level: str, seed: int, parameters: dict[str, Any]) -> Draw:
        """The draw of a seed. Its name is unique in the simulation."""
        item = f"{level}.{seed}" if level else f"{seed}"
        whole = {**parameters, "seed": seed}
        made = {
            "builtin": "draw",
            "digest": self.digest,
            "phantom": self.step.phantom,
            "parameters": whole,
        }
        run = {
            "contract": CONTRACT_VERSION,
            "stage": self.handle.name,
            "stage_digest": self.handle.digest,
            "stage_parameters": self.step.stage_parameters,
            "inputs": self.step.inputs,
            "item": item,
            **self.context.of_jobs(),
        }
        return Draw(item, whole, key_of(made), key_of({**made, **run}))

    def cached(self, draws: list[Draw]) -> DrawnOutcomes:
        """What the store has of them."""
        found = DrawnOutcomes()
        for one in draws:
            truth, entry = self.context.store.get(one.truth_key), self.context.store.get(one.key)
            if truth and entry:
                found.truths[one.item] = truth.folder / "record.json"
                found.outcomes[one.item] = finished(entry, cached=True)
        return found

    def run(self, draws: list[Draw], done: Callable[[str], None]) -> DrawnOutcomes:
        """Run draws that the store does not have. `done` is called with each draw's name as it ends."""
        found = DrawnOutcomes()
        for start in range(0, len(draws), SHARD):
            self._shard(draws[start : start + SHARD], found, done)
        return found

    def _shard(self, draws: list[Draw], found: DrawnOutcomes, done: Callable[[str], None]) -> None:
        folder = Path(tempfile.mkdtemp(prefix="draws-", dir=self.scratch))
        provenance = {"runner": "harness", "digest": self.digest, "digest_kind": "source hash"}
        try:
            work = []
            for one, place, future in self._made(draws, folder):
                try:
                    hashes = future.result()
                except EnvironmentFault as fault:
                    found.outcomes[one.item] = self._given_up(one, fault, provenance)
                    done(one.item)
                    continue
                except Exception as error:
                    # A phantom that cannot be made ends this draw only; the reason is counted and shown.
                    line = " ".join(str(error).split()) or type(error).__name__
                    found.outcomes[one.item] = Outcome("missing", line=f"phantom {self.step.phantom}: {line}")
                    done(one.item)
                    continue
                truth = read_record(place / "truth" / "record.json")
                kept = self.context.store.put(one.truth_key, place / "truth", truth, provenance)
                found.truths[one.item] = kept.folder / "record.json"
                paths = {name: place / "files" / file for name, (file, _sha) in hashes.items()}
                work.append(jobs.WorkItem(one.item, one.key, paths, {n: sha for n, (_file, sha) in hashes.items()}, {}))
            if work:
                found.outcomes |= self._stage(work, done)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _made(
        self, draws: list[Draw], folder: Path
    ) -> Iterator[tuple[Draw, Path, "Future[dict[str, tuple[str, str]]]"]]:
        places = [folder / str(number) for number in range(len(draws))]
        futures = []
        for one, place in zip(draws, places, strict=True):
            futures.append(
                self.context.pool.submit(place, make_draw, self.step.phantom, one.parameters, self.step.inputs, place)
            )
        yield from zip(draws, places, futures, strict=True)

    def _given_up(self, one: Draw, fault: EnvironmentFault, provenance: dict[str, Any]) -> Outcome:
        """The outcome of a draw whose cohort this machine did not make."""
        info = ErrorInfo(kind="environment", what=fault.what, where=f"phantom {self.step.phantom}", fix=fault.fix)
        record = Record(stage=TRUTH_STAGE, item=one.item, status="error", parameters=one.parameters, error=info)
        place = self.errors / one.item
        place.mkdir(parents=True, exist_ok=True)
        write_json(place / "record.json", record.model_dump(mode="json"))
        return failed(place, record, provenance)

    def _stage(self, work: list[jobs.WorkItem], done: Callable[[str], None]) -> dict[str, Outcome]:
        context = self.context
        share = context.share(len(work))
        call = jobs.StageCall(
            runner=context.runner,
            handle=self.handle,
            store=context.store,
            parameters=self.step.stage_parameters,
            seed=0,
            limits=share.limits,
            scratch=self.scratch,
            errors=self.errors,
            done=done,
        )
        return call.run(work, share.jobs)


def draw_all(
    runner: DrawRunner,
    levels: list[dict[str, Any]],
    parameters: dict[str, Any],
    count: int,
    progress: StepOfProgress | None,
) -> tuple[dict[str, Outcome], Task | Outcome]:
    """All draws at all levels: their outcomes, and the task that sums them up, or why there is none.

    levels: `id` and `parameters` of each, which join `parameters`. progress: makes the progress of a step from its
    number of draws and of cached ones; None makes no draw, and gives the outcome `planned` when one is missing.
    """
    step = runner.step
    draws = [
        runner.draw(level["id"], seed, parameters | level["parameters"])
        for level in levels
        for seed in range(step.first_seed, step.first_seed + count)
    ]
    found = runner.cached(draws)
    pending = [one for one in draws if one.item not in found.outcomes]
    if pending and progress is None:
        return {}, Outcome("planned")
    if progress is not None:
        with progress(len(draws), len(draws) - len(pending)) as done:
            new = runner.run(pending, done)
        found = DrawnOutcomes(found.outcomes | new.outcomes, found.truths | new.truths)
    outcomes = {one.item: found.outcomes[one.item] for one in draws}
    lost = [outcome.line for outcome in outcomes.values() if outcome.status == "error" and outcome.environmental]
    if lost:
        # Bias and coverage of the others would be those of fewer draws: a run that goes on makes the lost ones.
        return outcomes, Outcome("missing", line=f"{len(lost)} of {len(draws)} draws lost: {lost[0]}")
    failures = {item: outcome.line for item, outcome in outcomes.items() if outcome.status != "ok"}
    if len(failures) == len(draws):
        return outcomes, Outcome("missing", line=f"every draw failed: {next(iter(failures.values()))}")
    inputs: dict[str, Path] = {}
    for item, outcome in outcomes.items():
        if outcome.status == "ok" and outcome.folder:
            inputs |= {f"record.{item}": outcome.folder / "record.json", f"truth.{item}": found.truths[item]}
    about = {
        "phantom": step.phantom,
        "stage": f"{runner.handle.name} {runner.handle.version}",
        "draws": count,
        "first_seed": step.first_seed,
        "confidence": step.confidence,
        "levels": levels,
        "failed": failures,
        "estimates": [estimate.model_dump(mode="json") for estimate in step.estimates],
    }
    hashes = {label: sha256_file(path) for label, path in inputs.items()}
    return outcomes, step.summary(Files(inputs, hashes), about)
