"""Signal of pure adipose tissue in an image: that of the subcutaneous fat behind the labelled muscles.

InterMAT lies in streaks thinner than a slice, so that hardly a voxel of the muscle mask is all fat: the brightest
component of a mixture there is itself a mixture, and no reference for fat. Subcutaneous fat is the same tissue, nearly
as far from the coils, and thick enough to have whole voxels of it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.toolkit.images.volume import Geometry

REACH_MM = 40.0
"""How far behind the hindmost labelled voxel of a column the tissue is read."""
MIN_VOXELS = 200
"""Fewest bright voxels behind the muscles that a signal is read from."""
BINS = 256
"""Bins of the histogram that parts dark from bright."""
EQUAL = 1e-6
"""Difference of two ranges, as a share of the signal, that is rounding: single precision keeps 6e-8."""
STOP = 50
"""Sample size at which the half-sample mode ends: its mean is taken."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Adipose:
    """The signal of adipose tissue, read behind the muscles."""

    signal: float | None
    """The signal in image units; None where it cannot be read."""
    voxels: int
    """Voxels that are bright behind the muscles."""
    reason: str = ""
    """Why it cannot be read; empty where it can."""


def adipose_signal(
    image: npt.NDArray[np.generic], labelled: npt.NDArray[np.bool_], geometry: Geometry, muscle: tuple[float, float]
) -> Adipose:
    """The mode of the bright voxels behind the muscles.

    image, labelled: (k, j, i), axial slices. muscle: mean and standard deviation of muscle, image units. Dark (fascia,
    other muscle, air) and bright are parted by Otsu's threshold (IEEE Trans SMC 9:62, 1979). The mode is the half-
    sample mode (Robertson and Cryer, J Am Stat Assoc 69:1012, 1974), which partial volume with the skin does not move.
    """
    values = np.sort(image[_behind(labelled, geometry)].astype(np.float64))
    if len(values) < MIN_VOXELS or values[0] == values[-1]:
        return Adipose(None, len(values), "the image ends behind the muscles")
    bright = values[values > _otsu(values)]
    if len(bright) < MIN_VOXELS:
        return Adipose(None, len(bright), f"fewer than {MIN_VOXELS} bright voxels lie behind the muscles")
    signal = _half_sample_mode(bright)
    mean, sd = muscle
    if signal < mean + 3 * sd:
        return Adipose(None, len(bright), "no tissue behind the muscles is brighter than muscle, as fat is")
    return Adipose(signal, len(bright))


def _behind(labelled: npt.NDArray[np.bool_], geometry: Geometry) -> npt.NDArray[np.bool_]:
    """Voxels within REACH_MM posterior of the hindmost labelled voxel of their column (k, :, i)."""
    step = float(geometry.matrix()[1, 1])
    mask = labelled if step > 0 else labelled[:, ::-1]
    last = mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1)
    beyond = np.arange(mask.shape[1])[None, :, None] - last[:, None, :]
    columns = np.asarray(mask.any(axis=1))
    behind = columns[:, None, :] & (beyond > 0) & (beyond <= REACH_MM / abs(step))
    return np.asarray(behind if step > 0 else behind[:, ::-1])


def _otsu(values: Array) -> float:
    """The threshold with the largest variance between the classes below and above it."""
    counts, edges = np.histogram(values, BINS)
    centres = (edges[1:] + edges[:-1]) / 2
    below, first = np.cumsum(counts)[:-1], np.cumsum(counts * centres)
    total = len(values)
    between = (first[-1] * below / total - first[:-1]) ** 2 / np.maximum(below * (total - below), 1)
    return float(edges[1:-1][between.argmax()])


def _half_sample_mode(values: Array) -> float:
    """Half of the sorted sample with the smallest range, again and again; the mean of the last STOP values or fewer."""
    while len(values) > STOP:
        half = (len(values) + 1) // 2
        width = values[half - 1 :] - values[: len(values) - half + 1]
        # The first of several equal ones, which whole numbers have many of, at every scale: rounding parts none.
        first = int((width <= width.min() + EQUAL * abs(values[-1])).argmax())
        values = values[first : first + half]
    return float(values.mean())
