"""Limits of agreement against the published example, R (tests/association/r/descriptive.R), scipy and simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from containers.toolkit.tables.limits_of_agreement import limits_of_agreement
from tests.association.test_correlation import MINI, WRIGHT


def test_published_example() -> None:
    # Bland and Altman (1986): mean difference -2.1 l/min, SD 38.8 l/min, its interval -22.0 to 17.8.
    found = limits_of_agreement(WRIGHT - MINI)
    assert round(found.mean, 1) == -2.1 and round(found.sd, 1) == 38.8
    assert [round(end, 1) for end in found.mean_interval] == [-22.0, 17.8]


def test_limits_agree_with_r() -> None:
    found = limits_of_agreement(WRIGHT - MINI)
    assert (found.low, found.high) == pytest.approx((-78.097301611094, 73.8620074934469), rel=1e-12)
    assert found.mean_interval == pytest.approx((-22.0488376966452, 17.8135435789981), rel=1e-12)
    assert found.low_interval == pytest.approx((-112.853377909195, -43.341225312993), rel=1e-12)
    assert found.high_interval == pytest.approx((39.1059311953459, 108.618083791548), rel=1e-12)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=40))
@settings(max_examples=40, deadline=None)
def test_limits_are_those_of_bland_and_altman(gaps: list[float]) -> None:
    found = limits_of_agreement(np.array(gaps))
    n, gap = len(gaps), np.array(gaps)
    mean, sd = gap.mean(), np.std(gap, ddof=1)
    assert found.mean == pytest.approx(mean, abs=1e-9)
    assert (found.low, found.high) == pytest.approx((mean - 1.96 * sd, mean + 1.96 * sd), abs=1e-9)
    if sd > 1e-6:
        interval = stats.t.interval(0.95, n - 1, mean, sd / np.sqrt(n))
        assert found.mean_interval == pytest.approx(interval, abs=1e-8)
        half = stats.t.ppf(0.975, n - 1) * np.sqrt(sd**2 / n + 1.96**2 * sd**2 / (2 * (n - 1)))
        assert found.low_interval == pytest.approx((mean - 1.96 * sd - half, mean - 1.96 * sd + half), abs=1e-8)
        assert found.high_interval == pytest.approx((mean + 1.96 * sd - half, mean + 1.96 * sd + half), abs=1e-8)


def test_intervals_of_the_limits_cover_the_truth() -> None:
    """95 % intervals of a true upper limit of 1.96: coverage over 4000 draws of n = 30 within 3 standard errors."""
    draws = np.random.default_rng(7).normal(0, 1, (4000, 30))
    hits = 0
    for row in draws:
        interval = limits_of_agreement(row).high_interval
        hits += interval[0] <= 1.96 <= interval[1]
    # The interval is approximate (1999, section 2); 3 sampling errors are 0.010, the approximation costs about 0.01.
    assert hits / 4000 == pytest.approx(0.95, abs=0.02)


def test_one_pair_has_no_limits() -> None:
    with pytest.raises(ValueError, match="at least two pairs"):
        limits_of_agreement(np.array([1.0]))
