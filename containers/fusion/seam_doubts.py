"""Which seams are doubtful: stations that were shifted, scaled or moved against each other.

Thresholds, with their reason:
- a shift of a voxel or more: contours of the two stations do not meet, and what lies in the overlap is counted twice or
  not at all. Shifts of less are within what interpolation on a common grid blurs.
- gain outside 0.8 to 1.25: a volunteer's seven stations of the leg have 0.866 to 1.022 at five of six seams and 1.413
  at the sixth. Over a quarter, muscle of one station has the signal of mixed voxels of the other.
- correlation under 0.6: five of those seams have 0.83 to 0.97, the one where the images show different tissue 0.50.
"""

import itertools
from collections.abc import Mapping, Sequence

from containers.fusion.seams import Agreement
from containers.toolkit.images.doubts import Doubt

SHIFT_VOXELS = 1
GAIN = (0.8, 1.25)
CORRELATION = 0.6


def doubts_of(seams: Mapping[str, Sequence[Agreement]], numbers: Sequence[int]) -> list[Doubt]:
    """Doubts by kind, each with the seams that it is of. seams: by contrast; numbers: of the stations, from above."""
    pairs = [f"{upper}/{lower}" for upper, lower in itertools.pairwise(numbers)]
    shifts, gains, correlations = [], [], []
    for name, row in seams.items():
        contrast = name.removeprefix("contrast.")
        for pair, seam in zip(pairs, row, strict=True):
            moved = {axis: n for axis, n in seam.best_shift_voxels.items() if n is not None and abs(n) >= SHIFT_VOXELS}
            shifts += [f"{pair} by {abs(n)} along {axis}" for axis, n in moved.items()]
            if seam.gain is not None and not GAIN[0] <= seam.gain <= GAIN[1]:
                gains.append(f"{pair} {contrast} {seam.gain:.2f}")
            if seam.correlation is not None and seam.correlation < CORRELATION:
                correlations.append(f"{pair} {contrast} {seam.correlation:.2f}")
    found = []
    if shifts:
        found.append(Doubt(f"seam: stations are shifted by a voxel or more ({', '.join(shifts)})"))
    if gains:
        found.append(Doubt(f"seam: gain outside {GAIN[0]:g} to {GAIN[1]:g} ({', '.join(gains)})", of="signal"))
    if correlations:
        found.append(Doubt(f"seam: correlation under {CORRELATION:g} ({', '.join(correlations)})"))
    return found
