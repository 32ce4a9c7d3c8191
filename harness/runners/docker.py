"""Run a stage in a Docker container, closed: no network, no root, read-only root file system, limits.

What was in force is read back from the engine after the start, not copied from what was asked. The
container's root is never written; `/tmp` is memory; inputs are mounted one by one, read-only.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import docker
import docker.errors
import docker.types

from containers.contract.errors import EnvironmentFault, RequestFault
from containers.contract.files import write_json
from containers.contract.spec import StageSpec
from harness.runners.base import Call, Exit, Limits, StageHandle, parse_description, wait
from harness.runners.engine import ENGINE_ERRORS, connect

NOBODY = 65532
LABEL = "org.myorepro.run"
TMPFS_BYTES = 1 << 30
PIDS = 512
DESCRIBE_MEMORY_BYTES = 2 << 30
LOG = {"max-size": "10m", "max-file": "1"}
"""A stage that floods its output must not fill the engine's disk."""


def caller() -> tuple[int, int]:
    """User and group in the container: the caller's own, or 65532 when the caller is root."""
    if os.getuid() == 0:
        return NOBODY, NOBODY
    return os.getuid(), os.getgid()


def container_settings(handle: StageHandle, call: Call, request: Path, label: str) -> dict[str, Any]:
    """Arguments of `containers.create`: everything that is closed and limited. Pure."""
    limits = call.limits
    user, group = caller()
    mounts = [docker.types.Mount("/request.json", str(request.resolve()), type="bind", read_only=True)]
    mounts += [
        docker.types.Mount(inside, str(host.resolve()), type="bind", read_only=True)
        for inside, host in sorted(call.inputs.items())
    ]
    mounts.append(docker.types.Mount("/output", str(call.output.resolve()), type="bind"))
    threads = str(limits.threads)
    settings: dict[str, Any] = {
        "image": handle.target,
        "command": ["run", "/request.json"],
        "user": f"{user}:{group}",
        "network_mode": "none",
        "read_only": True,
        "tmpfs": {"/tmp": f"rw,nosuid,nodev,size={TMPFS_BYTES},mode=1777"},
        "nano_cpus": limits.threads * 1_000_000_000,
        "pids_limit": PIDS,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "mounts": mounts,
        "environment": {
            "HOME": "/tmp",
            "NUMBA_CACHE_DIR": "/tmp/numba",
            **dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads),
        },
        "labels": {LABEL: label},
        "log_config": docker.types.LogConfig(type="json-file", config=LOG),
    }
    if limits.memory_bytes is not None:
        # Equal swap limit: no swap on top of the memory.
        settings |= {"mem_limit": limits.memory_bytes, "memswap_limit": limits.memory_bytes}
    if limits.device == "cuda":
        settings["device_requests"] = [docker.types.DeviceRequest(count=-1, capabilities=[["gpu"]])]
    return settings


