"""Expectation-maximisation on a histogram (Dempster, Laird and Rubin 1977, JRSS B 39:1).

The steps are those of voxel-wise EM with each level counted as often as it occurs. Likelihood, path and stopping rule
are scikit-learn's: the mean log-likelihood per voxel changes by less than the tolerance. Posteriors come from
logarithms with the largest subtracted, so that no level is too far from every component.
"""

from dataclasses import dataclass

import numpy as np

from containers.composition.mixture.histogram import Array, Histogram
from containers.composition.mixture.start import Parameters

_NO_EMPTY = 10 * np.finfo(np.float64).eps
"""Added to the voxels of each component, as scikit-learn does: a component without voxels keeps finite parameters."""


@dataclass(frozen=True)
class Convergence:
    """How far a fit is from a maximum of the likelihood, from three further EM steps.

    Near a maximum `weights_to_go` is right to some percent, far from it too small.
    """

    change: float
    """Change of the mean log-likelihood in one step."""
    residual: float
    """Largest change of a parameter in one step: weights as they are, means and standard deviations over the standard
    deviation of the image."""
    rate: float | None
    """Factor by which the change of the weights shrinks from step to step; None where they do not change."""
    weights_to_go: float | None
    """What the weights still move by if it goes on at that rate, the largest of them; None where they do not shrink."""


def log_densities(levels: Array, parameters: Parameters) -> Array:
    """Logarithm of weight times normal density: (K, L) for K components and levels (L,)."""
    weights, means, variances = (p[:, None] for p in parameters)
    constant = np.log(weights) - 0.5 * np.log(2 * np.pi * variances)
    return np.asarray(constant - (levels - means) ** 2 / (2 * variances))


def posteriors(levels: Array, parameters: Parameters) -> tuple[Array, Array]:
    """Posterior probabilities (K, L), and the log-likelihood of each level (L,)."""
    log = log_densities(levels, parameters)
    top = log.max(axis=0)
    share = np.exp(log - top)
    total = share.sum(axis=0)
    share /= total
    return share, top + np.log(total)


def step(histogram: Histogram, parameters: Parameters) -> tuple[Parameters, float]:
    """The next parameters, and the mean log-likelihood per voxel of those given."""
    share, log = posteriors(histogram.levels, parameters)
    likelihood = float((log * histogram.counts).sum() / histogram.counts.sum())
    share *= histogram.counts
    n = share.sum(axis=1) + _NO_EMPTY
    means = (share * histogram.levels).sum(axis=1) / n
    variances = (share * (histogram.levels - means[:, None]) ** 2).sum(axis=1) / n + histogram.regularisation
    return (n / n.sum(), means, variances), likelihood


def fit(
    histogram: Histogram, parameters: Parameters, tolerance: float, max_iterations: int
) -> tuple[Parameters, tuple[float, ...], bool]:
    """Parameters after the last step, the mean log-likelihood before each step, and whether the tolerance was met."""
    history: list[float] = []
    while len(history) < max_iterations:
        parameters, likelihood = step(histogram, parameters)
        history.append(likelihood)
        if len(history) > 1 and abs(history[-1] - history[-2]) < tolerance:
            return parameters, tuple(history), True
    return parameters, tuple(history), False


def convergence(histogram: Histogram, parameters: Parameters) -> Convergence:
    """How far `parameters` are from a maximum. The histogram is not constant."""
    first, before = step(histogram, parameters)
    second, after = step(histogram, first)
    mean = np.average(histogram.levels, weights=histogram.counts)
    scale = float(np.sqrt(np.average((histogram.levels - mean) ** 2, weights=histogram.counts)))
    moved = [
        np.abs(first[0] - parameters[0]),
        np.abs(first[1] - parameters[1]) / scale,
        np.abs(np.sqrt(first[2]) - np.sqrt(parameters[2])) / scale,
    ]
    one, two = float(moved[0].max()), float(np.abs(second[0] - first[0]).max())
    shrinks = two < one
    return Convergence(
        change=after - before,
        residual=float(np.max(moved)),
        rate=two / one if one > 0 else None,
        weights_to_go=one / (1 - two / one) if shrinks else 0.0 if one == 0 else None,
    )
