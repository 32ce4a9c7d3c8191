"""What workers do in the tests of their death; imported by the workers."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from harness.run.steps import task as tasks
from harness.run.steps.task import Task


def die(folder: Path, marks: Path, times: int) -> None:
    """Leave half a result, and kill the own process unless that was done `times` times. marks: a file for each."""
    died = len(list(marks.iterdir()))
    if died < times:
        (folder / "half").mkdir(parents=True)
        (folder / "half" / "written").write_text("x", encoding="utf-8")
        (marks / str(died)).write_text("died", encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)


def perform(item: str, marks: Path, times: int, task: Task, folder: Path) -> None:
    """As `tasks.perform`, but one phantom's worker dies first."""
    if task.item == item and task.kind == "phantom":
        die(folder, marks, times)
    tasks.perform(task, folder)


def make(marks: Path, times: int, seed: int, folder: Path) -> int:
    """Die for seed 11, give the seed."""
    if seed == 11:
        die(folder, marks, times)
    folder.mkdir(parents=True, exist_ok=True)
    return seed


def wait_for(folder: Path, wanted: str) -> str:
    """Say who works, and wait until the test wrote a file."""
    (folder / "pid").write_text(str(os.getpid()), encoding="utf-8")
    end = time.monotonic() + 30
    while not (folder / wanted).exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    return wanted


def fail(error: Any) -> None:
    """Raise what a worker cannot send."""
    raise type("LocalError", (Exception,), {})(error)
