"""What a machine may lack: each need of a test, whether it is met here, and the line that brings it.

A test says `@pytest.mark.needs("R")`; conftest.py skips it where the need is not met, and counts what was skipped at
the end of the run. `pytest -m needs` runs these tests alone. No other test may skip.
"""

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("MYOREPRO_DATA") or ROOT.parent / "shared" / "data")
PAPERS = Path(os.environ.get("MYOREPRO_PAPERS") or ROOT.parent / "shared" / "papers")
R_PACKAGES = ("jsonlite", "digest", "lme4", "rms", "pROC", "metafor", "clubSandwich", "numDeriv")


@dataclass(frozen=True)
class Need:
    """One thing that a machine may lack."""

    lacking: Callable[[], bool]
    """Whether it is not here."""
    title: str
    """What is lacking, in a few words."""
    fix: str
    """The command that brings it, or what to do."""

    @property
    def reason(self) -> str:
        """The one line that a skipped test shows."""
        return f"{self.title}: {self.fix}"


@cache
def lacks_r() -> bool:
    """Whether R or one of its packages is missing."""
    if shutil.which("Rscript") is None:
        return True
    names = ", ".join(f'"{name}"' for name in R_PACKAGES)
    check = f"p <- c({names}); quit(status = any(!nzchar(vapply(p, function(x) system.file(package = x), ''))))"
    return subprocess.run(["Rscript", "--vanilla", "-e", check], capture_output=True, check=False).returncode != 0


@cache
def lacks_engine() -> bool:
    """Whether no container engine answers."""
    import docker

    try:
        client = docker.from_env(timeout=20)
        try:
            client.ping()
        finally:
            client.close()
    except Exception:  # the library raises errors of several packages
        return True
    return False


@cache
def lacks_images() -> bool:
    """Whether the images of the project are not in an engine that answers."""
    if lacks_engine():
        return True
    import docker

    from harness.runners import images

    client = docker.from_env(timeout=20)
    try:
        wanted = (f"{images.ROOTFS}:{images.SUITE}", images.reference("fusion"), images.reference("mrsegmentator"))
        return any(not client.images.list(name) for name in wanted)
    finally:
        client.close()


@cache
def lacks_mounts() -> bool:
    """Whether this user cannot mount a small file system."""
    with tempfile.TemporaryDirectory() as place:
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place]
        if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            return True
        subprocess.run(["umount", "--lazy", place], check=True)
    return False


@cache
def lacks_name_spaces() -> bool:
    """Whether this user cannot make a name space of mounts: in a chroot that is not a mount point not even root can."""
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0


def _without(program: str) -> Callable[[], bool]:
    return lambda: shutil.which(program) is None


def _lacks_driver() -> bool:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return True
    return False


def _lacks_browser() -> bool:
    from tests.report.browser import executable

    return executable() is None


def _lacks_high_water_mark() -> bool:
    return not os.access("/proc/self/clear_refs", os.W_OK)


NEEDS = {
    "R": Need(
        lacks_r,
        f"R with {', '.join(R_PACKAGES)}",
        "apt-get install r-base-core " + " ".join(f"r-cran-{name.lower()}" for name in R_PACKAGES),
    ),
    "browser": Need(_lacks_browser, "Chromium or Chrome", "apt-get install chromium"),
    "engine": Need(lacks_engine, "a container engine that answers", "apt-get install docker.io, and start dockerd"),
    "images": Need(lacks_images, "the images of the project in a container engine", "make images"),
    "jq": Need(_without("jq"), "jq", "apt-get install jq"),
    "cc": Need(_without("cc"), "a C compiler", "apt-get install gcc libc6-dev"),
    "mounts": Need(lacks_mounts, "a user who may mount file systems", "run the tests as root"),
    "name spaces": Need(lacks_name_spaces, "a user who may make name spaces of mounts", "run the tests as root"),
    "high-water mark": Need(
        _lacks_high_water_mark,
        "a kernel that lets this user reset the peak of memory",
        "run it outside a sandbox",
    ),
    "numba-cuda": Need(
        lambda: find_spec("numba_cuda") is None, "numba-cuda and the compiler's libraries", "make venv TORCH=cuda"
    ),
    "driver": Need(_lacks_driver, "an NVIDIA driver", "run it on a machine with a GPU"),
    "mrsegmentator": Need(
        lambda: find_spec("mrsegmentator") is None,
        "MRSegmentator, which is in its own image only",
        "make images check STAGES=mrsegmentator runs it there",
    ),
}


def need(name: str) -> Need:
    """The need of a name; `data/NAME` and `papers/NAME` are files of the folders that a user brings.

    Raises KeyError for a name that nothing has.
    """
    folder, _, file = name.partition("/")
    if folder == "data" and file:
        there = (DATA / file).exists()
        return Need(lambda: not there, f"{file} in the data folder", "set MYOREPRO_DATA (default ../shared/data)")
    if folder == "papers" and file:
        there = (PAPERS / file).exists()
        return Need(lambda: not there, f"{file} in the papers folder", "set MYOREPRO_PAPERS (default ../shared/papers)")
    return NEEDS[name]
