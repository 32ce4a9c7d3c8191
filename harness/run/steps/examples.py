"""Small files and surroundings for the examples of steps."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from containers.contract.record import Metric, Record, StageId
from containers.toolkit.images.labels import THIGH_LABELS
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd

GRID = Geometry((6, 5, 4), (40.0, 40.0, 50.0), (-100.0, -80.0, -400.0))
"""A coarse grid about both thighs (LPS, mm)."""
PEOPLE = {"kind": "phantom", "phantom": "ukb_participant", "items": [{"id": "a"}]}
"""A phantom input."""
FILES = {
    "kind": "data",
    "source": "nowhere",
    "items": [{"id": "a", "files": {name: f"a.{name}" for name in ("one", "two")}}],
}
"""Two files of one item from the data folder."""


def volume(folder: Path, name: str = "volume.nrrd") -> Path:
    """A volume on GRID."""
    data = np.arange(np.prod(GRID.shape), dtype=np.float32).reshape(GRID.shape)
    write_nrrd(folder / name, Volume(data, GRID))
    return folder / name


def labels(folder: Path, names: dict[int, str] = THIGH_LABELS) -> Path:
    """A label map on GRID in which every structure has some voxels."""
    values = np.resize(np.array(sorted(names), dtype=np.uint8), GRID.shape)
    write_segmentation(folder / "labels.seg.nrrd", values, GRID, names)
    return folder / "labels.seg.nrrd"


def phantom(folder: Path, name: str, parameters: dict[str, Any], truth: dict[str, float] | None = None) -> Path:
    """The `phantom.json` of a phantom."""
    said = {"name": name, "parameters": parameters, "truth": truth or {}}
    (folder / "phantom.json").write_text(json.dumps(said), encoding="utf-8")
    return folder / "phantom.json"


def record(folder: Path, name: str, values: dict[str, float], details: dict[str, Any] | None = None) -> Path:
    """The record of an item with such metrics."""
    metrics = {metric: Metric(value=value, unit="1") for metric, value in values.items()}
    made = Record(
        stage=StageId(name="s", version="1.0.0"), item="a", status="ok", metrics=metrics, details=details or {}
    )
    (folder / name).write_text(made.model_dump_json(), encoding="utf-8")
    return folder / name


def broken(folder: Path) -> Path:
    """A file that is of no kind."""
    (folder / "broken").write_bytes(b"neither a volume nor a record")
    return folder / "broken"
