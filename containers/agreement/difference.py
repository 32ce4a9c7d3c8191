"""Differences of two volumes on one grid, slice by slice in double precision."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Difference:
    """measured - reference over all voxels, in image units."""

    voxels: int
    """Number of voxels that were compared."""
    bias: float
    """Mean difference."""
    rms: float
    """Root of the mean squared difference."""
    max_abs: float
    """Largest absolute difference."""
    correlation: float | None
    """Pearson's correlation; None where one of the volumes is constant."""
    within_tolerance: float
    """Share of the voxels whose difference is within the tolerance."""


def compare(
    measured: npt.NDArray[np.generic], reference: npt.NDArray[np.generic], tolerance: float, relative_tolerance: float
) -> Difference:
    """Compare two finite volumes (k, j, i) of one shape.

    A voxel is within tolerance when |measured - reference| <= tolerance + relative_tolerance * range of the
    reference. Moments are taken about the means in a second pass, so that large offsets cost no digits.
    """
    count = measured.size
    low, high = float(reference.min()), float(reference.max())
    limit = tolerance + relative_tolerance * (high - low)
    total_m = total_r = squares = largest = 0.0
    within = 0
    for page, true_page in zip(measured, reference, strict=True):
        m, r = page.astype(np.float64), true_page.astype(np.float64)
        gap = m - r
        total_m += float(m.sum())
        total_r += float(r.sum())
        squares += float(np.square(gap).sum())
        largest = max(largest, float(np.abs(gap).max()))
        within += int(np.count_nonzero(np.abs(gap) <= limit))
    mean_m, mean_r = total_m / count, total_r / count
    moments = np.zeros(3)
    for page, true_page in zip(measured, reference, strict=True):
        m, r = page.astype(np.float64) - mean_m, true_page.astype(np.float64) - mean_r
        moments += np.square(m).sum(), np.square(r).sum(), (m * r).sum()
    constant = low == high or measured.min() == measured.max()
    return Difference(
        count,
        mean_m - mean_r,
        float(np.sqrt(squares / count)),
        largest,
        None if constant else float(np.clip(moments[2] / np.sqrt(moments[0] * moments[1]), -1.0, 1.0)),
        within / count,
    )
