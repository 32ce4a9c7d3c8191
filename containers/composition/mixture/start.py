"""Where EM starts: the levels are cut into groups, whose weights, means and variances are the first parameters.

`kmeans` is the exact optimum of k-means in one dimension, so it needs no seed. Its groups are intervals of the sorted
levels and the last cut moves up with the end of the range, so that dynamic programming with divide and conquer finds it
in K L log L steps (Wang and Song 2011, R Journal 3(2):29; Gronlund et al. 2017, arXiv:1701.07204).
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from containers.composition.mixture.histogram import Array, Histogram

Initialisation = Literal["kmeans", "quantiles", "random"]

Parameters = tuple[Array, Array, Array]
"""Weights, means and variances, each (K,)."""


def start(histogram: Histogram, components: int, initialisation: Initialisation, seed: int) -> Parameters:
    """First parameters. quantiles: groups of equal size. random: `components` voxels of different intensity, drawn by
    `seed`, each with the levels nearest to it. The histogram has at least `components` levels."""
    if initialisation == "kmeans":
        cuts = kmeans_cuts(histogram, components)
    elif initialisation == "quantiles":
        cuts = _quantile_cuts(histogram, components)
    else:
        cuts = _random_cuts(histogram, components, seed)
    return _parameters(histogram, cuts)


def _parameters(histogram: Histogram, cuts: npt.NDArray[np.intp]) -> Parameters:
    n = np.add.reduceat(histogram.counts, cuts)
    means = np.add.reduceat(histogram.counts * histogram.levels, cuts) / n
    apart = histogram.levels - np.repeat(means, np.diff(np.append(cuts, len(histogram.levels))))
    variances = np.add.reduceat(histogram.counts * apart**2, cuts) / n + histogram.regularisation
    return n / n.sum(), means, variances


def _quantile_cuts(histogram: Histogram, components: int) -> npt.NDArray[np.intp]:
    below = np.cumsum(histogram.counts)
    cuts = np.searchsorted(below, below[-1] * np.arange(components) / components)
    last = len(histogram.levels) - components + np.arange(components)
    for k in range(1, components):
        cuts[k] = max(cuts[k], cuts[k - 1] + 1)
    return np.asarray(np.minimum(cuts, last), dtype=np.intp)


def _random_cuts(histogram: Histogram, components: int, seed: int) -> npt.NDArray[np.intp]:
    share = histogram.counts / histogram.counts.sum()
    drawn = np.random.default_rng(seed).choice(len(share), components, replace=False, p=share)
    centres = histogram.levels[np.sort(drawn)]
    return np.append(0, np.searchsorted(histogram.levels, (centres[1:] + centres[:-1]) / 2, side="right"))


def kmeans_cuts(histogram: Histogram, components: int) -> npt.NDArray[np.intp]:
    """Index of the first level of each group (K,), for the smallest sum of squared distances from the group means."""
    x, c = histogram.levels - np.average(histogram.levels, weights=histogram.counts), histogram.counts
    sums = np.stack([np.append(0.0, np.cumsum(term)) for term in (c, c * x, c * x * x)])
    best = np.append(0.0, sums[2, 1:] - sums[1, 1:] ** 2 / sums[0, 1:])
    choices = []
    for group in range(2, components + 1):
        best, choice = _next_group(best, sums, group)
        choices.append(choice)
    cuts = [len(x)]
    for choice in reversed(choices):
        cuts.append(int(choice[cuts[-1]]))
    return np.array([0, *reversed(cuts[1:])], dtype=np.intp)


def _next_group(best: Array, sums: Array, group: int) -> tuple[Array, npt.NDArray[np.intp]]:
    """Cost of the first j levels in `group` groups, and where the last of them starts, for every j (L + 1,).

    best: the cost with one group less. All ranges of one depth of the recursion are done at once.
    """
    size = len(best)
    cost, choice = np.full(size, np.inf), np.zeros(size, dtype=np.intp)
    first, last, low, high = (np.array([v]) for v in (group, size - 1, group - 1, size - 2))
    while len(first):
        middle = (first + last) // 2
        width = np.minimum(high, middle - 1) - low + 1
        begin = np.cumsum(width) - width
        row = np.repeat(np.arange(len(middle)), width)
        i = np.arange(len(row)) + (low - begin)[row]
        j = middle[row]
        total = sums[1][j] - sums[1][i]
        total *= -total / (sums[0][j] - sums[0][i])
        total += sums[2][j] - sums[2][i]
        total += best[i]
        cost[middle] = np.minimum.reduceat(total, begin)
        hit = np.flatnonzero(total == cost[middle][row])
        at = i[hit[np.unique(row[hit], return_index=True)[1]]]
        choice[middle] = at
        first, last = np.append(first, middle + 1), np.append(middle - 1, last)
        low, high = np.append(low, at), np.append(at, high)
        keep = first <= last
        first, last, low, high = first[keep], last[keep], low[keep], high[keep]
    return cost, choice
