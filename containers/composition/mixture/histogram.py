"""Distinct intensities and how often each occurs: all that a mixture in one dimension needs to know of an image.

The likelihood of independent voxels depends on the values only through this histogram, so for integer images, and for
float images with up to MAX_LEVELS distinct values, nothing is lost. More values than that are put into bins; each bin's
level is the mean of its voxels. The input is read in chunks: memory beyond it stays at a few MB.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault

Array = npt.NDArray[np.float64]

MAX_LEVELS = 65536
"""Distinct values up to which the histogram is exact: a full range of 16 bits."""
BINS_IN_RANGE = 4096
"""Bins between the 5th and 95th percentile where values are too many. A bin of width h takes at most h^2 / 12 off a
variance: a millionth of it for a component as narrow as a fiftieth of that range, a few times 1e-6 in the shares."""
VOXELS_PER_PARAMETER = 10
"""Fewest voxels per free parameter of the mixture: a choice, against fits of noise. Three components need 80."""
REGULARISATION = 1e-6
"""Most that is added to a variance, in squared image units: scikit-learn's default."""
RELATIVE = 1e-9
"""Most that is added to a variance, as a share of the image's: far below the square of the narrowest component."""
WHERE = "image inside the mask"
_CHUNK = 32768


@dataclass(frozen=True)
class Histogram:
    """Intensities with their counts."""

    levels: Array
    """Levels in ascending order, (L,), in image units."""
    counts: Array
    """Voxels at each level, (L,), as float64."""
    width: float = 0.0
    """Width of the bins in image units; 0 where levels are exact."""

    @cached_property
    def regularisation(self) -> float:
        """What is added to each variance in each step of a fit, in squared image units, so that none becomes 0.

        scikit-learn's reg_covar, 1e-6, where the image's standard deviation is over 32. It is absolute, though, and
        would weigh more the smaller the numbers of an image are: below, it is a billionth of the image's variance.
        """
        mean = np.average(self.levels, weights=self.counts)
        variance = float(np.average((self.levels - mean) ** 2, weights=self.counts))
        return min(REGULARISATION, RELATIVE * variance)


def read_histogram(values: npt.NDArray[np.generic], components: int, signed: bool = False) -> Histogram:
    """Histogram of `values` (n,). Raises ItemFault for values that no mixture of `components` can be fitted to.

    signed: negative values are data. Else they are refused: magnitude images have none, so they mean another quantity
    (phase, Hounsfield units, a normalised image) or a wrong rescale.
    """
    need = VOXELS_PER_PARAMETER * (3 * components - 1)
    if values.size < need:
        raise ItemFault(
            f"{values.size} voxels are too few for a mixture of {components} components ({need} or more)",
            where=WHERE,
            fix="give a larger mask or fewer components",
        )
    low, high, whole = _survey(values)
    if low < 0 and not signed:
        raise ItemFault(
            f"has negative intensities (down to {low:g}), which no magnitude image has",
            where=WHERE,
            fix="give the magnitude image with its own rescale slope and intercept",
        )
    if low == high:
        raise ItemFault(f"is constant ({low:g})", where=WHERE, fix="give the image that the mask belongs to")
    found = _of_integers(values, low, high) if whole and high - low < MAX_LEVELS else _of_floats(values, high - low)
    if len(found.levels) < components:
        raise ItemFault(
            f"has {len(found.levels)} distinct intensities, fewer than the {components} components",
            where=WHERE,
            fix="give the image before thresholding, or fewer components",
        )
    return found


def _chunks(values: npt.NDArray[np.generic]) -> Iterator[npt.NDArray[np.generic]]:
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))


def _survey(values: npt.NDArray[np.generic]) -> tuple[float, float, bool]:
    """Smallest and largest value, and whether all are whole numbers. Raises ItemFault for NaN and infinities."""
    if values.dtype.kind in "iu":
        return float(values.min()), float(values.max()), True
    low, high, whole = np.inf, -np.inf, True
    for chunk in _chunks(values):
        if not np.isfinite(chunk).all():
            raise ItemFault("holds NaN or infinite values", where=WHERE, fix="give a finite image")
        low, high = min(low, float(chunk.min())), max(high, float(chunk.max()))
        whole = whole and bool((np.rint(chunk) == chunk).all())
    return low, high, whole


def _of_integers(values: npt.NDArray[np.generic], low: float, high: float) -> Histogram:
    first = int(low)
    counts = np.zeros(int(high) - first + 1, dtype=np.int64)
    for chunk in _chunks(values):
        counts += np.bincount(chunk.astype(np.int64) - first, minlength=len(counts))
    there = np.flatnonzero(counts)
    return Histogram((there + first).astype(np.float64), counts[there].astype(np.float64))


def _of_floats(values: npt.NDArray[np.generic], reach: float) -> Histogram:
    levels, counts = np.empty(0), np.empty(0)
    for chunk in _chunks(values):
        levels, counts, _ = _merged(levels, counts, np.zeros(len(levels)), chunk.astype(np.float64), None)
        if len(levels) > MAX_LEVELS:
            return _binned(values, reach)
    return Histogram(levels, counts)


def _binned(values: npt.NDArray[np.generic], reach: float) -> Histogram:
    sample = values[:: max(1, len(values) // MAX_LEVELS)].astype(np.float64)
    low, high = np.percentile(sample, [5, 95])
    width = (float(high - low) or reach) / BINS_IN_RANGE
    bins, counts, sums = np.empty(0), np.empty(0), np.empty(0)
    for chunk in _chunks(values):
        x = chunk.astype(np.float64)
        bins, counts, sums = _merged(bins, counts, sums, np.floor(x / width), x)
    return Histogram(sums / counts, counts, width)


def _merged(keys: Array, counts: Array, sums: Array, new: Array, values: Array | None) -> tuple[Array, Array, Array]:
    """Keys, counts and sums of values per key, with those of one more chunk added."""
    found, place = np.unique(np.concatenate([keys, new]), return_inverse=True)
    number = np.concatenate([counts, np.ones(len(new))])
    total = np.concatenate([sums, np.zeros(len(new)) if values is None else values])
    return found, _added(place, number), _added(place, total)


def _added(place: npt.NDArray[np.intp], terms: Array) -> Array:
    return np.asarray(np.bincount(place, terms), dtype=np.float64)
