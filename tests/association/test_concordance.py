"""Lin's coefficient against R (r/descriptive.R) and simulation."""

import math

import numpy as np
import pytest

from containers.association.measures.concordance import lin_concordance
from tests.association.test_correlation import MINI, WRIGHT


def test_lin_agrees_with_r() -> None:
    found = lin_concordance(WRIGHT, MINI)
    assert (found.coefficient, found.low, found.high) == pytest.approx(
        (0.942742431427484, 0.85049187316856, 0.978726279170122), rel=1e-12
    )
    assert found.r * found.accuracy == pytest.approx(found.coefficient, rel=1e-14)
    turned = lin_concordance(MINI, WRIGHT)
    assert (turned.coefficient, turned.low) == pytest.approx((found.coefficient, found.low), rel=1e-12)


@pytest.mark.parametrize(("r", "shift", "scale"), [(0.8, 0.3, 1.2), (0.6, 0.0, 1.0), (0.9, -1.5, 0.7)])
def test_interval_covers(r: float, shift: float, scale: float) -> None:
    # Of 1500 intervals 95 % hold the truth, within 4 standard errors (2.3 points); the variance of Lin (1989), before
    # its correction, covers 99 % at the last setting.
    draw = np.random.default_rng(20)
    truth = 2 * r * scale / (1 + scale**2 + shift**2)
    hits = 0
    for _ in range(1500):
        x, noise = draw.standard_normal((2, 200))
        found = lin_concordance(x, scale * (r * x + math.sqrt(1 - r * r) * noise) + shift)
        assert found.low is not None and found.high is not None
        hits += found.low < truth < found.high
    assert abs(hits / 1500 - 0.95) < 0.023


def test_perfect_agreement_has_no_interval() -> None:
    found = lin_concordance(WRIGHT, WRIGHT)
    assert (found.coefficient, found.low) == (1.0, None)
    assert lin_concordance(WRIGHT, WRIGHT + 100).coefficient < 0.75