def in_force(inspected: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """What the engine says is in force for a container (its `inspect` answer). Pure."""
    host, config = inspected["HostConfig"], inspected["Config"]
    return {
        "network": host["NetworkMode"],
        "file_system": "read-only root" if host["ReadonlyRootfs"] else "writable root",
        "tmpfs": sorted(host.get("Tmpfs") or {}),
        "user": config["User"],
        "memory_bytes": host["Memory"] or None,
        "cpus": host["NanoCpus"] / 1e9,
        "pids": host["PidsLimit"],
        "capabilities_dropped": host["CapDrop"] or [],
        "security": host["SecurityOpt"] or [],
        "mounts_writable": sorted(m["Destination"] for m in inspected["Mounts"] if m["RW"]),
        "devices": [request["Capabilities"] for request in host.get("DeviceRequests") or []],
        "threads": limits.threads,
        "time_limit_s": limits.seconds,
        "device": limits.device,
    }


@contextmanager
def _engine_answers(stage: str) -> Iterator[None]:
    """Turn whatever the client raises when the engine goes away into one line."""
    try:
        yield
    except docker.errors.APIError as error:
        line = str(error.explanation or error)
        raise EnvironmentFault(f"the engine refused ({line})", where=stage, fix="see the engine's log") from error
    except ENGINE_ERRORS as error:
        raise EnvironmentFault(
            "the container engine stopped answering",
            where=stage,
            fix="start it and run again; finished items are kept",
        ) from error


class DockerRunner:
    """images: stage name -> image ID or reference. A name that is not in it is taken as an image reference."""

    name = "docker"

    def __init__(
        self,
        images: dict[str, str] | None = None,
        client: Any = None,
        label: str = "",
        descriptions: Path | None = None,
    ) -> None:
        self.client = connect() if client is None else client
        self.images = images or {}
        self.label = label
        self.descriptions = descriptions

    def identify(self, stage: str) -> StageHandle:
        reference = self.images.get(stage, stage)
        with _engine_answers(stage):
            try:
                image = self.client.images.get(reference)
            except docker.errors.ImageNotFound as error:
                raise RequestFault(
                    "no such image here", where=reference, fix="build it (myorepro images build) or pull it"
                ) from error
        spec = self._description(str(image.id))
        digests = image.attrs.get("RepoDigests") or []
        return StageHandle(
            name=spec.name,
            version=spec.version,
            spec=spec,
            target=image.id,
            digest=digests[0].split("@")[-1] if digests else image.id,
            digest_kind="repository digest" if digests else "image id",
        )

    def _description(self, image_id: str) -> StageSpec:
        """What the image says of itself. An image ID pins its content, so its answer is kept by it."""
        place = self.descriptions / f"{image_id.split(':')[-1]}.json" if self.descriptions else None
        if place is not None and place.is_file():
            return parse_description(place.read_text(encoding="utf-8"), image_id)
        spec = self.describe(image_id)
        if place is not None:
            write_json(place, spec.model_dump(mode="json"))
        return spec

    def describe(self, image: str) -> StageSpec:
        """What the image prints for `describe`, checked. Run closed, as every job is."""
        user, group = caller()
        with _engine_answers(image):
            try:
                text: Any = self.client.containers.run(
                    image,
                    ["describe"],
                    remove=True,
                    user=f"{user}:{group}",
                    network_mode="none",
                    read_only=True,
                    tmpfs={"/tmp": ""},
                    cap_drop=["ALL"],
                    security_opt=["no-new-privileges"],
                    mem_limit=DESCRIBE_MEMORY_BYTES,
                    memswap_limit=DESCRIBE_MEMORY_BYTES,
                    pids_limit=PIDS,
                    log_config=docker.types.LogConfig(type="json-file", config=LOG),
                    environment={"HOME": "/tmp", "NUMBA_CACHE_DIR": "/tmp/numba"},
                    labels={LABEL: self.label},
                    stderr=False,
                )
            except docker.errors.ContainerError as error:
                raw: Any = error.stderr or b""
                last = (bytes(raw).decode("utf-8", "replace").strip().splitlines() or ["no message"])[-1]
                raise RequestFault(
                    f"describe ended with exit status {error.exit_status} ({last})", where=image, fix="run it by hand"
                ) from error
        return parse_description(bytes(text).decode("utf-8", "replace"), image)

    def inside(self, path: Path, slot: str) -> str:
        return f"/inputs/{slot}/{path.name}"

    def output_inside(self, output: Path) -> str:
        return "/output"

    def execute(self, handle: StageHandle, call: Call) -> Exit:
        user, group = caller()
        if os.getuid() == 0:
            os.chown(call.output, user, group)
        with tempfile.NamedTemporaryFile("w", suffix=".json", prefix=".request-", dir=call.output.parent) as request:
            request.write(call.request)
            request.flush()
            Path(request.name).chmod(0o644)
            with _engine_answers(handle.name):
                container = self.client.containers.create(
                    **container_settings(handle, call, Path(request.name), self.label)
                )
                try:
                    return self._attend(container, call)
                finally:
                    with suppress(*ENGINE_ERRORS):
                        container.remove(force=True, v=True)

    def _attend(self, container: Any, call: Call) -> Exit:
        limits = call.limits
        container.start()
        container.reload()
        isolation = in_force(container.attrs, limits)

        def finished() -> bool:
            container.reload()
            return bool(container.attrs["State"]["Status"] in ("exited", "dead"))

        stopped = ""
        if not wait(finished, lambda: call.tick(isolation), limits.seconds):
            stopped = f"time limit of {limits.seconds:g} s passed"
            container.kill()
            container.wait(timeout=30)
            container.reload()
        state = container.attrs["State"]
        if state.get("OOMKilled") and state["ExitCode"] != 0:
            size = f" of {limits.memory_bytes} bytes" if limits.memory_bytes else ""
            stopped = f"memory limit{size} passed"
        elif not stopped and state["ExitCode"] == 137:
            stopped = "killed from outside (exit status 137)"
        text = container.logs(stdout=False, stderr=True, tail=50).decode("utf-8", "replace")
        return Exit(int(state["ExitCode"]), text, isolation, stopped)

    def remove_leftovers(self, label: str) -> None:
        """Remove containers that a killed run with this label left behind."""
        with suppress(*ENGINE_ERRORS):
            for container in self.client.containers.list(all=True, filters={"label": f"{LABEL}={label}"}):
                container.remove(force=True, v=True)
