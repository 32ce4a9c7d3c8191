"""The smallest inputs of pictures: what each drawing function is tried on."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from containers.toolkit.images.labels import SPINE_LABELS
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd
from containers.toolkit.tables.table import write_table

GRID = Geometry((12, 10, 8), (3.0, 3.0, 8.0), (-16.5, -13.5, 0.0))


def json_file(folder: Path, content: Any, name: str = "results.json") -> Path:
    """A JSON file in `folder`."""
    path = folder / name
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def volume(folder: Path, name: str = "volume.nrrd") -> Path:
    """A volume on GRID (LPS) whose values rise from 0 to 100 and fall to 0 outside of its middle."""
    data = np.linspace(0, 100, np.prod(GRID.shape), dtype=np.float32).reshape(GRID.shape)
    data[:, :, :2] = 0
    write_nrrd(folder / name, Volume(data, GRID))
    return folder / name


def volume_and_labels(folder: Path) -> tuple[Path, Path]:
    """A volume, and on its grid a label map of two structures."""
    labels = np.zeros(GRID.shape, dtype=np.uint8)
    values = sorted(SPINE_LABELS)[:2]
    labels[1:7, 2:8, 2:5], labels[1:7, 2:8, 7:10] = values
    write_segmentation(folder / "labels.seg.nrrd", labels, GRID, {value: SPINE_LABELS[value] for value in values})
    return volume(folder), folder / "labels.seg.nrrd"


def two_volumes(folder: Path) -> tuple[Path, Path]:
    """Two volumes on one grid."""
    return volume(folder), volume(folder, "map.nrrd")


def two_tables(folder: Path) -> tuple[Path, Path]:
    """Measured and expected values of four items."""
    true = [10.0, 12.0, 15.0, 11.0]
    for name, shift in (("measured", 0.5), ("expected", 0.0)):
        values = [value + shift * (number % 3) for number, value in enumerate(true)]
        columns: dict[str, list[Any]] = {"item": list("abcd"), "structure": ["all"] * 4, "volume_cm3": values}
        write_table(folder / f"{name}.parquet", columns)
    return folder / "measured.parquet", folder / "expected.parquet"


def number(quantity: str, value: float, term: str = "", stratum: str = "") -> dict[str, Any]:
    """A number of an analysis, as a results.json has it."""
    return {"quantity": quantity, "value": value, "term": term, "stratum": stratum}


def with_limits(quantity: str, term: str = "", stratum: str = "") -> list[dict[str, Any]]:
    """A number of an analysis and the ends of its interval."""
    ends = (("", 1.4), ("_low", 1.1), ("_high", 1.8))
    return [number(f"{quantity}{end}", value, term, stratum) for end, value in ends]


def simulation(folder: Path) -> tuple[Path]:
    """A simulation.json of one estimate at two levels, the second with a fault of masks."""
    row = {
        "level": "none_0", "label": "", "name": "coefficient.weak_grip_pa_text.pa_third:high", "unit": "log odds",
        "mean_truth": 0.47, "bias": 0.01, "bias_low": -0.03, "bias_high": 0.05, "empirical_se": 0.1,
        "coverage": 0.95, "power": 0.8, "intervals": 20.0,
    }  # fmt: skip
    levels = [
        {"id": "none_0", "facts": {"fault": "none", "dice": 1.0}},
        {"id": "depth_1", "facts": {"fault": "depth", "dice": 0.93}},
    ]
    faulty = {**row, "level": "depth_1", "shift_ratio": 0.8, "shift_ratio_low": 0.78, "shift_ratio_high": 0.82}
    about = {"phantom": "ukb_cohort", "draws": 20, "failed": {}, "confidence": 0.95}
    return (json_file(folder, {**about, "levels": levels, "estimates": [row, faulty]}, "simulation.json"),)
