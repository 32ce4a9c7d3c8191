"""The docker runner: what is asked for, what is read back, and what happens when a job or the engine goes down."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
import requests.exceptions

from containers.contract.errors import EnvironmentFault
from containers.contract.spec import load_spec
from harness.runners.base import Call, Limits, StageHandle
from harness.runners.docker import DockerRunner, container_settings, in_force
from tests.harness.conftest import STAGES

SPEC = load_spec(STAGES / "lines" / "stage.toml")
HANDLE = StageHandle("lines", "1.0.0", SPEC, "sha256:0", "sha256:0", "image id")


def call(tmp_path: Path, **limits: Any) -> Call:
    (tmp_path / "out").mkdir(exist_ok=True)
    return Call("{}", {"/inputs/a/text/a.txt": tmp_path / "a.txt"}, tmp_path / "out", Limits(**limits))


def test_settings_are_closed(tmp_path: Path) -> None:
    settings = container_settings(
        HANDLE, call(tmp_path, threads=2, memory_bytes=1 << 30, device="cuda"), tmp_path / "r.json", "run"
    )
    assert settings["network_mode"] == "none" and settings["read_only"] and settings["cap_drop"] == ["ALL"]
    assert settings["security_opt"] == ["no-new-privileges"] and not settings["user"].startswith("0")
    assert settings["mem_limit"] == settings["memswap_limit"] == 1 << 30
    assert settings["nano_cpus"] == 2_000_000_000 and settings["pids_limit"] > 0
    assert settings["device_requests"][0]["Capabilities"] == [["gpu"]]
    writable = [mount["Target"] for mount in settings["mounts"] if not mount["ReadOnly"]]
    assert writable == ["/output"]


def test_in_force_is_read_back_and_not_copied() -> None:
    inspected = {
        "HostConfig": {
            "NetworkMode": "bridge",
            "ReadonlyRootfs": False,
            "Tmpfs": None,
            "Memory": 0,
            "NanoCpus": 0,
            "PidsLimit": None,
            "CapDrop": None,
            "SecurityOpt": None,
        },
        "Config": {"User": ""},
        "Mounts": [{"Destination": "/output", "RW": True}, {"Destination": "/inputs/a", "RW": False}],
    }
    found = in_force(inspected, Limits(threads=2, memory_bytes=1 << 30))
    assert found["network"] == "bridge" and found["file_system"] == "writable root" and found["user"] == ""
    assert found["memory_bytes"] is None and found["cpus"] == 0 and found["mounts_writable"] == ["/output"]


class GoneClient:
    """A client whose engine stops at one call."""

    def __init__(self, at: str) -> None:
        self.at = at
        self.containers = self
        self.attrs: dict[str, Any] = {}
        self.removed = False

    def _step(self, name: str) -> None:
        if name == self.at:
            raise requests.exceptions.ConnectionError("connection refused")

    def create(self, **settings: Any) -> "GoneClient":
        self._step("create")
        return self

    def start(self) -> None:
        self._step("start")

    def reload(self) -> None:
        self._step("reload")

    def remove(self, **options: Any) -> None:
        self.removed = True


@pytest.mark.parametrize("at", ["create", "start", "reload"])
def test_engine_that_stops_is_one_line_of_the_environment(tmp_path: Path, at: str) -> None:
    client = GoneClient(at)
    with pytest.raises(EnvironmentFault) as caught:
        DockerRunner(client=client).execute(HANDLE, call(tmp_path))
    assert "the container engine stopped answering" in str(caught.value) and "\n" not in str(caught.value)
    assert client.removed == (at != "create")


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """Any local image of the project that has Python."""
    client = docker.from_env(timeout=20)
    found = client.images.list("myorepro/base") or client.images.list("myorepro/fusion")
    yield str(found[0].id)


CODE = """
import sys, time, json, pathlib
request = json.loads(pathlib.Path("/request.json").read_text())
what = request["what"]
if what == "memory":
    bytearray(1 << 30)
