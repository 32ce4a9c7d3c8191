"""The input set `nako_participant`: one phantom person's T2 HASTE of the trunk as DICOM zip and as NIfTI."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from containers.contract.files import write_json
from containers.contract.request import Strict
from containers.toolkit.images.labels import SPINE_LABELS
from containers.toolkit.images.volume import Geometry
from phantoms.back import haste
from phantoms.back.anatomy import SpineAnatomy, Variant, fit
from phantoms.back.files import Station, write_dicom_zip, write_nifti
from phantoms.back.haste import HasteProtocol, Preset
from phantoms.back.subjects import SpineSubject, draw_spine_subject
from phantoms.back.template import LEVEL_TOPS, LEVELS, S1_BOTTOM
from phantoms.back.truth import truth
from phantoms.shared.dixon import stored
from phantoms.shared.protocol import tilted
from phantoms.shared.subjects import Sex
from phantoms.shared.ukb_zip import Participant

SCHEMA_VERSION = "1.0"
SHARED_SLICES = 2
"""Slices that neighbouring stations both hold at least; one more where the division leaves a rest."""


VoxelEdge = Annotated[float, Field(ge=1, le=40)]


class Parameters(Strict):
    """Parameters of `nako_participant`.

    The NIfTI file is the composed volume: the mean where stations overlap.
    """

    preset: Preset = "small"
    """Size of a voxel and the field of view."""
    seed: int = Field(default=1, ge=0)
    """Start of the random draws of person and image."""
    sex: Sex | None = None
    """Sex of the person; None to draw it."""
    chronic_back_pain: bool | None = None
    """Whether the person has chronic back pain; None to draw it."""
    intermat_percent: float | None = Field(default=None, ge=0.5, le=25)
    """InterMAT of the four muscles, in %; None to draw it."""
    subject: dict[str, Any] = Field(default_factory=dict)
    """Fields of `SpineSubject` that take the place of drawn ones."""
    anatomy: Variant = "standard"
    """`standard`, or the held-out anatomy with other shapes, noise and field of view."""
    voxel_mm: tuple[VoxelEdge, VoxelEdge] | None = None
    """Edge in the plane and slice thickness in mm; None for those of the preset."""
    noise: float = Field(default=1.0, ge=0, le=10)
    """Factor on the noise of the protocol."""
    shading: float = Field(default=0.15, ge=0, le=0.5)
    """Relative amplitude of the coil's shading."""
    texture: float = Field(default=0.04, ge=0, le=0.3)
    """SD of the smooth relative variation of the labelled muscles' signal."""
    stations: int = Field(default=1, ge=1, le=4)
    """Table positions, which share two slices or three; 1 is the composed volume."""
    station_gain: float = Field(default=0.02, ge=0, le=0.2)
    """SD of a station's gain."""
    oblique_deg: float = Field(default=0.0, ge=-10, le=10)
    """Tilt of the slices about the left-right axis, in degrees."""
    random_file_order: bool = False
    """Whether the files in the zip are in random order."""
    truth_step_mm: float = Field(default=2.0, ge=0.7, le=4.0)
    """Step of the grid that the true volumes are integrated on, in mm."""


def subject_of(p: Parameters) -> SpineSubject:
    """The drawn subject with the overrides."""
    overrides = dict(p.subject)
    if p.intermat_percent is not None:
        overrides["intermat_percent"] = p.intermat_percent
    return draw_spine_subject(p.seed, p.sex, p.chronic_back_pain, **overrides)


def anatomy_of(p: Parameters) -> SpineAnatomy:
    """The anatomy that the parameters describe."""
    return fit(subject_of(p), p.seed, p.anatomy)


def truth_labels(parameters: dict[str, Any], geometry: Geometry) -> npt.NDArray[np.uint8]:
    """True labels (k, j, i) at the voxel centres of a grid in LPS mm."""
    return anatomy_of(Parameters.model_validate(parameters)).labels(geometry)


