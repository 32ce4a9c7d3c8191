"""Fat fraction 100 F / (F + W) in percent: as a map, and per region.

Per region the default is the ratio of sums: water and fat are averaged first, which takes their noise away,
then corrected for the Rician mean, then divided. The mean of voxel ratios is given together with it, but it is
biased by noise (the ratio is not linear, and Liu et al., Magn Reson Med 58:354, 2007, show the bias of
magnitude fat fractions towards 50 %), and the median resists outliers of signed maps, whose ratio has no bounds.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.composition import noise
from containers.toolkit.images.volume import Geometry

Array = npt.NDArray[np.float64]


def fraction_map(
    water: npt.NDArray[np.generic], fat: npt.NDArray[np.generic], sigma: tuple[float, float]
) -> npt.NDArray[np.float32]:
    """Fat fraction in percent, float32 (k, j, i), of two images of that shape; 0 where F + W is 0.

    sigma: noise of water and of fat in image units, 0 for no correction. Signed maps give values outside 0..100.
    """
    percent = np.zeros(water.shape, np.float32)
    for k in range(len(percent)):
        w = noise.amplitude(water[k], sigma[0])
        f = noise.amplitude(fat[k], sigma[1])
        total = w + f
        percent[k] = np.divide(100.0 * f, total, out=np.zeros_like(total), where=total != 0)
    return percent


def inner_labels(
    labels: npt.NDArray[np.uint8], geometry: Geometry, erosion_voxels: int, erosion_mm: float
) -> npt.NDArray[np.uint8]:
    """Labels (k, j, i) with 0 wherever a voxel with another label is near.

    Near is within `erosion_voxels` steps of the grid (Euclidean, so that 1 means the six faces) or within
    `erosion_mm` from centre to centre. The edge of the image is not an edge of a structure. One pass serves all
    labels: each pair of voxels at one offset is compared once.
    """
    reach = [max(erosion_voxels, int(erosion_mm / step + 1e-9)) for step in geometry.spacing_mm]
    edge = np.zeros(labels.shape, bool)
    for i, j, k in itertools.product(*(range(-n, n + 1) for n in reach)):
        if (k, j, i) <= (0, 0, 0):
            continue
        distance_mm = float(np.linalg.norm(geometry.matrix() @ (i, j, k)))
        if i * i + j * j + k * k > erosion_voxels**2 and distance_mm > erosion_mm + 1e-9:
            continue
        near = tuple(slice(max(0, -s), max(0, n - max(0, s))) for s, n in zip((k, j, i), labels.shape, strict=True))
        far = tuple(slice(max(0, s), max(0, n - max(0, -s))) for s, n in zip((k, j, i), labels.shape, strict=True))
        differ = labels[near] != labels[far]
        edge[near] |= differ
        edge[far] |= differ
    return np.where(edge, np.uint8(0), labels)


@dataclass(frozen=True)
class Region:
    """Fat fraction of a region by three statistics."""

    voxels: float
    """Number of voxels that count; not whole where a bound cuts voxels."""
    ratio_of_sums: float | None
    """Sum of fat over sum of fat and water, in %; None where undefined."""
    mean: float | None
    """Mean of the voxels' fat fractions, in %; None where undefined."""
    median: float | None
    """Median of the voxels' fat fractions, in %; None where undefined."""


def region_of(
    water: Array, fat: Array, percent: Array, sigma: tuple[float, float], part: Array | None = None
) -> Region:
    """Fat fraction of voxels by the three statistics; all arrays (n,), `percent` and `sigma` as in `fraction_map`.

    part: how much of each voxel counts (0 to 1, none of it 0), where a bound cuts voxels; None for whole voxels. The
    median of parts is the least value that half of them do not exceed.
    """
    if len(water) == 0:
        return Region(0, None, None, None)
    w = float(noise.amplitude(np.average(water, weights=part), sigma[0]))
    f = float(noise.amplitude(np.average(fat, weights=part), sigma[1]))
    # A voxel without signal has no fat fraction: its 0 in the map is a filler, not a measurement.
    there = np.asarray(noise.amplitude(water, sigma[0]) + noise.amplitude(fat, sigma[1]) != 0)
    percent = percent[there]
    weights = None if part is None else part[there]
    return Region(
        len(water) if part is None else float(part.sum()),
        100.0 * f / (f + w) if f + w != 0 else None,
        float(np.average(percent, weights=weights)) if len(percent) else None,
        _median(percent, weights) if len(percent) else None,
    )


def _median(values: Array, weights: Array | None) -> float:
    if weights is None:
        return float(np.median(values))
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(below, below[-1] / 2)])


class RegionReader:
    """Water, fat and fat fraction at the labelled voxels only, grouped by label, so that regions are cheap to read."""

    def __init__(
        self,
        labels: npt.NDArray[np.uint8],
        water: npt.NDArray[np.generic],
        fat: npt.NDArray[np.generic],
        percent: npt.NDArray[np.float32],
        sigma: tuple[float, float],
    ) -> None:
        """All arrays (k, j, i) on one grid; `percent` is their `fraction_map`; `sigma` as there."""
        place = np.flatnonzero(labels)
        self.place = place[np.argsort(labels.reshape(-1)[place], kind="stable")]
        self._bounds = np.searchsorted(labels.reshape(-1)[self.place], np.arange(257))
        self._water = water.reshape(-1)[self.place].astype(np.float64)
        self._fat = fat.reshape(-1)[self.place].astype(np.float64)
        self._percent = percent.reshape(-1)[self.place].astype(np.float64)
        self._sigma = sigma

    def places(self, label: int) -> npt.NDArray[np.intp]:
        """Flat indices of the voxels with `label`."""
        return self.place[self._bounds[label] : self._bounds[label + 1]]

    def read(self, label: int, chosen: npt.NDArray[np.bool_] | None = None) -> Region:
        """Fat fraction of a label, or of those of its voxels (in the order of `places`) that are chosen."""
        part = slice(self._bounds[label], self._bounds[label + 1])
        water, fat, percent = self._water[part], self._fat[part], self._percent[part]
        if chosen is not None:
            water, fat, percent = water[chosen], fat[chosen], percent[chosen]
        return region_of(water, fat, percent, self._sigma)
