"""The content-addressed cache: finished items by the hash of everything that decides them.

Invariants: an entry is whole or absent (it comes by one rename); it is verified against its record each
time it is used, and dropped when a byte differs; an error is never kept; two runs may share one folder.
"""

import hashlib
import json
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from containers.contract.files import sha256_file, write_json
from containers.contract.record import Record
from containers.contract.request import first_error

PROVENANCE = "provenance.json"
SEAL = "seal.json"
_RECORD_FILES = {"record.json", "timing.json"}


@dataclass(frozen=True)
class Entry:
    """A finished item in the store."""

    folder: Path
    """Its folder, with record and outputs."""
    record: Record
    """What the stage said of it."""
    provenance: dict[str, Any]
    """How it was made: runner, digest, isolation."""

    def output(self, name: str) -> Path | None:
        """Path of an output, or None when the item has none of that name."""
        output = self.record.outputs.get(name)
        return self.folder / output.path if output else None


def key_of(identity: dict[str, Any]) -> str:
    """Hex SHA-256 of a JSON-able identity. Equal content gives equal keys whatever the order of fields."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True, allow_nan=False).encode()).hexdigest()


def unsafe(folder: Path) -> str | None:
    """Why a folder that a stage wrote must not be touched, or None. Follows no link.

    A stage may be anybody's: a link in its output would make the harness read or write where the link points.
    """
    if not stat.S_ISDIR(folder.lstat().st_mode):
        return "the item's folder is not a folder"
    for entry in os.scandir(folder):
        if not entry.is_file(follow_symlinks=False):
            return f"{entry.name} is not a regular file"
        if entry.stat(follow_symlinks=False).st_nlink > 1:
            return f"{entry.name} is a hard link"
        if entry.name in (PROVENANCE, SEAL):
            return f"{entry.name} is a name of the harness"
    return None


class DamagedItemError(Exception):
    """An item's folder is not what its record says; says why."""


def verified(folder: Path) -> Record:
    """The record of an item's folder that is what the record says. Hashes every output. Raises DamagedItemError.

    Who needs the record afterwards takes it from here: a record may be large, and reading it is not free.
    """
    try:
        record = Record.model_validate_json((folder / "record.json").read_bytes())
    except OSError as error:
        raise DamagedItemError(f"record.json cannot be read ({error.strerror})") from error
    except ValidationError as error:
        raise DamagedItemError(f"record.json is not valid ({first_error(error)})") from error
    for name, output in record.outputs.items():
        path = folder / output.path
        if path.resolve().parent != folder.resolve():
            raise DamagedItemError(f"output {name} is outside the item's folder ({output.path})")
        if not path.is_file():
            raise DamagedItemError(f"output {name} ({output.path}) is missing")
        if path.stat().st_size != output.bytes or sha256_file(path) != output.sha256:
            raise DamagedItemError(f"output {name} ({output.path}) differs from its hash")
    known = _RECORD_FILES | {PROVENANCE, SEAL} | {output.path for output in record.outputs.values()}
    if extra := sorted({path.name for path in folder.iterdir()} - known):
        raise DamagedItemError(f"file {extra[0]} is not an output of the record")
    return record


def complaint_of(folder: Path) -> str | None:
    """Why an item's folder is not what its record says, or None."""
    try:
        verified(folder)
    except DamagedItemError as damage:
        return str(damage)
    return None


def _seal(folder: Path, key: str) -> dict[str, str]:
    return {"key": key, **{name: sha256_file(folder / name) for name in ("record.json", PROVENANCE)}}


def _sealed(place: Path, key: str) -> bool:
    """Whether record and provenance are those that were put in under this key."""
    try:
        return bool(json.loads((place / SEAL).read_text(encoding="utf-8")) == _seal(place, key))
    except (OSError, ValueError):
        return False


def _provenance(place: Path) -> dict[str, Any]:
    """Read back, so that a finished item has the same whether it was made in this run or before."""
    return dict(json.loads((place / PROVENANCE).read_text(encoding="utf-8")))


class Store:
    """The cache folder, made when first written to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _place(self, key: str) -> Path:
        return self.folder / key[:2] / key

    def get(self, key: str) -> Entry | None:
        """The verified entry, or None. An entry that does not verify is removed."""
        place = self._place(key)
        if not place.is_dir():
            return None
        try:
            if _sealed(place, key):
                return Entry(place, verified(place), _provenance(place))
        except DamagedItemError:
            pass
        self._drop(place)
        return None

    def put(self, key: str, folder: Path, record: Record, provenance: dict[str, Any]) -> Entry:
        """Move a finished, verified item folder in by one rename. When another run was first, its entry is kept.

        `folder` must be on the same file system as the store; `record` is what its record.json says. Raises ValueError
        for an error record.
        """
        if record.status != "ok":
            raise ValueError("an error is never cached")
        write_json(folder / PROVENANCE, provenance)
        write_json(folder / SEAL, _seal(folder, key))
        place = self._place(key)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            folder.rename(place)
        except OSError:
            if not place.is_dir():
                raise
            shutil.rmtree(folder, ignore_errors=True)
            record = verified(place)
        return Entry(place, record, _provenance(place))

    def _drop(self, place: Path) -> None:
        aside = Path(tempfile.mkdtemp(prefix=".dropped-", dir=self.folder))
        with suppress(OSError):
            place.rename(aside / "old")
        shutil.rmtree(aside, ignore_errors=True)
