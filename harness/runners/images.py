"""Build the stage images with the Docker engine, and build none that is already there.

Invariants: what an image is made of is hashed (Dockerfile, lock, source, contract, the
toolkit's modules that the source imports, the image below it) and the
hash is a label of the image; an image whose label fits is reused. Wheels are fetched on the host, checked
against the lock, and go into the build as files: a build needs no package index. Build contexts are tar files
with sorted names and fixed times. Everything fetched lies under `build/` in the project folder.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import docker
from docker.errors import ImageNotFound

from containers.contract.errors import EnvironmentFault, RequestFault
from containers.contract.spec import load_spec
from harness.project import ROOT, source_version
from harness.runners import stage_files, stages
from harness.runners.engine import ENGINE_ERRORS, connect

BUILD = ROOT / "build"
INSTALLER = ROOT / "containers/base/installer.lock"
SOURCE_DATE_EPOCH = 1748736000
"""2025-06-01: the time of every file that a build makes."""

LABEL = "org.myorepro.sources"
ROOTFS = "myorepro/rootfs"
SUITE = "bookworm"
ROOTFS_OPTIONS = (
    "--variant=minbase",
    "--include=python3",
    '--aptopt=Acquire::Languages "none"',
    *(f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("man", "doc", "info", "locale")),
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
)
# Debian 12 has glibc 2.36; a wheel for any older one runs on it.
WHEELS_FOR = (
    *("--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--abi", "abi3", "--abi", "none"),
    *(part for minor in range(36, 4, -1) for part in ("--platform", f"manylinux_2_{minor}_x86_64")),
    *("--platform", "manylinux2014_x86_64", "--platform", "manylinux2010_x86_64", "--platform", "manylinux1_x86_64"),
)

BUILD_SECONDS = 600
"""How long one answer may take in a build: to write a layer of several GB takes minutes."""
LINES_KEPT = 60
"""Of what a build prints, for its cause."""
COMPLAINT = re.compile(r"no space left|^E: |^error|\berror:|\bfatal\b", re.IGNORECASE)
Variant = Literal["cpu", "cuda"]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class ImageInfo:
    """One image, and how it came about."""

    stage: str
    """Name of the stage (or of the base) that it is of."""
    reference: str
    """Its tag."""
    image_id: str
    """SHA-256 of its configuration, with the prefix `sha256:`."""
    size_bytes: int
    """Its size in bytes."""
    seconds: float
    """Seconds that building took; about 0 for one that was reused."""
    reused: bool
    """Whether it was there already, built from the same files."""


def stage_folders() -> dict[str, Path]:
    """The stages that can be built, by name: those with a Dockerfile."""
    return {name: folder for name, folder in stages.stage_folders().items() if (folder / "Dockerfile").exists()}


def reference(stage: str, variant: Variant = "cpu") -> str:
    """The tag of a stage's image: its version, with `-cuda` for that variant."""
    version = source_version() if stage == "base" else load_spec(stage_folders()[stage] / "stage.toml").version
    return f"myorepro/{stage}:{version}{'-cuda' if variant == 'cuda' else ''}"


