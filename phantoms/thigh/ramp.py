"""The input set `dixon_ramp`: stations of a linear field, on which every rule of a fusion shows by itself.

The image of station s and contrast c at the LPS position p (mm) is LEVEL + SLOPE . p + offset(s, c). Trilinear
interpolation reproduces a linear function exactly, wherever the voxel centres lie; the mean of overlapping stations
is then the field plus the mean of their offsets. Stored values are rounded to integers, so a right fusion is within
half a unit of `volume` everywhere; a wrong origin, axis, interpolation, blend or repeat is not.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from containers.contract.errors import ItemFault
from containers.contract.files import write_json
from containers.contract.request import Strict
from containers.toolkit.images.volume import Geometry
from phantoms.shared.protocol import CONTRASTS, FULL, SMALL, STATIONS, Preset, moved
from phantoms.shared.ukb_zip import Format, Participant, Series, description, write_zip

LEVEL = 2000.0
SLOPE_PER_MM = np.array([1.5, -1.0, 1.2])
"""Towards Left, Posterior and Superior: unlike, so that no flip or exchange of axes goes unseen."""
STATION_OFFSET = (0.0, 55.0, 20.0, 90.0, 35.0, 120.0)
CONTRAST_OFFSET = {"in_phase": 0.0, "opposed_phase": 7.0, "fat": 14.0, "water": 21.0}
OLDER_OFFSET = 400.0
"""Added to the older copy of the repeated station."""
FUSED = (2, 3, 4, 5)
"""Pelvis to knee (ukb_thigh, Methods)."""
INSIDE_VOXELS = 1e-3
"""A point this far outside the outermost voxel centres still counts as inside: positions are printed to 1e-6 mm."""

Fault = Literal["none", "nearest", "last_station", "half_voxel", "older_repeat"]
FAULTS: tuple[Fault, ...] = ("none", "nearest", "last_station", "half_voxel", "older_repeat")


class Parameters(Strict):
    """Parameters of `dixon_ramp`. Stations are shifted by parts of a voxel along all axes, drawn by `seed`."""

    preset: Preset = "small"
    """Size of a voxel and the field of view."""
    seed: int = Field(default=1, ge=0)
    """Start of the random draws of the shifts."""
    repeated_station: int = Field(default=3, ge=0, le=5)
    """Station that is scanned twice, at the same place; 0 is the chest, 5 the knee."""


def geometries(p: Parameters) -> list[Geometry]:
    """The grids of the six stations, chest to knee."""
    scan = FULL if p.preset == "full" else SMALL
    rng = np.random.default_rng([p.seed, 7])
    grids = []
    for station in range(len(STATIONS)):
        grid = scan.geometry(station)
        x, y, z = np.round(rng.uniform(-0.45, 0.45, 3) * np.array(grid.spacing_mm), 3)
        grids.append(moved(grid, (float(x), float(y), float(z))))
    return grids


def field(position_mm: npt.NDArray[np.float64], offset: float) -> npt.NDArray[np.float64]:
    """The linear field at LPS positions (..., 3) in mm."""
    value: npt.NDArray[np.float64] = LEVEL + position_mm @ SLOPE_PER_MM + offset
    return value


def _positions(grid: Geometry) -> npt.NDArray[np.float64]:
    k, j, i = np.indices(grid.shape)
    return grid.position_mm(np.stack([i, j, k], axis=-1))


def make(parameters: dict[str, Any], folder: Path) -> None:
    """Fill `folder` with the zip and `phantom.json`. Raises pydantic's ValidationError for wrong parameters."""
    p = Parameters.model_validate(parameters)
    scan = FULL if p.preset == "full" else SMALL
    all_series: list[Series] = []
    turn = 0
    for station, grid in enumerate(geometries(p)):
        for older in (True, False) if station == p.repeated_station else (False,):
            for number, contrast in enumerate(CONTRASTS):
                offset = STATION_OFFSET[station] + CONTRAST_OFFSET[contrast] + (OLDER_OFFSET if older else 0.0)
                stored = np.rint(field(_positions(grid), offset)).astype(np.uint16)
                key, start = f"{station}-{turn}-{contrast}", 36000.0 + 24.0 * turn
                label = description(station, contrast)
                all_series.append(
                    Series(station, contrast, stored, grid, start, 5 + 4 * turn + number, key, label)
                )  # fmt: skip
            turn += 1
    name = "ramp_20201_2_0.zip"
    who = Participant("ramp", "female", 1.7, 70.0, f"myorepro ramp {p.model_dump_json()}")
    write_zip(folder / name, all_series, who, scan, Format(), np.random.default_rng([p.seed, 8]))
    write_json(
        folder / "phantom.json",
        {
            "schema_version": "1.0",
            "name": "dixon_ramp",
            "parameters": p.model_dump(mode="json"),
            "files": {"dicom_zip": name},
            "facts": {},
            "truth": {},
            "truth_precision": {},
        },
    )


def volume(
    parameters: dict[str, Any], grid: Geometry, contrast: str, fault: Fault = "none", stations: Sequence[int] = FUSED
) -> npt.NDArray[np.float32]:
    """What a right fusion of `stations` gives on `grid` (k, j, i): the mean over the stations that contain a point.

    0 where none does. fault makes the truth of a wrong fusion instead: nearest neighbour, the last station in the
    overlap, the grid half a voxel off, the older copy of the repeated station.
    """
    p = Parameters.model_validate(parameters)
    points = _positions(grid)
    if fault == "half_voxel":
        points = points + np.array(grid.matrix()).sum(axis=1) / 2
    total, count = np.zeros(grid.shape), np.zeros(grid.shape)
    for station in stations:
        own = geometries(p)[station]
        index = own.index(points)
        last = np.array(own.size) - 1
        inside = np.all((index >= -INSIDE_VOXELS) & (index <= last + INSIDE_VOXELS), axis=-1)
        offset = STATION_OFFSET[station] + CONTRAST_OFFSET[contrast]
        if fault == "older_repeat" and station == p.repeated_station:
            offset += OLDER_OFFSET
        value = field(own.position_mm(np.rint(index)) if fault == "nearest" else points, offset)
        if fault == "last_station":
            total, count = np.where(inside, value, total), np.where(inside, 1.0, count)
        else:
            total, count = total + np.where(inside, value, 0.0), count + inside
    return np.asarray(total / np.maximum(count, 1), dtype=np.float32)


def truth_volume(parameters: dict[str, Any], geometry: Geometry, contrast: str, fault: str) -> npt.NDArray[np.float32]:
    """`volume` for a fault given by its name. Raises ItemFault for an unknown one."""
    for known in FAULTS:
        if known == fault:
            return volume(parameters, geometry, contrast, known)
    raise ItemFault(f"no fault is called {fault!r}", where="fault", fix=f"use one of: {', '.join(FAULTS)}")
