"""The acquisition: stations and their grids, echo times, noise. Presets `full` (ukb_thigh Methods), `small`, held-out.

Stations are numbered from 0 (chest) to 5 (thigh to knee). Positions refer to the hip joint's height at z = 0.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from containers.toolkit.images.volume import Geometry

Preset = Literal["small", "full"]
STATIONS = ("chest", "abdomen", "pelvis", "hip", "mid_thigh", "knee")
CONTRASTS = ("in_phase", "opposed_phase", "fat", "water")


@dataclass(frozen=True)
class Protocol:
    """The acquisition of the thighs."""

    matrix: int
    """Voxels along x and along y."""
    pixel_mm: float
    """Edge of a voxel in the plane, in mm."""
    slices: int
    """Slices of a station."""
    slice_mm: float
    """Thickness of a slice, in mm; slices have no gaps."""
    overlap: int
    """Slices that neighbouring stations share."""
    bottom_mm: float
    """Height z of the lower face of the lowest slice, in mm."""
    sub_samples: tuple[int, int, int]
    """Points along x, y and z that a voxel is sampled at."""
    tr_ms: float = 6.53
    """Repetition time in ms."""
    te_opposed_ms: float = 2.39
    """Echo time at which fat opposes water, in ms."""
    te_in_ms: float = 4.77
    """Echo time at which fat and water are in phase, in ms."""
    flip_deg: float = 10.0
    """Flip angle in degrees."""
    field_tesla: float = 1.5
    """Field strength in T."""
    noise_sigma: float = 5.0
    """Standard deviation of the noise in each echo, in stored values."""
    muscle_level: float = 200.0
    """Stored value of muscle of water only, without T2* decay."""

    def geometry(self, station: int) -> Geometry:
        """Grid of a station, slices from inferior to superior, centred on x = y = 0."""
        first = (len(STATIONS) - 1 - station) * (self.slices - self.overlap)
        corner = -(self.matrix - 1) / 2 * self.pixel_mm
        return Geometry(
            size=(self.matrix, self.matrix, self.slices),
            spacing_mm=(self.pixel_mm, self.pixel_mm, self.slice_mm),
            origin_mm=(corner, corner, self.bottom_mm + (first + 0.5) * self.slice_mm),
        )


FULL = Protocol(224, 2.0, 60, 3.0, 8, -520.0, (2, 2, 2))
"""Six stations of 60 slices, 8 shared by neighbours: 320 contiguous slices of 3 mm, 448 mm field of view."""
SMALL = Protocol(64, 7.0, 18, 10.0, 2, -526.0, (3, 3, 4))
"""98 contiguous slices of 10 mm over the same field of view."""


def protocol(preset: Preset, anatomy: str) -> Protocol:
    """The preset's protocol; the held-out anatomy is seen with another field of view, slice thickness and noise."""
    chosen = FULL if preset == "full" else SMALL
    if anatomy != "held_out":
        return chosen
    return replace(chosen, pixel_mm=chosen.pixel_mm * 1.08, noise_sigma=1.7 * chosen.noise_sigma, muscle_level=170.0)


def tilted(geometry: Geometry, degrees: float) -> Geometry:
    """The grid turned about the x axis through its own centre (positive: anterior rows towards Superior)."""
    c, s = float(np.cos(np.deg2rad(degrees))), float(np.sin(np.deg2rad(degrees)))
    directions = ((1.0, 0.0, 0.0), (0.0, c, -s), (0.0, s, c))
    turned = replace(geometry, directions=directions)
    middle = (np.array(geometry.size) - 1) / 2
    shift = geometry.position_mm(middle) - turned.position_mm(middle)
    return moved(turned, (float(shift[0]), float(shift[1]), float(shift[2])))


def moved(geometry: Geometry, shift_mm: tuple[float, float, float]) -> Geometry:
    """The grid moved in LPS by `shift_mm`: the same body is seen from another table position."""
    x, y, z = (o + s for o, s in zip(geometry.origin_mm, shift_mm, strict=True))
    return replace(geometry, origin_mm=(x, y, z))