if what == "sleep":
    time.sleep(60)
if what == "probe":
    import os, socket
    found = {"uid": os.getuid()}
    places = {"root": "/probe", "input": "/inputs/a/text/a.txt", "tmp": "/tmp/probe", "output": "/output/probe"}
    for name, path in places.items():
        try:
            open(path, "a").close()
            found[name] = True
        except OSError:
            found[name] = False
    try:
        socket.create_connection(("127.0.0.1", 9), timeout=1)
    except OSError:
        pass
    found["interfaces"] = sorted(os.listdir("/sys/class/net"))
    pathlib.Path("/output/found.json").write_text(json.dumps(found))
"""


Job = tuple[DockerRunner, StageHandle, Call]


@pytest.fixture
def job(base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Job]:
    """A job that runs the code above in a plain image, under the runner's own settings."""

    def settings(*arguments: Any) -> dict[str, Any]:
        return {**container_settings(*arguments), "entrypoint": ["python3", "-c", CODE]}

    monkeypatch.setattr("harness.runners.docker.container_settings", settings)
    (tmp_path / "a.txt").write_text("one", encoding="utf-8")

    def make(what: str, **limits: Any) -> Job:
        made = call(tmp_path, **limits)
        made.request = json.dumps({"what": what})
        return DockerRunner(), StageHandle("lines", "1.0.0", SPEC, base, base, "image id"), made

    return make


@pytest.mark.needs("images")
def test_memory_limit_holds(job: Callable[..., Job], tmp_path: Path) -> None:
    runner, handle, made = job("memory", memory_bytes=64 << 20)
    end = runner.execute(handle, made)
    assert end.crashed and "memory limit of 67108864 bytes passed" in end.reason()


@pytest.mark.needs("images")
def test_time_limit_holds(job: Callable[..., Job], tmp_path: Path) -> None:
    runner, handle, made = job("sleep", seconds=2.0)
    start = time.monotonic()
    end = runner.execute(handle, made)
    assert "time limit of 2 s passed" in end.reason() and time.monotonic() - start < 40


@pytest.mark.needs("images")
def test_container_killed_from_outside_is_a_crash(job: Callable[..., Job], tmp_path: Path) -> None:
    runner, handle, made = job("sleep")
    runner.label = f"test-{tmp_path}"

    def kill() -> None:
        client = docker.from_env()
        for _ in range(200):
            for found in client.containers.list(filters={"label": f"org.myorepro.run={runner.label}"}):
                found.kill()
                return
            time.sleep(0.1)

    thread = threading.Thread(target=kill)
    thread.start()
    end = runner.execute(handle, made)
    thread.join()
    assert end.crashed and "killed from outside" in end.reason()


@pytest.mark.needs("images")
def test_leftovers_of_a_killed_run_are_removed_and_others_are_not(base: str) -> None:
    runner = DockerRunner()
    made = [
        runner.client.containers.create(base, ["x"], entrypoint="true", labels={"org.myorepro.run": label})
        for label in ("test-ended", "test-alive")
    ]
    runner.remove_leftovers("test-ended")
    left = {c.id for c in runner.client.containers.list(all=True, filters={"label": "org.myorepro.run"})}
    made[1].remove()
    assert made[0].id not in left and made[1].id in left


@pytest.mark.needs("images")
def test_container_is_closed_from_inside(job: Callable[..., Job], tmp_path: Path) -> None:
    runner, handle, made = job("probe")
    end = runner.execute(handle, made)
    assert end.status == 0, end.stderr
    found = json.loads((tmp_path / "out" / "found.json").read_text(encoding="utf-8"))
    assert found["uid"] != 0 and found["interfaces"] == ["lo"]
    assert (found["root"], found["input"], found["tmp"], found["output"]) == (False, False, True, True)
    assert end.isolation["network"] == "none" and end.isolation["capabilities_dropped"] == ["ALL"]
