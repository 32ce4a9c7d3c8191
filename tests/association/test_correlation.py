"""Correlation and the tails of Student's t against R (r/descriptive.R), and what must not change them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.association.measures.correlation import pearson
from containers.toolkit.tables.cohort.tails import student

# Bland and Altman, Lancet 327:307 (1986), table 1: first readings of two peak flow meters, l/min
WRIGHT = np.array([494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427.0])
MINI = np.array([512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451.0])

# R: log(2) + pt(-t, n - 2, log.p = TRUE), in units of log(10), of r and n
LOG10_P = {(0.96, 5000): -2765.03391776117, (0.936, 37004): -16781.181818963, (0.5, 100000): -6249.10893139187}


def test_agrees_with_cor_test() -> None:
    found = pearson(WRIGHT, MINI)
    assert (found.r, found.low, found.high) == pytest.approx(
        (0.943279446890946, 0.846358808792465, 0.979731337351924), rel=1e-13
    )
    assert (found.t, found.df) == (pytest.approx(11.0039382325898, rel=1e-13), 15)
    assert found.p == pytest.approx(1.39950133988701e-08, rel=1e-10)
    assert found.log10_p == pytest.approx(math.log10(1.39950133988701e-08), rel=1e-12)


@pytest.mark.parametrize("case", LOG10_P)
def test_log10_p_is_finite_where_p_underflows(case: tuple[float, int]) -> None:
    r, n = case
    p, log10_p = student(r * math.sqrt((n - 2) / (1 - r * r)), n - 2)
    assert p == 0.0
    assert log10_p == pytest.approx(LOG10_P[case], rel=1e-12)
    # The same r reached from data.
    x = np.tile([1.0, -1.0, 1.0, -1.0], n // 4)
    across = np.tile([1.0, 1.0, -1.0, -1.0], n // 4)
    found = pearson(x, r * x + math.sqrt(1 - r * r) * across)
    assert found.r == pytest.approx(r, rel=1e-12)
    if n % 4 == 0:
        assert found.log10_p == pytest.approx(LOG10_P[case], rel=1e-9)


@given(
    seed=st.integers(0, 2**32 - 1),
    shift=st.floats(-1e6, 1e6),
    scale=st.floats(1e-3, 1e3),
    sign=st.sampled_from([-1, 1]),
)
@settings(max_examples=50)
def test_units_do_not_matter(seed: int, shift: float, scale: float, sign: int) -> None:
    draw = np.random.default_rng(seed)
    x, y = draw.standard_normal((2, 30))
    found, moved = pearson(x, y), pearson(sign * scale * x + shift, y)
    # Shifting by 1e6 leaves 10 digits of x at scale 1.
    tolerance = 1e-9 * (1 + abs(shift) / scale * 1e-5)
    assert moved.r == pytest.approx(sign * found.r, abs=tolerance)
    assert found.low is not None and found.high is not None and found.low < found.r < found.high
    assert pearson(y, x).r == pytest.approx(found.r, abs=1e-14)


def test_near_one_and_at_one() -> None:
    x = np.arange(10.0)
    bent = x.copy()
    bent[3] += 1e-5
    found = pearson(x, bent)
    # r = 1 - 4.3e-13: 1 - r is good to many digits, so t and p are.
    gap = bent - x
    left = gap - gap.mean() - ((x - 4.5) @ gap) / 82.5 * (x - 4.5)
    assert found.t == pytest.approx(math.sqrt(8 * 82.5 / float(left @ left)), rel=1e-4)
    straight = pearson(x, 3 - 2 * x)
    assert (straight.r, straight.t, straight.low) == (-1.0, None, None)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="at least three pairs"):
        pearson(np.arange(2.0), np.arange(2.0))
    with pytest.raises(ValueError, match="same value in every row"):
        pearson(np.arange(5.0), np.full(5, 0.1))
    assert pearson(np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0])).low is None
