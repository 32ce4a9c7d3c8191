"""Run by a child process that the test kills: item `a` ends at once, item `b` waits for a program."""

from pathlib import Path

from harness.progress import Progress
from harness.run.context import Context
from harness.run.pipeline import CaseRun
from harness.run.store import Store
from harness.run.workers import Workers
from harness.runners.process import ProcessRunner
from tests.harness.conftest import STAGES, lines_case


def main(folder: Path) -> None:
    """One core: `a` and `b` are one job."""
    data = folder / "data"
    data.mkdir()
    (data / "a.txt").write_text("one\n", encoding="utf-8")
    (data / "b.txt").write_text("CHILD\n", encoding="utf-8")
    (folder / "run").mkdir()
    with Workers(1) as pool:
        context = Context(
            runner=ProcessRunner({"lines": STAGES / "lines"}),
            store=Store(folder / "cache"),
            run_folder=folder / "run",
            data=data,
            preset="small",
            cores=1,
            pool=pool,
            progress=Progress(quiet=True),
        )
        CaseRun(lines_case({"a": "", "b": ""}), context).run()