def build(
    names: Sequence[str] | None = None,
    *,
    base_image: str | None = None,
    variant: Variant = "cpu",
    rebuild: bool = False,
    progress: Progress = print,
) -> list[ImageInfo]:
    """Build the root filesystem (unless `base_image` is given), the base image and the stages' images, in that order.

    names: of the stages; None for all. A variant brings the stage that it stands on. base_image: a registry image
    with Python 3.11 to build on; without it, the one that the environment variable MYOREPRO_BASE_IMAGE names.
    rebuild: build even what is there. progress: called with one line per step.
    Raises RequestFault for an unknown stage, EnvironmentFault when the engine or a tool fails.
    """
    folders = stage_folders()
    chosen = list(folders) if names is None else list(names)
    if unknown := [name for name in chosen if name not in folders]:
        raise RequestFault(f"unknown stage {unknown[0]!r}", where="images", fix=f"known: {', '.join(folders)}")
    needed = {*chosen, *(stages.below_of(folders[name]) for name in chosen)}
    base_image = base_image or os.environ.get("MYOREPRO_BASE_IMAGE") or None
    builder = _Builder(connect(BUILD_SECONDS), variant, rebuild, progress)
    done = []
    with _engine_answers():
        if base_image is None:
            done.append(builder.rootfs())
        else:
            builder.pull(base_image)
        done.append(builder.image("base", ROOT / "containers" / "base", below=base_image or done[0].reference))
        root, base = base_image or done[0].reference, done[-1].reference
        torch = base
        if variant == "cpu" and any(needs_torch(folders[name]) for name in needed if name in folders):
            done.append(builder.torch(base))
            torch = done[-1].reference
        for name, folder in folders.items():
            if name in needed:
                parent = stages.below_of(folder)
                common = root if stands_on_rootfs(folder) else torch if needs_torch(folder) else base
                done.append(builder.image(name, folder, reference(parent, variant) if parent else common))
    return done


@contextmanager
def _engine_answers() -> Iterator[None]:
    """Turn what the client raises when the engine refuses or goes away into one line."""
    try:
        yield
    except ENGINE_ERRORS as error:
        lines = str(getattr(error, "explanation", None) or error).splitlines() or [type(error).__name__]
        raise EnvironmentFault(
            f"the container engine failed: {lines[0]}", where="images", fix="see that it runs, and its log"
        ) from error


