"""What all cases of a run share."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from harness.progress import Progress
from harness.run.jobs import Share, share
from harness.run.steps.base import Preset
from harness.run.store import Store
from harness.run.workers import Workers
from harness.runners.base import Runner, StageHandle
from harness.runners.stage_files import hash_modules


@dataclass(frozen=True)
class JobSetting:
    """What a run fixes of every job. It is a part of the cache key, since a result may depend on it."""

    threads: int
    """Processor threads of a job, in place of its share of the cores."""
    memory_bytes: int | None = None
    """Memory limit of a job in bytes; None for its share of the memory."""
    order: int | None = None
    """In which order a job takes the items that it has: 0 reversed, another number the seed of a shuffle; None for
    that of the case. The case has them in this order; here it keeps results apart."""


@dataclass
class Context:
    """What all cases of a run share."""

    runner: Runner
    """The runner of the stages."""
    store: Store
    """The cache of finished items."""
    run_folder: Path
    """Folder of this run: records, pictures and results."""
    data: Path | None
    """The data folder; None where there is none."""
    preset: Preset
    """How much is run."""
    cores: int
    """Processor cores that the run may use."""
    pool: Workers
    """Worker processes for built-in steps."""
    progress: Progress
    """Where lines and bars go."""
    execute: bool = True
    """Whether steps are run; False for a plan."""
    seconds_per_job: float = 3600.0
    """Wall-clock limit of a job, in seconds."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where stages compute."""
    draws: int | None = None
    """Draws of every simulation, in place of the number in its case; None for that number."""
    setting: JobSetting | None = None
    """What is fixed of every job; None where jobs share the machine."""
    handles: dict[str, StageHandle] = field(default_factory=dict)
    """The stages that were identified, by name."""
    digests: dict[tuple[str, ...], str] = field(default_factory=dict)
    """Hash of the sources that decide what modules make, by their names."""

    def handle(self, stage: str) -> StageHandle:
        """The stage, identified once a run."""
        if stage not in self.handles:
            self.handles[stage] = self.runner.identify(stage)
        return self.handles[stage]

    def digest(self, modules: tuple[str, ...]) -> str:
        """Hash of the sources that decide what these modules make, with interpreter and packages."""
        if modules not in self.digests:
            self.digests[modules] = hash_modules(modules)
        return self.digests[modules]

    def share(self, items: int) -> Share:
        """How the items of a step share the machine."""
        shared = share(items, self.cores, self.seconds_per_job, self.device)
        if self.setting is None:
            return shared
        memory = self.setting.memory_bytes or shared.limits.memory_bytes
        return replace(shared, limits=replace(shared.limits, threads=self.setting.threads, memory_bytes=memory))

    def of_jobs(self) -> dict[str, Any]:
        """What of the run, and not of a step or an item, joins the cache key of a stage's result."""
        setting = {"setting": asdict(self.setting)} if self.setting else {}
        return {"device": self.device, **setting}

    def scratch(self) -> Path:
        """A folder for what is not finished, on the file system of the run's folder; made when it is first wanted."""
        folder = self.run_folder / ".scratch"
        folder.mkdir(parents=True, exist_ok=True)
        return folder
