"""Histogram and starts: against numpy's unique values, brute force and scikit-learn's k-means; what is refused."""

from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from containers.composition.mixture.histogram import MAX_LEVELS, Histogram, read_histogram
from containers.composition.mixture.start import kmeans_cuts, start
from containers.contract.errors import ItemFault

RNG = np.random.default_rng(7)


@pytest.mark.parametrize(
    "values",
    [
        RNG.integers(0, 4096, 200_000).astype(np.uint16),
        RNG.integers(3, 9, 100).astype(np.int8),
        RNG.integers(0, 4096, 200_000).astype(np.float32),
        RNG.integers(0, 4096, 150_000) * 0.731 + 2,
        RNG.choice([5, 70_000, 2_000_000_000], 200),
    ],
)
def test_levels_and_counts_are_exact(values: npt.NDArray[np.generic]) -> None:
    found = read_histogram(values, 3)
    levels, counts = np.unique(values.astype(float), return_counts=True)
    np.testing.assert_array_equal(found.levels, levels)
    np.testing.assert_array_equal(found.counts, counts)
    assert found.width == 0


def test_too_many_values_are_binned_with_their_mean_kept() -> None:
    values = np.append(RNG.normal(500, 40, 150_000), 1e6)
    found = read_histogram(values, 3)
    assert found.counts.sum() == len(values)
    assert len(found.levels) < MAX_LEVELS
    # The 5th to 95th percentile of a normal distribution is 3.29 SD wide.
    assert found.width == pytest.approx(3.29 * 40 / 4096, rel=0.02)
    assert np.average(found.levels, weights=found.counts) == pytest.approx(values.mean(), rel=1e-12)
    lost = values.var() - np.average((found.levels - values.mean()) ** 2, weights=found.counts)
    assert 0 <= lost < found.width**2


def test_bins_are_as_wide_as_the_whole_range_asks_where_most_values_are_equal() -> None:
    values = np.full(2_000_000, 100.0)
    values[:80_000] = np.linspace(0, 200, 80_000)
    found = read_histogram(values, 3)
    assert found.width == pytest.approx(200 / 4096)
    assert found.counts.max() > 1_920_000


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (np.arange(79), "79 voxels are too few for a mixture of 3 components (80 or more)"),
        (np.full(100, 7), "is constant (7)"),
        (np.array([3, 8] * 50), "2 distinct intensities, fewer than the 3 components"),
        (np.array([3.0, 8.0, np.nan, 4.0] * 50), "NaN or infinite"),
        (np.array([3.0, 8.0, np.inf, 4.0] * 50), "NaN or infinite"),
        (np.array([3, 8, -5, 4] * 50), "negative intensities (down to -5)"),
    ],
)
def test_what_cannot_be_fitted_is_refused(values: npt.NDArray[np.generic], what: str) -> None:
    with pytest.raises(ItemFault) as fault:
        read_histogram(values, 3)
    assert what in str(fault.value)
    assert fault.value.fix


def test_signed_images_may_be_negative() -> None:
    assert read_histogram(np.array([3, 8, -5, 4] * 50), 3, signed=True).levels[0] == -5


def cost(histogram: Histogram, cuts: tuple[int, ...]) -> float:
    """Sum of squared distances from the group means, term by term."""
    edges = [0, *cuts, len(histogram.levels)]
    total = 0.0
    for a, b in pairwise(edges):
        x, c = histogram.levels[a:b], histogram.counts[a:b]
        total += float((c * (x - np.average(x, weights=c)) ** 2).sum())
    return total


@given(
    st.lists(st.tuples(st.integers(0, 4095), st.integers(1, 500)), min_size=4, max_size=11, unique_by=lambda p: p[0]),
    st.integers(2, 4),
)
def test_kmeans_is_the_best_of_all_partitions(pairs: list[tuple[int, int]], groups: int) -> None:
    levels, counts = np.array(sorted(pairs), dtype=float).T
    histogram = Histogram(levels, counts)
    cuts = kmeans_cuts(histogram, groups)
    best = min(cost(histogram, c) for c in combinations(range(1, len(levels)), groups - 1))
    assert cuts[0] == 0
    assert cost(histogram, tuple(cuts[1:])) == pytest.approx(best, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("groups", [2, 3, 5])
def test_kmeans_is_no_worse_than_twenty_starts_of_sklearn(groups: int) -> None:
    values = np.rint(np.concatenate([RNG.normal(300, 30, 4000), RNG.gamma(3, 300, 3000)])).astype(np.int16)
    histogram = read_histogram(values, groups, signed=True)
    peer = KMeans(groups, n_init=20, random_state=0).fit(values.astype(float)[:, None])
    ours = cost(histogram, tuple(kmeans_cuts(histogram, groups)[1:]))
    assert ours <= peer.inertia_ * (1 + 1e-12)
    assert ours == pytest.approx(peer.inertia_, rel=1e-3)


@pytest.mark.parametrize("initialisation", ["kmeans", "quantiles", "random"])
@pytest.mark.parametrize("counts", [[1000, 1, 1, 1], [1, 1, 1, 1000], [20, 30, 40, 50]])
def test_every_start_has_voxels_in_every_component(initialisation: str, counts: list[int]) -> None:
    histogram = Histogram(np.array([1.0, 2.0, 5.0, 9.0]), np.array(counts, dtype=float))
    weights, means, variances = start(histogram, 3, initialisation, 4)  # type: ignore[arg-type]
    assert weights.min() > 0
    assert weights.sum() == pytest.approx(1)
    assert np.all(np.diff(means) > 0)
    assert weights @ means == pytest.approx(np.average(histogram.levels, weights=counts))
    assert variances.min() > 0


def test_quantiles_cut_into_equal_groups_and_seeds_differ() -> None:
    histogram = Histogram(np.arange(300.0), np.ones(300))
    weights, means, variances = start(histogram, 3, "quantiles", 0)
    np.testing.assert_allclose(weights, 1 / 3, atol=1 / 300)
    np.testing.assert_allclose(means, [49.5, 149.5, 249.5], atol=1)
    # Variance of m consecutive integers: (m^2 - 1) / 12.
    np.testing.assert_allclose(variances, ((300 * weights) ** 2 - 1) / 12, rtol=1e-6)
    one, same, other = (start(histogram, 3, "random", seed)[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
