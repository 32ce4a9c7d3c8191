"""Whether water and fat are exchanged, and whether labels lie in a body: labels against images, slice by slice.

Subcutaneous tissue is nearly all fat in everyone, and muscle is mostly water in most. Muscle that is mostly fat says
nothing by itself (it may be a wasted one), and with a rim under the skin that is mostly water it says that the two
images are exchanged there: reconstructions exchange them by station or by leg.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from containers.toolkit.images.doubts import Doubt
from containers.toolkit.images.volume import Geometry

Array = npt.NDArray[np.generic]
Mask = npt.NDArray[np.bool_]

HALF = 0.5
"""Fat over fat and water: over it tissue is mostly fat."""
AIR = 0.25
"""Signal under this share of the labelled tissue's median is air, or bone."""
SKIN_MM, RIM_MM = 3.0, 12.0
"""Depths between which the tissue under the skin is read: skin itself is thin and wet."""
SLICES = 40
"""Most slices that are looked at, evenly apart."""
MIN_VOXELS = 30
"""Fewest voxels of muscle, and of the rim, by which a slice is judged."""
MANY = 0.05
"""Share of labelled voxels in air over which it is said."""


@dataclass(frozen=True)
class Slice:
    """What one slice says."""

    z_mm: float
    """Height of its middle (LPS)."""
    muscle: float
    """Fat over fat and water in the labelled muscle, 0 to 1."""
    rim: float | None
    """The same under the skin; None where the image shows too little of it."""


def look(muscle: Mask, water: Array, fat: Array, geometry: Geometry) -> list[Slice]:
    """Read up to SLICES slices that have muscle. muscle: labelled muscle (k, j, i), as water and fat."""
    there = np.flatnonzero(muscle.any(axis=(1, 2)))
    chosen = there[np.unique(np.linspace(0, len(there) - 1, min(SLICES, len(there))).astype(int))] if len(there) else []
    spacing = geometry.spacing_mm[1::-1]
    found = []
    for k in chosen:
        w, f = np.abs(np.asarray(water[k], np.float64)), np.abs(np.asarray(fat[k], np.float64))
        total, inside = w + f, muscle[k]
        if inside.sum() < MIN_VOXELS or total[inside].sum() == 0:
            continue
        body = ndimage.binary_fill_holes(total > AIR * np.median(total[inside]))
        # Where the image ends inside of the body no skin is seen.
        depth = ndimage.distance_transform_edt(body, sampling=spacing)
        rim = (depth > SKIN_MM) & (depth <= RIM_MM) & ~inside
        enough = rim.sum() >= MIN_VOXELS and total[rim].sum() > 0
        middle = geometry.position_mm([geometry.size[0] / 2, geometry.size[1] / 2, float(k)])
        found.append(
            Slice(
                float(middle[2]),
                float(f[inside].sum() / total[inside].sum()),
                float(f[rim].sum() / total[rim].sum()) if enough else None,
            )
        )
    return found


def exchanged(slices: list[Slice]) -> Doubt | None:
    """The doubt of slices in which muscle is mostly fat and the tissue under the skin is not; None without any."""
    wrong = [one for one in slices if one.muscle > HALF and (one.rim is None or one.rim < HALF)]
    if not wrong:
        return None
    muscle = 100 * sum(one.muscle for one in wrong) / len(wrong)
    rims = [one.rim for one in wrong if one.rim is not None]
    if rims:
        said, rim = "look exchanged", f"the tissue under the skin {100 * sum(rims) / len(rims):.0f} %"
    else:
        said, rim = "may be exchanged", "and no tissue under the skin is seen that could tell"
    low, high = min(one.z_mm for one in wrong), max(one.z_mm for one in wrong)
    return Doubt(
        f"water and fat {said} in {len(wrong)} of {len(slices)} slices looked at"
        f" (z {low:.0f} to {high:.0f} mm): muscle is {muscle:.0f} % fat, {rim}",
        of="signal",
    )


def outside_body(signal: npt.NDArray[np.generic]) -> Doubt | None:
    """The doubt of labels of which a part lies where there is no signal; None where hardly any does.

    signal: magnitude of each labelled voxel of muscle (n,).
    """
    values = np.abs(signal.astype(np.float64))
    share = float((values < AIR * np.median(values)).mean()) if len(values) else 0.0
    if share <= MANY:
        return None
    return Doubt(f"{100 * share:.0f} % of the labelled voxels of muscle lie where the image has no signal")
