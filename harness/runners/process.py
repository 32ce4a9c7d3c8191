"""Run a stage as a child process in the project's environment: no engine needed, and no isolation to speak of.

What is in force: a clean set of environment variables, thread counts, a time limit and, when asked for,
a limit on address space. Network, file system and user are the caller's; the record of the run says so.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from containers.contract.errors import EnvironmentFault, RequestFault
from containers.contract.spec import StageSpec, load_spec
from harness.project import ROOT
from harness.runners import children
from harness.runners.base import Call, Exit, Limits, StageHandle, parse_description, wait
from harness.runners.stage_files import hash_stage
from harness.runners.stages import CONTAINERS as STAGES
from harness.runners.stages import module_of, stage_folders

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "NUMBA_CACHE_DIR", "LD_LIBRARY_PATH", "SYSTEMROOT")


def clean_environment(limits: Limits) -> dict[str, str]:
    """The child's environment variables: a few of the caller's, thread counts, fixed hashing."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    threads = str(limits.threads)
    counts = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    devices = {"CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES", "0") if limits.device == "cuda" else ""}
    fixed = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1"}
    return {**kept, **dict.fromkeys(counts, threads), **devices, **fixed}


def limited(line: list[str], limits: Limits) -> list[str]:
    """The command line of a program whose memory is limited. A shell sets the limit and becomes the program.

    Python's own way, a function that the forked child calls, is a fork of a process with threads.
    """
    if limits.memory_bytes is None or shutil.which(line[0]) is None:
        return line
    return ["/bin/sh", "-c", 'ulimit -v "$0" && exec "$@"', str(limits.memory_bytes // 1024), *line]


class ProcessRunner:
    """Stages are named as in `containers/` (or in `folders`), or given as a folder with `__main__.py` or a program."""

    name = "process"

    def __init__(self, folders: dict[str, Path] | None = None) -> None:
        self.folders = folders or {}
        self.root = ROOT
        """The folder that the `containers/` of the stages lies in."""

    def command(self, stage: str) -> tuple[list[str], Path]:
        """Command line and source folder (or file) of a stage. Raises RequestFault when there is none."""
        path = self.folders.get(stage, Path(stage))
        own = stage_folders(STAGES)
        if stage in own:
            return [sys.executable, "-m", module_of(own[stage], STAGES)], own[stage]
        if (path / "__main__.py").is_file():
            return [sys.executable, str(path.resolve())], path.resolve()
        if path.is_file() and os.access(path, os.X_OK):
            return [str(path.resolve())], path.resolve()
        if path.exists():
            raise RequestFault(
                "is a folder without __main__.py" if path.is_dir() else "is a file that is not executable",
                where=stage,
                fix="a Python stage is a folder with stage.toml and __main__.py; for any other language give the path "
                "of an executable program (chmod +x), or build an image and give its name",
            )
        raise RequestFault(
            "is not a stage",
            where=stage,
            fix=f"known: {', '.join(sorted(own)) or 'none'}; or give a folder with __main__.py, a program or an image",
        )

    def identify(self, stage: str) -> StageHandle:
        command, source = self.command(stage)
        spec = load_spec(source / "stage.toml") if (source / "stage.toml").is_file() else self.describe(stage)
        return StageHandle(
            name=spec.name,
            version=spec.version,
            spec=spec,
            target="\0".join(command),
            digest=hash_stage(source, self.root),
            digest_kind="source hash",
        )

    def describe(self, stage: str) -> StageSpec:
        """What the stage prints for `describe`, checked."""
        command, _ = self.command(stage)
        try:
            done = children.run([*command, "describe"], seconds=120, env=clean_environment(Limits()))
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EnvironmentFault(f"describe did not run ({error})", where=stage, fix="try it by hand") from error
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise RequestFault(
                f"describe ended with exit status {done.returncode} ({last})", where=stage, fix="try it by hand"
            )
        return parse_description(done.stdout, stage)

    def inside(self, path: Path, slot: str) -> str:
        return str(path.resolve())

    def output_inside(self, output: Path) -> str:
        return str(output.resolve())

    def execute(self, handle: StageHandle, call: Call) -> Exit:
        limits = call.limits
        isolation = {
            "network": "host",
            "file_system": "host",
            "user": "caller",
            "threads": limits.threads,
            "memory_bytes": limits.memory_bytes,
            "time_limit_s": limits.seconds,
            "device": limits.device,
        }
        with tempfile.TemporaryDirectory(prefix=".job-", dir=call.output.parent, ignore_cleanup_errors=True) as name:
            scratch = Path(name).resolve()
            request = scratch / "request.json"
            request.write_text(call.request, encoding="utf-8")
            line = [*handle.target.split("\0"), "run", str(request)]
            return attend_child(limited(line, limits), scratch, clean_environment(limits), call, isolation)


def attend_child(
    line: list[str],
    scratch: Path,
    environment: dict[str, str],
    call: Call,
    isolation: dict[str, Any],
) -> Exit:
    """Start a command line, tick until it ends or its time has passed, and leave nothing of its group running.

    Raises EnvironmentFault when it cannot be started.
    """
    with (scratch / "stdout").open("wb") as out, (scratch / "stderr").open("w+b") as err:
        stopped = ""
        with ExitStack() as stack:
            started = children.started(
                line,
                stdout=out,
                stderr=err,
                stdin=subprocess.DEVNULL,
                cwd=scratch,
                env=environment,
            )
            try:
                child = stack.enter_context(started)
            except (OSError, subprocess.SubprocessError) as error:
                raise EnvironmentFault(
                    f"cannot be started ({error})", where=line[0], fix="check the program"
                ) from error
            if not wait(lambda: child.poll() is not None, lambda: call.tick(isolation), call.limits.seconds):
                stopped = f"time limit of {call.limits.seconds:g} s passed"
        err.seek(max(0, err.seek(0, os.SEEK_END) - 4000))
        return Exit(child.returncode, err.read().decode("utf-8", "replace"), isolation, stopped)
