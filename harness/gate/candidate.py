"""A candidate stage in place of the reference: from a folder, a program or an image.

A folder runs as `containers.NAME` from a package tree of its own: the project's `containers/__init__.py`, contract and
toolkit, and a copy of the folder. So a candidate never imports the reference it stands for, and the folder may lie
anywhere.
"""

import json
import shutil
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import docker

from containers.contract.errors import EnvironmentFault, RequestFault
from harness.run.results import ExitStatus
from harness.runners.base import Call, Exit, Runner, StageHandle
from harness.runners.docker import DockerRunner
from harness.runners.process import ProcessRunner
from harness.runners.stages import CONTAINERS


def plant(stage: str, folder: Path, tree: Path) -> Path:
    """Copy a stage folder to `tree/containers/STAGE` next to the project's contract and toolkit; returns the copy.

    Times of files are kept, so that compiled code next to them stays valid.
    """
    package = tree / "containers"
    package.mkdir(parents=True, exist_ok=True)
    if not (package / "__init__.py").exists():
        shutil.copyfile(CONTAINERS / "__init__.py", package / "__init__.py")
        for name in ("contract", "toolkit"):
            (package / name).symlink_to(CONTAINERS / name, target_is_directory=True)
    shutil.copytree(folder, package / stage, symlinks=False)
    return package / stage


class TreeRunner(ProcessRunner):
    """Runs `containers.STAGE` of a planted tree as a child process."""

    def __init__(self, tree: Path) -> None:
        super().__init__()
        self.root = self.tree = tree.resolve()

    def command(self, stage: str) -> tuple[list[str], Path]:
        """Command line and source folder of the planted stage."""
        line = ["/usr/bin/env", f"PYTHONPATH={self.tree}", sys.executable, "-m", f"containers.{stage}"]
        return line, self.tree / "containers" / stage


@dataclass(frozen=True)
class Candidate:
    """A stage to put in place of the reference."""

    stage: str
    """Name of the stage whose place it takes."""
    target: str
    """What its runner calls it: folder, program or image."""
    runner: Runner
    """The runner that runs it."""
    shown: str
    """The candidate as the user wrote it."""


def split_digest(text: str) -> tuple[str, str]:
    """Image reference and digest (`sha256:...` or empty) of `IMAGE[@sha256:...]`."""
    name, at, digest = text.partition("@")
    if at and not digest.startswith("sha256:"):
        raise RequestFault(f"has a digest that is not sha256: {digest!r}", where=text, fix="write IMAGE@sha256:...")
    return name, digest


def candidate_of(stage: str, text: str, scratch: Path) -> Candidate:
    """Read `NAME=WHAT`: a path that exists is a folder or a program, anything else an image.

    Raises RequestFault for a folder without a stage in it, and EnvironmentFault where no engine answers.
    """
    path = Path(text)
    if path.is_dir():
        for needed in ("__main__.py", "stage.toml"):
            if not (path / needed).is_file():
                raise RequestFault(
                    f"has no {needed}", where=text, fix="a stage folder has both stage.toml and __main__.py"
                )
        tree = scratch / stage
        plant(stage, path, tree)
        return Candidate(stage, stage, TreeRunner(tree), text)
    if path.is_file():
        return Candidate(stage, text, ProcessRunner(), text)
    if "/" in text and text.startswith((".", "/", "~")):
        raise RequestFault("does not exist", where=text, fix="give a stage folder, a program or the name of an image")
    _, digest = split_digest(text)
    runner = DockerRunner()
    # An image that was built here has an ID and no repository digest: both pin its content.
    target = digest if digest and "@" in text and not _is_pulled(runner, text) else text
    return Candidate(stage, target, runner, text)


def _is_pulled(runner: Any, reference: str) -> bool:
    try:
        runner.client.images.get(reference)
    except docker.errors.DockerException:
        return False
    return True


@dataclass
class ByStage:
    """A runner that sends each stage to its own: candidates to theirs, all others to the reference runner."""

    reference: Runner
    """The runner of all stages that are not candidates."""
    candidates: dict[str, Candidate] = field(default_factory=dict)
    """The candidate that takes a stage's place, by stage."""
    unfit: dict[str, str] = field(default_factory=dict)
    """Why the machine could not run a stage (exit status 3 or no engine), by stage: never a fault of the stage."""

    name: str = field(init=False)
    """`process` where every stage runs as a child process, otherwise `mixed`."""

    def __post_init__(self) -> None:
        # As `process` a case is not run where a program of a stage is missing: that is wrong for one in an image.
        runners = (self.reference, *(candidate.runner for candidate in self.candidates.values()))
        self.name = "process" if all(runner.name == "process" for runner in runners) else "mixed"

    def identify(self, stage: str) -> StageHandle:
        """The candidate or the reference. Raises RequestFault for a candidate that is another stage."""
        candidate = self.candidates.get(stage)
        if candidate is None:
            return self.reference.identify(stage)
        handle = candidate.runner.identify(candidate.target)
        if handle.name != stage:
            raise RequestFault(
                f"is stage {handle.name!r}", where=f"--stage {stage}={candidate.shown}", fix="name it as it is"
            )
        return handle

    def inside(self, path: Path, slot: str) -> str:
        """Requests are written as for a child process; `execute` rewrites them for an image."""
        return str(path.resolve())

    def output_inside(self, output: Path) -> str:
        return str(output.resolve())

    def execute(self, handle: StageHandle, call: Call) -> Exit:
        candidate = self.candidates.get(handle.name)
        runner = candidate.runner if candidate else self.reference
        try:
            end = runner.execute(handle, seen_by(runner, call))
        except EnvironmentFault as fault:
            self.unfit[handle.name] = str(fault)
            raise
        if end.status == ExitStatus.ENVIRONMENT and not end.stopped:
            self.unfit[handle.name] = end.last_line()
        return end


def seen_by(runner: Runner, call: Call) -> Call:
    """The call with its paths as `runner` shows them to the stage."""
    request = json.loads(call.request)
    inputs: dict[str, Path] = {}
    for item in request["items"]:
        for name, host in item["inputs"].items():
            inside = runner.inside(Path(host), f"{item['id']}/{name}")
            item["inputs"][name] = inside
            inputs[inside] = call.inputs[host]
    request["output"] = runner.output_inside(call.output)
    return replace(call, request=json.dumps(request), inputs=inputs)
