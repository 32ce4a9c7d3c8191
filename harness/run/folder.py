"""The folders that a run writes to: tried before any work, locked while the run lives, cleared when it is stopped.

Finished items are shown in them as links.
"""

import fcntl
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from containers.contract.errors import EnvironmentFault
from harness.run.pipeline import CaseRun


def require_writable(folder: Path, option: str) -> None:
    """Make the folder and write to it. Raises EnvironmentFault that names the option which gives another one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as stream:
            stream.write(b"x")
    except OSError as error:
        raise EnvironmentFault(
            f"cannot be written ({error.strerror})", where=str(folder), fix=f"give another folder with {option}"
        ) from error


def open_run(work: Path) -> tuple[Path, TextIO, list[str]]:
    """A new run folder, locked while this run lives, and the runs that ended, whose folders are removed."""
    require_writable(work, "--work")
    runs = work / "runs"
    try:
        runs.mkdir(exist_ok=True)
        with (runs / ".lock").open("w", encoding="utf-8") as door:
            # One run at a time comes in: a folder that is not locked yet must not look like one that ended.
            fcntl.flock(door, fcntl.LOCK_EX)
            folder = Path(tempfile.mkdtemp(prefix="run-", dir=runs))
            lock = (folder / ".lock").open("w", encoding="utf-8")
            fcntl.flock(lock, fcntl.LOCK_EX)
            ended = [str(old.resolve()) for old in sorted(runs.glob("run-*")) if old != folder and _remove_ended(old)]
    except OSError as error:
        raise EnvironmentFault(
            f"cannot be written ({error.strerror})", where=str(runs), fix="give another folder with --work"
        ) from error
    folder.chmod(0o755)
    return folder, lock, ended


def _remove_ended(old: Path) -> bool:
    with suppress(OSError), (old / ".lock").open("r+", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(old, ignore_errors=True)
        return True
    return False


def link_items(run: CaseRun, run_folder: Path) -> None:
    """Show the finished items under `run_folder/case/step/item`, as links into the store."""
    for step, outcomes in run.outcomes.items():
        entry = run.case.inputs.get(step)
        if entry is not None and entry.from_data:
            continue
        for item, outcome in outcomes.items():
            place = run_folder / run.case.name / step / item
            if outcome.status == "ok" and outcome.folder and not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(outcome.folder.resolve(), target_is_directory=True)
