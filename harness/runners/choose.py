"""Choose the runner, for a run of cases or for one stage, and say which and why."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from containers.contract.errors import EnvironmentFault, RequestFault
from harness.progress import Progress
from harness.runners import images
from harness.runners.apptainer import ApptainerRunner
from harness.runners.base import Runner
from harness.runners.docker import DockerRunner
from harness.runners.engine import connect
from harness.runners.process import ProcessRunner

RUNNERS = ("auto", "process", "docker", "apptainer")


@dataclass(frozen=True)
class Chosen:
    """The runner of a run."""

    runner: Runner
    """The runner."""
    note: str
    """Why this one and what it means, for results and report; empty where nothing is to say."""
    lines: list[str]
    """Lines to print first."""
    images: list[dict[str, Any]] = field(default_factory=list)
    """Size and time of each image, for `timings.json`; empty without containers."""
    engine: str = ""
    """Version of the container engine; empty without one."""


def choose(
    wanted: str, stages: list[str], label: str, progress: Progress, *, descriptions: Path | None, dry_run: bool = False
) -> Chosen:
    """The runner named `wanted`, with images for `stages`. `auto` falls back to child processes.

    descriptions: folder that keeps what images say of themselves, or None. Raises RequestFault for an unknown
    runner and EnvironmentFault when the named one cannot be had.
    """
    if wanted == "process":
        note = "process: child processes of this environment, without the isolation of a container"
        return Chosen(ProcessRunner(), note, [f"runner: {note}"])
    if wanted == "docker":
        return _docker(stages, label, progress, descriptions, dry_run)
    if wanted == "apptainer":
        return Chosen(ApptainerRunner(_sif_files(stages)), "apptainer", ["runner: apptainer"])
    if wanted != "auto":
        raise RequestFault(f"no runner {wanted!r}", where="--runner", fix=f"known: {', '.join(RUNNERS)}")
    try:
        return _docker(stages, label, progress, descriptions, dry_run)
    except (EnvironmentFault, RequestFault) as fault:
        note = f"process: child processes without the isolation of a container, because docker cannot be used ({fault})"
        return Chosen(ProcessRunner(), note, [f"runner: {note}"])


def for_stage(name: str, stage: str) -> Runner:
    """The runner for one stage. `auto`: child processes for a stage of the project or a path, docker for an image.

    Raises RequestFault for an unknown runner or a path that cannot be run.
    """
    if name == "auto":
        name = "process" if stage in images.stage_folders() or Path(stage).exists() else "docker"
    if name == "process":
        return ProcessRunner()
    if name == "docker":
        if stage in images.stage_folders():
            return DockerRunner({stage: images.reference(stage)})
        if Path(stage).exists() and "/" in stage:
            raise RequestFault(
                "is a path, and docker runs images",
                where=stage,
                fix="build an image and give its name, or --runner process",
            )
        return DockerRunner()
    if name == "apptainer":
        return ApptainerRunner()
    raise RequestFault(f"no runner {name!r}", where="--runner", fix=f"known: {', '.join(RUNNERS)}")


def _docker(stages: list[str], label: str, progress: Progress, descriptions: Path | None, dry_run: bool) -> Chosen:
    client = connect()
    version = str(client.version().get("Version", "unknown"))
    note = "docker: every stage in a closed container, by image"
    runner = DockerRunner(client=client, label=label, descriptions=descriptions)
    if dry_run:
        found = {stage: images.reference(stage) for stage in stages}
        missing = [stage for stage, reference in found.items() if not client.images.list(reference)]
        if missing:
            raise EnvironmentFault(f"images to build: {', '.join(missing)}", where="dry run", fix="run for real")
        runner.images = found
        return Chosen(runner, note, [f"runner: {note}"])
    progress.line(f"runner: {note} (engine {version})")
    built = images.build(stages, progress=progress.line)
    runner.images = {info.stage: info.image_id for info in built}
    lines = [
        f"image {info.stage}: {info.image_id[:19]} {info.size_bytes / 1e6:.0f} MB, "
        + ("reused" if info.reused else f"built in {info.seconds:.0f} s")
        for info in built
    ]
    costs = [
        {
            "stage": info.stage,
            "image_id": info.image_id,
            "size_bytes": info.size_bytes,
            "seconds": round(info.seconds, 3),
            "reused": info.reused,
        }
        for info in built
    ]
    return Chosen(runner, note, lines, costs, engine=version)


def _sif_files(stages: list[str]) -> dict[str, str]:
    """SIF images are looked for in `build/sif/<stage>.sif`, made by `apptainer build` from the Docker images."""
    return {stage: str(images.BUILD / "sif" / f"{stage}.sif") for stage in stages}
