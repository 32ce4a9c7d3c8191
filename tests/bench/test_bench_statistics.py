"""Intervals against printed tables, R 4.2 (`wilcox.test(log(a), log(b), conf.int = TRUE)`) and simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bench.statistics import median_interval, ratio_interval

A = [1.31, 1.28, 1.42, 1.35, 1.30, 1.29, 1.50]
B = [1.01, 0.98, 1.10, 1.03, 1.20, 0.99, 1.04, 1.05]

times = st.lists(st.floats(1e-6, 1e3), min_size=4, max_size=12)


@pytest.mark.parametrize(
    ("n", "rank", "coverage"),
    [
        (1, 1, 0.0),
        (5, 1, 0.9375),
        (6, 1, 0.96875),
        (10, 2, 0.978515625),
        (20, 6, 0.958610534667969),
        (50, 18, 0.967160862435731),
    ],
)
def test_order_statistics_of_a_median(n: int, rank: int, coverage: float) -> None:
    """Ranks and coverages of the binomial distribution (R: 1 - 2 * pbinom(rank - 1, n, 0.5))."""
    values = np.random.default_rng(1).permutation(np.arange(1.0, n + 1))
    found = median_interval(values)
    assert (found.low, found.high) == (rank, n + 1 - rank)
    assert found.coverage == pytest.approx(coverage, abs=1e-12)
    assert found.value == (n + 1) / 2


def test_ratio_is_that_of_r() -> None:
    found = ratio_interval(A, B)
    assert found
    assert found.value == pytest.approx(1.2890175160236, rel=1e-12)
    assert (found.low, found.high) == pytest.approx((1.21904761904762, 1.37755102040816), rel=1e-12)
    assert found.coverage == pytest.approx(0.95990675990676, abs=1e-12)
    small = ratio_interval([2.0, 2.1, 2.3, 2.6], [1.0, 1.3, 1.45, 1.7])
    assert small
    assert (small.value, small.low, small.high) == pytest.approx((1.60072927676938, 1.17647058823529, 2.6), rel=1e-12)
    assert small.coverage == pytest.approx(0.971428571428571, abs=1e-12)


def test_large_samples_of_r() -> None:
    """R: qwilcox(0.025, 30, 40) is 435, of coverage 0.950929745010847."""
    above, below = np.exp(np.arange(30) * 1e-3), np.exp(np.arange(40) * 1.7e-5)
    found = ratio_interval(above, below)
    assert found
    assert found.coverage == pytest.approx(0.950929745010847, abs=1e-12)
    every = np.sort(np.divide.outer(above, below).reshape(-1))
    assert (found.low, found.high) == pytest.approx((every[434], every[-435]), rel=1e-12)


def test_too_few_calls_have_no_interval() -> None:
    assert ratio_interval([1.0, 1.1, 1.2], [2.0, 2.1, 2.2]) is None
    assert ratio_interval([1.0], [1.0] * 30) is None
    assert ratio_interval([1.0], [1.0] * 40) is not None


@given(times, times, st.floats(0.01, 100))
def test_units_and_sides(above: list[float], below: list[float], unit: float) -> None:
    found, back = ratio_interval(above, below), ratio_interval(below, above)
    scaled = ratio_interval([unit * s for s in above], below)
    assert found
    assert back
    assert scaled
    assert (back.value, back.low, back.high) == pytest.approx(
        (1 / found.value, 1 / found.high, 1 / found.low), rel=1e-9
    )
    assert (scaled.value, scaled.low) == pytest.approx((unit * found.value, unit * found.low), rel=1e-9)


@pytest.mark.parametrize("calls", [(8, 8), (60, 20)])
def test_coverage(calls: tuple[int, int]) -> None:
    """Of 1,000 pairs of samples whose times differ by 1.3, at least 93 % enclose 1.3: 95 % less three standard errors.

    The true median of a skew distribution is enclosed by the interval of the median as often.
    """
    rng = np.random.default_rng(7)
    inside = medians = 0
    for _ in range(1000):
        above, below = (np.exp(0.2 * rng.exponential(size=n)) for n in calls)
        found = ratio_interval(1.3 * above, below)
        assert found
        inside += found.low <= 1.3 <= found.high
        assert found.coverage < 0.98
        median = median_interval(above)
        medians += median.low <= np.exp(0.2 * np.log(2)) <= median.high
    assert inside >= 930
    assert medians >= 930
