"""What all cases of a run share."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness.progress import Progress
from harness.run.steps.base import Preset
from harness.run.store import Store
from harness.run.workers import Workers
from harness.runners.base import Runner, StageHandle
from harness.runners.stage_files import hash_modules


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

    def scratch(self) -> Path:
        """A folder for what is not finished, on the file system of the run's folder; made when it is first wanted."""
        folder = self.run_folder / ".scratch"
        folder.mkdir(parents=True, exist_ok=True)
        return folder