class _Builder:
    """One engine and one variant; each method reuses or builds one image."""

    def __init__(self, client: docker.DockerClient, variant: Variant, rebuild: bool, progress: Progress) -> None:
        self.client, self.variant, self.rebuild, self.progress = client, variant, rebuild, progress

    def pull(self, image: str) -> None:
        """Fetch a registry image that is not here yet."""
        try:
            self.client.images.get(image)
        except ImageNotFound:
            self.progress(f"{image}: pulling")
            self.client.images.pull(image)

    def rootfs(self) -> ImageInfo:
        """The root filesystem from Debian packages."""
        sources = hashlib.sha256(repr((SUITE, ROOTFS_OPTIONS, SOURCE_DATE_EPOCH)).encode()).hexdigest()
        name = f"{ROOTFS}:{SUITE}"
        start = time.perf_counter()
        if not self.rebuild and (found := self._found("rootfs", name, sources)):
            return found
        archive = BUILD / "rootfs" / f"{sources[:16]}.tar"
        if self.rebuild or not archive.exists():
            self.progress("rootfs: making a root filesystem from Debian packages")
            make_rootfs(archive)
        changes = [f"LABEL {LABEL}={sources}", "CMD /bin/sh"]
        self.client.api.import_image_from_file(str(archive), repository=ROOTFS, tag=SUITE, changes=changes)
        return self._info("rootfs", name, start)

    def image(self, name: str, folder: Path, below: str) -> ImageInfo:
        """The image of a folder of containers/: the base image or a stage."""
        place = folder.relative_to(ROOT).as_posix()
        files = {"containers/base/install.sh": ROOT / "containers/base/install.sh"}
        lock = folder / ("requirements.lock" if name != "base" else f"requirements-{self.variant}.lock")
        files[place] = folder
        if name == "base":
            files["containers/__init__.py"] = ROOT / "containers/__init__.py"
            files["containers/contract"] = stage_files.CONTRACT
        else:
            files |= stage_files.toolkit_of(folder)
        locks = [INSTALLER, lock] if lock.exists() else []
        return self.tagged(name, reference(name, self.variant), files, below, f"{place}/Dockerfile", locks)

    def torch(self, below: str) -> ImageInfo:
        """The CPU build of torch on the base image."""
        place, lock = "containers/base/torch", self._torch("torch")
        files = {
            "containers/base/install.sh": ROOT / "containers/base/install.sh",
            f"{place}/Dockerfile": ROOT / place / "Dockerfile",
            f"requirements/{lock.name}": lock,
        }
        tag = f"myorepro/torch:{source_version()}"
        return self.tagged("torch", tag, files, below, f"{place}/Dockerfile", [INSTALLER, lock])

    def tagged(
        self, name: str, tag: str, files: dict[str, Path], below: str, dockerfile: str, locks: Iterable[Path] = ()
    ) -> ImageInfo:
        """Reuse or build `tag` from `files` (place in the context -> file or folder) on top of the image `below`."""
        start = time.perf_counter()
        total = hashlib.sha256()
        below_id = str(self.client.images.get(below).id)
        for part in (below_id, self.variant, str(SOURCE_DATE_EPOCH)):
            total.update(part.encode() + b"\0")
        for place, path in _leaves(files):
            total.update(place.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        for lock in locks:
            total.update(lock.read_bytes())
        sources = total.hexdigest()
        if not self.rebuild and (found := self._found(name, tag, sources)):
            return found
        wheels = {f"wheelhouse/{path.name}": path for lock in locks for path in self._wheels(name, lock)}
        self.progress(f"{name}: building {tag}")
        BUILD.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=BUILD) as context:
            write_context(context, _leaves(files | wheels))
            context.seek(0)
            self._run_build(context, name, tag, sources, below, dockerfile)
        return self._info(name, tag, start)

    def _run_build(self, context: Any, name: str, tag: str, sources: str, below: str, dockerfile: str) -> None:
        labels = {LABEL: sources, "org.opencontainers.image.version": tag.rpartition(":")[2], **_revision()}
        arguments = {"BASE_IMAGE": below, "VARIANT": self.variant, "SOURCE_DATE_EPOCH": str(SOURCE_DATE_EPOCH)}
        printed: deque[str] = deque(maxlen=LINES_KEPT)
        lines = self.client.api.build(
            fileobj=context,
            custom_context=True,
            dockerfile=dockerfile,
            tag=tag,
            buildargs=arguments,
            labels=labels,
            network_mode="host",
            nocache=self.rebuild,
            rm=True,
            forcerm=True,
            decode=True,
        )
        for line in lines:
            if "error" in line:
                raise EnvironmentFault(
                    f"does not build: {cause_of(printed) or line['error']}", where=name, fix="see its Dockerfile"
                )
            text = line.get("stream", "").strip()
            if text and not text.startswith(("--->", "Removing intermediate", "Step ")):
                printed.extend(text.splitlines())

    def _torch(self, name: str) -> Path:
        """The lock of torch whose wheels are here or can be had: the CPU build's, else the public CUDA build's.

        The base image of variant cuda has torch already.
        """
        cpu, cuda = (ROOT / "requirements" / f"torch-{build}.lock" for build in ("cpu", "cuda"))
        if not wheelhouse(cuda).exists():
            try:
                self._wheels(name, cpu)
                return cpu
            except EnvironmentFault:
                self.progress(
                    f"{name}: pip finds no locked CPU wheel of torch; taking the public CUDA build, about 3 GB"
                )
        return cuda

    def _wheels(self, name: str, lock: Path) -> list[Path]:
        """The wheels that a lock names, fetched into build/ once."""
        folder = wheelhouse(lock)
        if not folder.exists():
            self.progress(f"{name}: fetching the wheels of {lock.relative_to(ROOT)}")
            fetch_wheels(lock, folder)
        return sorted(folder.iterdir())

    def _found(self, stage: str, tag: str, sources: str) -> ImageInfo | None:
        start = time.perf_counter()
        try:
            labels = self.client.images.get(tag).labels
        except ImageNotFound:
            return None
        return self._info(stage, tag, start, reused=True) if labels.get(LABEL) == sources else None

    def _info(self, stage: str, tag: str, start: float, *, reused: bool = False) -> ImageInfo:
        image = self.client.images.get(tag)
        return ImageInfo(stage, tag, str(image.id), int(image.attrs["Size"]), time.perf_counter() - start, reused)


