"""A gate of its own: one case on a drawn table, a tiny stage, and a baseline frozen from it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness.gate.baseline import Baseline, write_baseline
from harness.gate.candidate import plant
from harness.gate.command import GateOptions, gate
from harness.gate.freezing import freeze
from harness.gate.result import GateResult
from harness.gate.running import Bench
from harness.gate.spec import load_gate_case
from harness.progress import Progress
from harness.run.store import Store
from harness.run.workers import Workers
from harness.runners.process import ProcessRunner

STAGE = Path(__file__).parent / "stages" / "table_mean"
CASE = """
name = "means"
title = "mean group size of drawn studies, and one item that is bad on purpose"
evidence = "simulation"
refused = { few = "mean: is too small; " }

[inputs.studies]
kind = "phantom"
phantom = "meta_studies"
items = [
  { id = "one", parameters = { seed = 33, analyses = "overall" } },
  { id = "two", parameters = { seed = 34, analyses = "overall" } },
]

[inputs.bad]
kind = "phantom"
phantom = "meta_studies"
items = [{ id = "few", parameters = { seed = 35, analyses = "overall" } }]

[steps.mean]
kind = "stage"
stage = "table_mean"
inputs = { table = "studies.table_csv" }

[steps.refused]
kind = "stage"
stage = "table_mean"
inputs = { table = "bad.table_csv" }
parameters = { wanted = 1e9 }

[[floors]]
names = ["*"]
absolute = 0.001
source = "made for the test"

[[checks]]
name = "size"
title = "groups are of plausible size"
step = "mean"
metric = "mean"
minimum = MINIMUM
tolerance_source = "made for the test"
evidence = "simulation"
"""


@dataclass(frozen=True)
class Gate:
    """A folder with case, baseline and reports. `candidate` copies the stage with texts replaced."""

    folder: Path
    bench: Bench
    stage: Path

    def case(self, minimum: float = 1.0) -> None:
        """Write the case. minimum: of its check."""
        place = self.folder / "cases" / "means.toml"
        place.parent.mkdir(exist_ok=True)
        place.write_text(CASE.replace("MINIMUM", str(minimum)), encoding="utf-8")

    def freeze(self, stage: Path | None = None) -> Baseline:
        """Freeze the case from the stage, and write it."""
        runner = ProcessRunner({"table_mean": stage or self.stage})
        baseline = freeze(self.bench, load_gate_case(self.folder / "cases" / "means.toml"), runner)
        write_baseline(baseline, self.folder / "baselines")
        return baseline

    def candidate(self, name: str, **texts: str) -> Path:
        """A copy of the stage in a folder of another name; texts: file (`main` or `toml`) -> `old => new`."""
        place = plant(name, self.stage, self.folder / "candidates" / name)
        for file, change in texts.items():
            path = place / {"main": "__main__.py", "toml": "stage.toml"}[file]
            old, new = change.split(" => ")
            text = path.read_text(encoding="utf-8")
            assert text.count(old) == 1
            path.write_text(text.replace(old, new), encoding="utf-8")
        return place

    def options(self, candidate: str) -> GateOptions:
        """Options of a gate run in this folder."""
        return GateOptions(
            stages={"table_mean": candidate},
            cores=1,
            work=self.folder / "work",
            report=self.folder / "report",
            case_folder=self.folder / "cases",
            baselines=self.folder / "baselines",
        )

    def run(self, candidate: Path) -> GateResult:
        """Gate a candidate."""
        return gate(self.options(str(candidate)), Progress(quiet=True))


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Store and worker processes that all tests share."""
    work = tmp_path_factory.mktemp("bench")
    with Workers(1) as pool:
        yield Bench(work, Store(work / "cache"), pool, 1, Progress(quiet=True))


@pytest.fixture
def made(tmp_path: Path, tools: Bench) -> Gate:
    """A gate without a baseline."""
    found = Gate(tmp_path, replace(tools, work=tools.work), STAGE)
    found.case()
    return found


@pytest.fixture
def frozen(made: Gate) -> Gate:
    """A gate with a baseline frozen from the stage."""
    made.freeze()
    return made


Made = Callable[..., Gate]
