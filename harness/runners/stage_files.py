"""The files that decide what a stage does: its folder, the contract, and what its Python reaches by imports."""

import hashlib
import importlib.metadata
import platform
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from containers.contract.files import sha256_file
from containers.toolkit.runtime.sources import imported_files, source_digest
from harness.project import ROOT

CONTRACT = ROOT / "containers" / "contract"
_FOR_READERS = ("README.md", "Dockerfile", "requirements.in", "requirements.lock")
"""Of a stage's own folder, what only readers and images use. The packages that are installed count as they are."""


def folder_files(folder: Path) -> list[Path]:
    """All files of a folder, sorted: sources, settings, weights; no caches, no hidden files."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix != ".pyc"
        and not any(part.startswith((".", "__pycache__")) for part in path.relative_to(folder).parts)
    )


def imported_by(folder: Path, root: Path = ROOT) -> list[Path]:
    """The modules of `containers/` outside of a stage's folder that its Python imports, directly or not, sorted.

    The packages that they stand in run at import and count as well. The contract's modules are left out: all count.
    root: the folder that `containers/` lies in.
    """
    sources = [path for path in folder_files(folder) if path.suffix == ".py"]
    reached = set(imported_files(sources, ("containers",), root).values())
    reached |= {
        parent / "__init__.py"
        for path in reached
        for parent in path.parents
        if parent.is_relative_to(root / "containers") and (parent / "__init__.py").is_file()
    }
    elsewhere = (root / "containers" / "contract", folder)
    return sorted(path for path in reached if not any(path.is_relative_to(part) for part in elsewhere))


def toolkit_of(folder: Path) -> dict[str, Path]:
    """The toolkit's modules that a stage's image needs: place in the project to file, sorted."""
    toolkit = ROOT / "containers" / "toolkit"
    return {path.relative_to(ROOT).as_posix(): path for path in imported_by(folder) if path.is_relative_to(toolkit)}


def hash_stage(source: Path, root: Path = ROOT) -> str:
    """SHA-256 over names and bytes of a stage's files, and over the interpreter and installed packages.

    source: the stage's folder, or the one file that it is. Of a folder outside of this project everything counts.
    root: the folder that `containers/` lies in.
    """
    total = hashlib.sha256(_environment().encode())
    own = folder_files(source) if source.is_dir() else [source]
    containers = root / "containers"
    if source.is_relative_to(containers):
        own = [path for path in own if path.name not in _FOR_READERS]
    _add(total, source if source.is_dir() else source.parent, own)
    _add(total, containers, folder_files(containers / "contract"))
    if source.is_dir():
        _add(total, containers, imported_by(source, root))
    return total.hexdigest()


def hash_modules(modules: Iterable[str]) -> str:
    """SHA-256 over the sources of the project's modules and of all that they import, interpreter and packages."""
    total = hashlib.sha256(_environment().encode())
    total.update(source_digest(modules, ("containers", "harness", "phantoms")).encode())
    return total.hexdigest()


def _add(total: "hashlib._Hash", base: Path, paths: Iterable[Path]) -> None:
    for path in paths:
        total.update(f"{base.name}/{path.relative_to(base).as_posix()}\0".encode())
        total.update(bytes.fromhex(sha256_file(path)))


@cache
def _environment() -> str:
    """Interpreter and installed packages: what a lock promises, as it really is."""
    packages = sorted({f"{d.name.lower()}=={d.version}" for d in importlib.metadata.distributions() if d.name})
    return "\n".join([f"python=={platform.python_version()} {platform.machine()}", *packages])
