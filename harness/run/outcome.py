"""What became of one item in one step, while a case runs."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from containers.contract.errors import one_line
from containers.contract.files import sha256_path
from containers.contract.record import Output, Record, StageId
from harness.run.steps.data import DataInput
from harness.run.steps.task import Held
from harness.run.store import Entry

Status = Literal["ok", "error", "skipped", "missing", "planned"]


@dataclass(frozen=True)
class Outcome:
    """What became of one item in one step."""

    status: Status
    """`ok` and `error` have a record, `skipped` had a failed input, `missing` got no valid record from the stage (never
    a scientific result), `planned` is of a dry run."""
    folder: Path | None = None
    """Folder with record and outputs; None where there is none."""
    record: Record | None = None
    """What the stage said; None where it said nothing valid."""
    line: str = ""
    """Why it is not ok, in one line; empty for a good one."""
    provenance: dict[str, Any] = field(default_factory=dict)
    """How the record was made: runner, digest, isolation; empty where there is none."""
    cached: bool = False
    """Whether it comes from the cache."""
    lost: bool = False
    """Whether it was skipped because of an input that the environment did not make."""

    def output(self, name: str) -> Path | None:
        """Path of an output, or None."""
        if self.record is None or self.folder is None or name not in self.record.outputs:
            return None
        return self.folder / self.record.outputs[name].path

    @property
    def environmental(self) -> bool:
        """Whether there is no result because of the environment: nothing that can be said of the item."""
        error = self.record.error if self.record else None
        return self.status == "missing" or self.lost or (error is not None and error.kind == "environment")

    def timing(self) -> dict[str, Any]:
        """What timing.json says, or nothing."""
        try:
            return dict(json.loads((self.folder / "timing.json").read_text(encoding="utf-8"))) if self.folder else {}
        except (OSError, ValueError):
            return {}


def finished(entry: Entry, *, cached: bool) -> Outcome:
    """The outcome of an item in the store."""
    return Outcome("ok", entry.folder, entry.record, provenance=entry.provenance, cached=cached)


def failed(folder: Path, record: Record, provenance: dict[str, Any]) -> Outcome:
    """The outcome of an error record."""
    fault = record.error
    if fault is None:
        raise ValueError("not an error record")
    line = one_line(fault.what, fault.where, fault.fix)
    return Outcome("error", folder, record, line=line, provenance=provenance)


def held(reason: Held) -> Outcome:
    """The outcome of an item that has no task."""
    return Outcome(reason.status, line=reason.line, lost=reason.lost)


def given(entry: DataInput, data: Path) -> dict[str, Outcome]:
    """Outcomes by item of an input that lies in the data folder, which counts as made."""
    made = {}
    for item in entry.items:
        outputs = {
            name: Output(path=file, sha256=sha256_path(data / file), bytes=_bytes(data / file))
            for name, file in item.files.items()
        }
        stage = StageId(name="data", version="0.0.0")
        record = Record(stage=stage, item=item.id, status="ok", outputs=outputs)
        made[item.id] = Outcome("ok", data, record)
    return made


def _bytes(path: Path) -> int:
    return path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