def level_slabs(subject: SpineSubject) -> list[dict[str, Any]]:
    """Name, lower and upper end of each spinal level in patient z, mm, as `SpineAnatomy.levels` has them; T1 first."""
    heights = np.array([*LEVEL_TOPS, S1_BOTTOM]) * subject.height_m / 1.70 + subject.shift_mm[2]
    ends = zip(LEVELS, heights[:-1], heights[1:], strict=True)
    return [{"name": name, "top_mm": round(float(t), 6), "bottom_mm": round(float(b), 6)} for name, t, b in ends]


def scan_of(p: Parameters) -> HasteProtocol:
    """The protocol that the parameters describe."""
    scan = haste.protocol(p.preset, p.anatomy)
    return haste.with_voxels(scan, *p.voxel_mm) if p.voxel_mm else scan


def composed_geometry(p: Parameters) -> Geometry:
    """Grid of all slices together."""
    return tilted(scan_of(p).geometry(), p.oblique_deg)


def _station_slices(slices: int, stations: int) -> list[slice]:
    """Slices of each table position, the most superior first."""
    count = -(-(slices + (stations - 1) * SHARED_SLICES) // stations)
    firsts = np.round(np.linspace(slices - count, 0, stations)).astype(int).tolist() if stations > 1 else [0]
    return [slice(first, min(first + count, slices)) for first in firsts]


def scan_stations(
    anatomy: SpineAnatomy, scan: HasteProtocol, grid: Geometry, p: Parameters, rng: np.random.Generator
) -> tuple[list[Station], npt.NDArray[np.uint16]]:
    """Each station's stored values, and the composed volume (k, j, i) on `grid`."""
    stations = []
    total = np.zeros(grid.shape, dtype=np.float32)
    count = np.zeros((grid.size[2], 1, 1), dtype=np.float32)
    for part in _station_slices(grid.size[2], p.stations):
        x, y, z = (float(v) for v in grid.position_mm([0, 0, part.start]))
        size = (grid.size[0], grid.size[1], part.stop - part.start)
        own = Geometry(size, grid.spacing_mm, (x, y, z), grid.directions)
        image = haste.acquire(anatomy, own, scan, rng, texture=p.texture, shading=p.shading, noise=p.noise)
        gain = np.float32(1 + (p.station_gain * rng.standard_normal() if p.stations > 1 else 0.0))
        values = stored(image * gain)
        stations.append(Station(values, own))
        total[part] += values
        count[part] += 1
    return stations, stored(total / count)


def make(parameters: dict[str, Any], folder: Path) -> None:
    """Fill `folder` with zip, NIfTI, the true spinal levels and `phantom.json`.

    Raises pydantic's ValidationError for wrong parameters.
    """
    p = Parameters.model_validate(parameters)
    subject = subject_of(p)
    anatomy = anatomy_of(p)
    scan, grid = scan_of(p), composed_geometry(p)
    stations, composed = scan_stations(anatomy, scan, grid, p, np.random.default_rng([p.seed, 24]))
    eid = f"{2000000 + p.seed}"
    who = Participant(eid, subject.sex, subject.height_m, subject.weight_kg, f"myorepro haste {p.model_dump_json()}")
    order = np.random.default_rng([p.seed, 25]) if p.random_file_order else None
    write_dicom_zip(folder / f"{eid}_haste.zip", stations, who, scan, order)
    write_nifti(folder / f"{eid}_haste.nii.gz", composed, grid)
    write_json(folder / "levels.json", {"schema_version": SCHEMA_VERSION, "levels": level_slabs(subject)})
    values, precision = truth(anatomy, p.truth_step_mm)
    write_json(
        folder / "phantom.json",
        {
            "schema_version": SCHEMA_VERSION,
            "name": "nako_participant",
            "parameters": p.model_dump(mode="json"),
            "subject": subject.model_dump(mode="json"),
            "files": {"haste_zip": f"{eid}_haste.zip", "haste_nifti": f"{eid}_haste.nii.gz", "levels": "levels.json"},
            "facts": {"height_m": subject.height_m, "weight_kg": subject.weight_kg, "sex": subject.sex},
            "truth": {k: float(f"{v:.7g}") for k, v in values.items()},
            "truth_precision": {k: float(f"{v:.3g}") for k, v in precision.items()},
            "labels": {str(value): label for value, label in SPINE_LABELS.items()},
        },
    )