def wheelhouse(lock: Path) -> Path:
    """Where the wheels of a lock lie once they are fetched."""
    return BUILD / "wheelhouse" / hashlib.sha256(lock.read_bytes()).hexdigest()[:16]


def stands_on_rootfs(folder: Path) -> bool:
    """Whether a stage is built on the root filesystem (so says its Dockerfile), not on the Python base image."""
    return f"ARG BASE_IMAGE={ROOTFS}:" in (folder / "Dockerfile").read_text(encoding="utf-8")


def needs_torch(folder: Path) -> bool:
    """Whether a stage's packages build on torch, which no stage's lock names: its build depends on the machine."""
    wanted = folder / "requirements.in"
    return folder.name != "base" and wanted.exists() and "torch" in wanted.read_text(encoding="utf-8").split()


def make_rootfs(archive: Path) -> None:
    """Write a Debian root filesystem with Python as a tar file. Raises EnvironmentFault when mmdebstrap fails."""
    if not shutil.which("mmdebstrap"):
        raise EnvironmentFault(
            "mmdebstrap is not installed",
            where="rootfs",
            fix="apt-get install mmdebstrap, or name an image with Python 3.11 in MYOREPRO_BASE_IMAGE",
        )
    archive.parent.mkdir(parents=True, exist_ok=True)
    partial = archive.with_name(f".{os.getpid()}.{archive.name}")
    command = ["mmdebstrap", "--quiet", *ROOTFS_OPTIONS, SUITE, str(partial)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(SOURCE_DATE_EPOCH)}
    try:
        _command(command, "rootfs", "check the Debian mirror in this machine's apt sources", environment)
        partial.replace(archive)
    finally:
        partial.unlink(missing_ok=True)


def fetch_wheels(lock: Path, folder: Path) -> None:
    """Fill `folder` with the wheels of a hashed lock for the images' Python. Whole or absent."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += [
        "--require-hashes",
        "--only-binary=:all:",
        *WHEELS_FOR,
        "--dest",
        str(partial),
        "--requirement",
        str(lock),
    ]
    try:
        _command(command, lock.parent.name, "check pip's configuration (`pip config list`)", dict(os.environ))
        partial.replace(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _command(command: list[str], where: str, fix: str, environment: dict[str, str]) -> None:
    """Run a tool; on failure its last complaint becomes the fault's one line."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or [f"status {done.returncode}"]
        complaints = [line for line in lines if line.startswith(("ERROR", "E:"))]
        raise EnvironmentFault(f"{Path(command[0]).name} failed: {(complaints or lines)[-1]}", where=where, fix=fix)


def _leaves(files: dict[str, Path]) -> list[tuple[str, Path]]:
    """Files of a context, sorted by place; folders opened, without what Python leaves behind."""
    leaves = {}
    for place, path in files.items():
        for leaf in path.rglob("*") if path.is_dir() else [path]:
            if leaf.is_file() and "__pycache__" not in leaf.parts:
                leaves[f"{place}/{leaf.relative_to(path).as_posix()}" if path.is_dir() else place] = leaf
    return sorted(leaves.items())


def write_context(stream: Any, leaves: list[tuple[str, Path]]) -> None:
    """Write files as a tar with fixed owner, mode and time."""
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for place, path in leaves:
            entry = tarfile.TarInfo(place)
            entry.size, entry.mtime, entry.mode = path.stat().st_size, SOURCE_DATE_EPOCH, 0o644
            with path.open("rb") as content:
                archive.addfile(entry, content)


def cause_of(printed: Iterable[str]) -> str:
    """The line that tells why a build failed: the first that sounds like an error (what follows is most often its
    consequence), else the last one; empty where nothing was printed."""
    lines = [line.strip() for line in printed if line.strip()]
    return next((line for line in lines if COMPLAINT.search(line)), lines[-1] if lines else "")


def _revision() -> dict[str, str]:
    """The commit as an OCI label, where the project is a git checkout."""
    done = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], check=False, capture_output=True, text=True)
    return {} if done.returncode else {"org.opencontainers.image.revision": done.stdout.strip()}
