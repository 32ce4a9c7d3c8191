"""Spinal levels: slabs between axial planes, from the input `levels`, and the part of each voxel in each slab.

A slice is often a fifth of a level thick, so a voxel is not given to the level of its centre but shared: its extent
along z is that of its slice. Frame: LPS in mm.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError

from containers.contract.errors import ItemFault
from containers.contract.request import Strict, first_error
from containers.toolkit.images.volume import Geometry

Array = npt.NDArray[np.float64]


class Level(Strict):
    """A vertebral level between two heights."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9]*$")
    """Name of the level, as it stands in the metrics."""
    top_mm: float = Field(allow_inf_nan=False)
    """Upper end as z in mm (LPS); it lies above `bottom_mm`."""
    bottom_mm: float = Field(allow_inf_nan=False)
    """Lower end as z in mm (LPS)."""


class Levels(Strict):
    """The file of the input `levels`."""

    schema_version: str
    """Version of the file's form."""
    levels: list[Level] = Field(default_factory=list)
    """The levels; without any, nothing is measured by level."""


def read_levels(path: Path) -> list[Level]:
    """Read and check the levels. Raises ItemFault for no JSON of that form, a level upside down or named twice."""
    try:
        levels = Levels.model_validate_json(path.read_bytes()).levels
    except ValidationError as error:
        fix = 'give {"schema_version": "1.0", "levels": [{"name": "L1", "top_mm": 1.0, "bottom_mm": 0.0}]}'
        raise ItemFault(f"is not a list of levels: {first_error(error)}", where=path.name, fix=fix) from error
    names = [level.name for level in levels]
    for level in levels:
        if level.bottom_mm >= level.top_mm:
            fix = "give z in mm to superior (LPS)"
            raise ItemFault(f"has {level.name} with its bottom above its top", where=path.name, fix=fix)
        if names.count(level.name) > 1:
            raise ItemFault(f"names {level.name} twice", where=path.name, fix="give every level once")
    return levels


@dataclass(frozen=True)
class Slabs:
    """Where voxels lie along z."""

    z_mm: Array
    """Height z (LPS) of each voxel's centre, in mm, one per voxel."""
    half_mm: float
    """Half of a voxel's extent along z, in mm."""

    def part(self, level: Level) -> Array:
        """Part (0 to 1) of each voxel that lies in the level."""
        low, high = self.z_mm - self.half_mm, self.z_mm + self.half_mm
        inside = np.minimum(high, level.top_mm) - np.maximum(low, level.bottom_mm)
        return np.asarray(np.clip(inside / (2 * self.half_mm), 0.0, 1.0))


def slabs_of(geometry: Geometry, places: npt.NDArray[np.intp]) -> Slabs:
    """The slabs of voxels with flat indices `places` into an array (k, j, i) on `geometry`."""
    k, j, i = np.unravel_index(places, geometry.shape)
    along = geometry.matrix()[2]
    z = geometry.origin_mm[2] + along[0] * i + along[1] * j + along[2] * k
    return Slabs(np.asarray(z, np.float64), abs(float(along[2])) / 2)
