"""The input set `ukb_participant`: one phantom person as a field-20201 zip, with switches for oddities of real zips."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from containers.contract.files import write_json
from containers.contract.request import Strict
from containers.toolkit.images.labels import MUSCLES, THIGH_LABELS, label_of
from containers.toolkit.images.volume import Geometry
from phantoms.shared import dixon
from phantoms.shared.protocol import CONTRASTS, STATIONS, Preset, Protocol, moved, protocol, tilted
from phantoms.shared.subjects import Sex, Subject, draw_subject
from phantoms.shared.tissues import tissue_of
from phantoms.shared.ukb_zip import Format, Participant, Series, description, write_zip
from phantoms.thigh.anatomy import Anatomy, Variant, fit, truth

SCHEMA_VERSION = "1.0"
STATION_SECONDS = 24.0


class Parameters(Strict):
    """Parameters of `ukb_participant`. Stations are numbered from 0 (chest) to 5 (knee)."""

    preset: Preset = "small"
    """Size of a voxel and the field of view."""
    seed: int = Field(default=1, ge=0)
    """Start of the random draws of person and images."""
    sex: Sex | None = None
    """Sex of the person; None to draw it."""
    subject: dict[str, Any] = Field(default_factory=dict)
    """Fields of `Subject` that take the place of drawn ones."""
    anatomy: Variant = "standard"
    """`standard`, or the held-out anatomy with other shapes, noise and field of view."""
    reconstruction: dixon.Reconstruction = "two_point"
    """How water and fat are separated."""
    noise: float = Field(default=1.0, ge=0, le=10)
    """Factor on the noise of the protocol."""
    shading: float = Field(default=0.15, ge=0, le=0.5)
    """Relative amplitude of the coil's shading."""
    station_gain: float = Field(default=0.02, ge=0, le=0.2)
    """SD of a station's gain."""
    texture: float = Field(default=0.0, ge=0, le=0.9)
    """Relative amplitude of the texture of the muscles' fat fraction."""
    truth_step_mm: float = Field(default=3.0, ge=1.0, le=5.0)
    """Step of the grid that the true volumes are integrated on, in mm."""
    repeated_station: int | None = Field(default=None, ge=0, le=5)
    """Station that is scanned twice; the older one has motion and lies 0.4 mm off; None for none."""
    jittered_positions: bool = False
    """Whether stations are shifted against each other by parts of a voxel."""
    missing_slice: int | None = Field(default=None, ge=0, le=5)
    """Station whose middle slice is left out; None for none."""
    missing_station: int | None = Field(default=None, ge=0, le=5)
    """Station that is left out; None for none."""
    swapped_fat_water: Literal["none", "station", "left_leg"] = "none"
    """Whether fat and water of `swap_station` are exchanged, in all of it or in the left leg."""
    swap_station: int = Field(default=3, ge=0, le=5)
    """Station that `swapped_fat_water` is about."""
    motion_station: int | None = Field(default=None, ge=0, le=5)
    """Station with motion; None for none."""
    second_echo_in_series: bool = False
    """Whether both echoes of a station are in one series."""
    oblique_deg: float = Field(default=0.0, ge=-10, le=10)
    """Tilt of the stations in degrees, alternately the whole angle and half of it."""
    station_shift_mm: float = Field(default=0.0, ge=0, le=20)
    """How far the body moves to and fro between stations, in mm: a real misalignment."""
    random_file_order: bool = False
    """Whether the files in the zip are in random order."""
    feet_first: bool = False
    """Whether the person lies feet first and the knees are scanned first."""
    midnight: bool = False
    """Whether the session goes on past midnight, at the repeated station where there is one."""
    rescale: bool = False
    """Whether stored values have a slope and an intercept."""
    compressed: bool = False
    """Whether pixel data are compressed."""
    misspelled_manifest: bool = False
    """Whether the manifest has the misspelled name that real zips have."""


def subject_of(p: Parameters) -> Subject:
    """The drawn subject with the overrides of `subject`."""
    drawn = draw_subject(p.seed, p.sex).model_dump()
    overrides = dict(p.subject)
    drawn["pdff_percent"] |= overrides.pop("pdff_percent", {})
    return Subject.model_validate(drawn | overrides)


