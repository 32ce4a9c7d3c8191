"""Run a stage by Apptainer (HPC machines without a Docker engine): no daemon, the caller's own user.

The command line is built by a pure function. Apptainer has no per-job accounting of its own that can be
read back without cgroups, so `isolation` lists the options that the program accepted, under `requested`.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from containers.contract.errors import EnvironmentFault, RequestFault
from containers.contract.files import sha256_file
from harness.runners import children
from harness.runners.base import Call, Exit, Limits, StageHandle, parse_description
from harness.runners.process import attend_child

_CLOSED = ["--containall", "--cleanenv", "--no-home", "--net", "--network", "none", "--no-privs"]


def command_line(image: str, arguments: list[str], mounts: list[tuple[Path, str, bool]], limits: Limits) -> list[str]:
    """The `apptainer run` command. mounts: (path here, path inside, writable). Pure; SIF images are read-only."""
    line = ["apptainer", "run", *_CLOSED, "--cpus", str(limits.threads)]
    if limits.memory_bytes is not None:
        line += ["--memory", str(limits.memory_bytes)]
    if limits.device == "cuda":
        line.append("--nv")
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        line += ["--env", f"{name}={limits.threads}"]
    line += ["--env", "HOME=/tmp,NUMBA_CACHE_DIR=/tmp/numba"]
    for host, inside, writable in mounts:
        line += ["--mount", f"type=bind,source={host},destination={inside}" + ("" if writable else ",ro")]
    return [*line, image, *arguments]


class ApptainerRunner:
    """images: stage name -> path of its SIF file. A name that is not in it is taken as such a path."""

    name = "apptainer"

    def __init__(self, images: dict[str, str] | None = None) -> None:
        self.images = images or {}
        if shutil.which("apptainer") is None:
            raise EnvironmentFault("is not installed", where="apptainer", fix="install it, or use --runner process")

    def identify(self, stage: str) -> StageHandle:
        image = Path(self.images.get(stage, stage))
        if not image.is_file():
            raise RequestFault("no such SIF image", where=str(image), fix="apptainer build it from the Docker image")
        line = command_line(str(image), ["describe"], [], Limits())
        done = children.run(line, seconds=300)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise RequestFault(f"describe did not run ({last})", where=str(image), fix="run it by hand")
        spec = parse_description(done.stdout, image.name)
        digest = f"sha256:{sha256_file(image)}"
        return StageHandle(spec.name, spec.version, spec, str(image), digest, "image id")

    def inside(self, path: Path, slot: str) -> str:
        return f"/inputs/{slot}/{path.name}"

    def output_inside(self, output: Path) -> str:
        return "/output"

    def execute(self, handle: StageHandle, call: Call) -> Exit:
        with tempfile.TemporaryDirectory(prefix=".job-", dir=call.output.parent) as name:
            scratch = Path(name).resolve()
            request = scratch / "request.json"
            request.write_text(call.request, encoding="utf-8")
            mounts = [(request, "/request.json", False), (call.output.resolve(), "/output", True)]
            mounts += [(host.resolve(), inside, False) for inside, host in sorted(call.inputs.items())]
            line = command_line(handle.target, ["run", "/request.json"], mounts, call.limits)
            isolation: dict[str, Any] = {
                "user": "caller",
                "file_system": "read-only image",
                "requested": [*_CLOSED],
                "threads": call.limits.threads,
                "memory_bytes": call.limits.memory_bytes,
                "time_limit_s": call.limits.seconds,
                "device": call.limits.device,
            }
            return attend_child(line, scratch, dict(os.environ), call, isolation)
