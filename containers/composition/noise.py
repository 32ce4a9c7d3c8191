"""Rician noise of magnitude images: estimate of sigma from air, and inversion of the mean.

A magnitude M of amplitude A with Gaussian noise sigma in both channels has the Rician mean
    E[M] = sigma sqrt(pi/2) [(1 + t/2) I0(t/4) + (t/2) I1(t/4)] exp(-t/4),   t = (A / sigma)^2
(Gudbjartsson and Patz, Magn Reson Med 34:910, 1995; Koay and Basser, J Magn Reson 179:317, 2006). It exceeds A,
most where A is small: the fat of lean muscle, so fat fraction is biased upwards.
Here the mean is inverted, not the second moment M^2 - 2 sigma^2: fusion and resampling average neighbouring
voxels, which keeps means of signal and of air (E = sigma sqrt(pi/2)) as they are but shrinks second moments.
"""

import numpy as np
import numpy.typing as npt
from scipy.special import i0e, i1e

RAYLEIGH_MEAN = float(np.sqrt(np.pi / 2))
"""Mean of a magnitude without signal, in units of sigma."""

MAX_AIR_VARIATION = 0.75
"""Coefficient of variation above which a corner is not air: pure noise has 0.523, averaged noise less."""

MIN_AIR_VOXELS = 100
CORNER_FRACTION = 16
CORNER_RATIO = 1.25
_T_MAX = 400.0


def rician_mean(t: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """E[M] / sigma at t = (A / sigma)^2, elementwise."""
    quarter = np.asarray(t, dtype=np.float64) / 4
    mean: npt.NDArray[np.float64] = RAYLEIGH_MEAN * ((1 + 2 * quarter) * i0e(quarter) + 2 * quarter * i1e(quarter))
    return mean


# Dense near t = 0, where amplitude is the square root of t; linear interpolation of t over E[M] is within
# 2e-5 sigma in amplitude (tested).
_T = np.linspace(0.0, np.sqrt(_T_MAX), 20001) ** 2
_MEAN = rician_mean(_T)


def amplitude(mean: npt.ArrayLike, sigma: float) -> npt.NDArray[np.float64]:
    """The amplitude A whose Rician mean is `mean` (image units, elementwise); 0 where `mean` is at or under the floor.

    Above t = 400 the expansion E[M] = A + sigma^2 / (2 A) is exact to 4e-5 sigma and is solved for A.
    """
    value = np.asarray(mean, dtype=np.float64)
    if sigma == 0:
        return value.copy()
    scaled = value / sigma
    low = np.sqrt(np.interp(scaled, _MEAN, _T))
    high = (scaled + np.sqrt(np.maximum(scaled**2 - 2, 0))) / 2
    return np.where(scaled < _MEAN[-1], low, high) * sigma


def background_sigma(data: npt.NDArray[np.generic]) -> tuple[float | None, str]:
    """Sigma from the four in-plane corner columns (a sixteenth of the width and height each, over all slices).

    data: magnitude (k, j, i). Rows and columns of a corner that are zero throughout are left out: they are padding or
    masked air. Single zeros are noise that integers round down, and count. Corners much brighter than
    the lowest are left out: they hold ghosts or an arm. Returns (sigma, "") or (None, reason).
    """
    _, size_j, size_i = data.shape
    j, i = max(2, size_j // CORNER_FRACTION), max(2, size_i // CORNER_FRACTION)
    means = []
    for rows in (slice(0, j), slice(-j, None)):
        for columns in (slice(0, i), slice(-i, None)):
            corner = data[:, rows, columns].astype(np.float64)
            corner = corner[corner.any(axis=2, keepdims=True) & corner.any(axis=1, keepdims=True)]
            if corner.size >= MIN_AIR_VOXELS and corner.std() <= MAX_AIR_VARIATION * corner.mean():
                means.append(float(corner.mean()))
    if not means:
        return None, "no corner of the image is air with noise (masked, cropped or too small)"
    alike = [mean for mean in means if mean <= CORNER_RATIO * min(means)]
    return sum(alike) / len(alike) / RAYLEIGH_MEAN, ""