def _stations(p: Parameters, anatomy: Anatomy, scan: Protocol) -> list[Series]:
    """All series of the session in acquisition order."""
    rng = np.random.default_rng([p.seed, 4])
    # A repeat straddles midnight when both are asked for: the older ends before it, the newer begins after it.
    order = [s for s in (reversed(range(6)) if p.feet_first else range(6)) if s != p.missing_station]
    before = order.index(p.repeated_station) if p.repeated_station in order else 2
    start = 86400 - (before + 1) * STATION_SECONDS + 3.0 if p.midnight else 36000.0 + int(rng.integers(0, 20000))
    all_series: list[Series] = []
    turn = 0
    for station in order:
        geometry = scan.geometry(station)
        shift = rng.uniform(-0.45, 0.45, 3) * np.array(geometry.spacing_mm)
        if p.jittered_positions:
            geometry = moved(geometry, (float(shift[0]), float(shift[1]), float(shift[2])))
        if p.oblique_deg:
            geometry = tilted(geometry, p.oblique_deg if station % 2 else p.oblique_deg / 2)
        for again in range(2 if station == p.repeated_station else 1):
            older = station == p.repeated_station and again == 0
            written = moved(geometry, (0.3, -0.2, 0.4)) if older else geometry
            seen = moved(written, (p.station_shift_mm * (-1) ** station, 0.0, 0.0)) if p.station_shift_mm else written
            images = dixon.acquire(
                anatomy, seen, scan, rng, reconstruction=p.reconstruction, texture=p.texture, shading=p.shading,
                noise=p.noise, motion=0.6 if older or station == p.motion_station else 0.0,
            )  # fmt: skip
            factor = np.float32(1 + p.station_gain * rng.standard_normal())
            if p.swapped_fat_water != "none" and station == p.swap_station:
                where = slice(None) if p.swapped_fat_water == "station" else slice(scan.matrix // 2, None)
                water = images["water"].copy()
                images["water"][..., where] = images["fat"][..., where]
                images["fat"][..., where] = water[..., where]
            dropped = (scan.slices // 2,) if station == p.missing_slice else ()
            for n, contrast in enumerate(CONTRASTS):
                shared = "in_phase" if p.second_echo_in_series and contrast == "opposed_phase" else contrast
                all_series.append(
                    Series(
                        station, contrast, dixon.stored(images[contrast] * factor), written,
                        start + turn * STATION_SECONDS, 5 + 4 * turn + (0 if shared != contrast else n),
                        f"{station}-{again}-{shared}", description(station, shared), dropped,
                    )
                )  # fmt: skip
            turn += 1
    return all_series


def _signal_fractions(p: Parameters, anatomy: Anatomy, scan: Protocol, values: dict[str, float]) -> dict[str, float]:
    """Fat fraction of the noiseless images per muscle in %, for homogeneous tissue of the muscle's mean PDFF.

    With texture the mean of the images' fraction differs from it in second order of the texture's amplitude.
    """
    fractions = {}
    for name in MUSCLES:
        tissue = replace(tissue_of(label_of(name), anatomy.subject), fat=values[f"pdff_percent.{name}"] / 100)
        fractions[f"signal_ff_percent.{name}"] = dixon.signal_fat_fraction(tissue, scan, p.reconstruction)
    return fractions


def truth_labels(parameters: dict[str, Any], geometry: Geometry) -> npt.NDArray[np.uint8]:
    """True labels (k, j, i) at the voxel centres of a grid in LPS mm."""
    p = Parameters.model_validate(parameters)
    return fit(subject_of(p), p.seed, p.anatomy).labels(geometry)


def make(parameters: dict[str, Any], folder: Path) -> None:
    """Fill `folder` with the zip and `phantom.json`. Raises pydantic's ValidationError for wrong parameters."""
    p = Parameters.model_validate(parameters)
    subject = subject_of(p)
    anatomy = fit(subject, p.seed, p.anatomy)
    scan = protocol(p.preset, p.anatomy)
    eid = f"{1000000 + p.seed}"
    name = f"{eid}_20201_2_0.zip"
    form = Format(p.rescale, p.compressed, p.feet_first, p.random_file_order, p.misspelled_manifest)
    who = Participant(eid, subject.sex, subject.height_m, subject.weight_kg, f"myorepro phantom {p.model_dump_json()}")
    write_zip(folder / name, _stations(p, anatomy, scan), who, scan, form, np.random.default_rng([p.seed, 5]))
    values, precision = truth(anatomy, p.truth_step_mm, p.texture)
    values |= _signal_fractions(p, anatomy, scan, values)
    write_json(
        folder / "phantom.json",
        {
            "schema_version": SCHEMA_VERSION,
            "name": "ukb_participant",
            "parameters": p.model_dump(mode="json"),
            "subject": subject.model_dump(mode="json"),
            "files": {"dicom_zip": name},
            "facts": {"height_m": subject.height_m, "weight_kg": subject.weight_kg, "sex": subject.sex},
            "truth": {k: float(f"{v:.7g}") for k, v in values.items()},
            "truth_precision": {k: float(f"{v:.3g}") for k, v in precision.items()},
            "labels": {str(value): label for value, label in THIGH_LABELS.items()},
            "stations": list(STATIONS),
        },
    )
