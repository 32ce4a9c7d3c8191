"""Run gate cases with stages put in place of the reference, each in a run folder of its own."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.gate.candidate import ByStage
from harness.gate.disguises import disguise
from harness.gate.readings import Readings, read
from harness.gate.spec import PRESET, GateCase
from harness.progress import Progress
from harness.run.checks import evaluate
from harness.run.context import Context, JobSetting
from harness.run.pipeline import CaseRun, Outcomes
from harness.run.results import CheckResult
from harness.run.steps.task import Held, Task
from harness.run.store import Entry, Store
from harness.run.workers import Workers
from harness.runners.base import StageHandle

SECONDS_PER_JOB = 900.0
ONE_THREAD = JobSetting(threads=1)
"""Jobs of a gate run unless a variation says otherwise: the sums of one thread run in one order."""
Changes = dict[str, list[str]]
"""Disguises of an input, by `input` for all of its items or `input.item`."""


class OverlayStore(Store):
    """A store that reads another one too and never writes to it: what a mutant made is thrown away with the layer."""

    def __init__(self, below: Store, folder: Path) -> None:
        super().__init__(folder)
        self.below = below

    def get(self, key: str) -> Entry | None:
        """The entry of the store below, else of this one."""
        return self.below.get(key) or super().get(key)


@dataclass
class GateRun(CaseRun):
    """A case run whose inputs may come in another form."""

    changes: Changes = field(default_factory=dict)
    """Names of disguises, by `input` for all of its items or by `input.item`; empty to take inputs as they are."""

    def perform(self, name: str, work: Mapping[str, Task | Held]) -> Outcomes:
        """As any run does; then the changes of inputs."""
        made = super().perform(name, work)
        for item, outcome in made.items():
            # The item's own form first: a variation is one of the case as it stands.
            forms = self.changes.get(f"{name}.{item}", []) + self.changes.get(name, [])
            for number, form in enumerate(forms if outcome.status == "ok" else ()):
                folder = self.context.run_folder / "changed" / name / item / str(number)
                folder.mkdir(parents=True)
                made[item] = disguise(form, made[item], folder)
        return made


@dataclass(frozen=True)
class Bench:
    """What all gate runs of a command share: work folder, store, worker processes, cores of one run."""

    work: Path
    """Folder of the running cases."""
    store: Store
    """The cache of finished items."""
    pool: Workers
    """Worker processes for built-in steps."""
    cores: int
    """Processor cores of one run."""
    progress: Progress
    """Where lines and bars go."""

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A folder next to the store that is removed at the end."""
        self.work.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".gate-", dir=self.work, ignore_cleanup_errors=True) as name:
            yield Path(name)


@dataclass(frozen=True)
class FinishedCase:
    """One case that was run."""

    case: GateCase
    """The gate case."""
    readings: Readings
    """Its numbers and how its items ended."""
    checks: list[CheckResult]
    """The results of its checks."""
    handles: dict[str, StageHandle]
    """The stages that took part, by name."""
    inputs: dict[str, str]
    """SHA-256 of the phantoms' files, by `input/item/file`."""
    not_run: str = ""
    """Why it could not be run; empty where it was."""


def run_case(
    bench: Bench,
    case: GateCase,
    runner: ByStage,
    folder: Path,
    *,
    setting: JobSetting = ONE_THREAD,
    keep: bool = True,
    changes: Changes | None = None,
) -> FinishedCase:
    """Run one gate case. folder: on the file system of the store. keep: put results into the store.

    Raises RequestFault where a stage does not know what the case asks of it.
    """
    context = Context(
        runner=runner,
        store=bench.store if keep else OverlayStore(bench.store, folder / "cache"),
        run_folder=folder,
        data=None,
        preset=PRESET,
        cores=bench.cores,
        pool=bench.pool,
        progress=bench.progress,
        seconds_per_job=SECONDS_PER_JOB,
        setting=setting,
    )
    own = {place: [form] for place, form in case.disguises.items()}
    run = GateRun(case, context, changes=own | (changes or {}))
    run.check_stages()
    run.run()
    handles = {stage: context.handle(stage) for stage in case.stages()}
    return FinishedCase(case, read(case, run), evaluate(run), handles, _inputs(run), run.not_run)


def _inputs(run: CaseRun) -> dict[str, str]:
    """SHA-256 of every input file, by `input/item/output`."""
    return {
        f"{name}/{item}/{output}": entry.sha256
        for name in run.case.inputs
        for item, outcome in run.outcomes.get(name, {}).items()
        if outcome.record is not None
        for output, entry in outcome.record.outputs.items()
        if output != "phantom"
    }
