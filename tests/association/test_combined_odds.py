"""Combined odds ratios against R (tests/association/r/combined_odds_vif.R) and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from containers.association.measures.combined_odds import combined_odds
from containers.association.models.mixed_logistic import fit_mixed_logistic
from tests.association.test_mixed_logistic import cohort

# combined_odds_vif.R, "mixed": odds ratio, lower and upper end at (z1, z2).
COMBINED = {
    (-3, -1.5): (1.532055387188, 0.583422376898, 4.023146527034),
    (-3, 3): (2.134259068200, 0.532069992425, 8.561019856496),
    (1.5, -1.5): (0.403893844151, 0.237283727995, 0.687490198851),
    (1.5, 3): (2.73884527208, 1.01676534226, 7.37758567551),
}


def test_mixed_model_with_a_product_against_r() -> None:
    x, y, site = cohort(1500, 4, 0.6, 77)
    columns = np.column_stack([x[:, [0, 1, 2, 3, 4, 9, 10]], x[:, 1] * x[:, 2]])
    fit = fit_mixed_logistic(columns, y, site, 5)
    grid = (np.array([-3.0, 1.5]), np.array([-1.5, 3.0]))
    found = combined_odds(fit.coefficients, fit.covariance, (1, 2), 7, grid)
    for i, z1 in enumerate((-3, 1.5)):
        for j, z2 in enumerate((-1.5, 3)):
            ends = np.exp([found.log_odds_ratio[i, j], found.low[i, j], found.high[i, j]])
            np.testing.assert_allclose(ends, COMBINED[z1, z2], rtol=1e-6)


def test_variance_of_a_sum_by_hand() -> None:
    # var(2 a - 1 b) = 4 * 0.04 + 0.09 - 4 * 0.01 = 0.21, with the product -2 c: + 4 * 0.25 - 2 * 2 * 2 * 0.02 = 1.05
    covariance = np.array([[9, 0, 0, 0], [0, 0.04, 0.01, 0.02], [0, 0.01, 0.09, 0], [0, 0.02, 0, 0.25]], float)
    beta, grid = np.array([7.0, 0.5, -0.25, 0.125]), (np.array([2.0]), np.array([-1.0]))
    without = combined_odds(beta, covariance, (1, 2), None, grid)
    product = combined_odds(beta, covariance, (1, 2), 3, grid)
    assert (without.log_odds_ratio[0, 0], product.log_odds_ratio[0, 0]) == (1.25, 1.0)
    assert without.standard_error[0, 0] ** 2 == pytest.approx(0.21, rel=1e-14)
    assert product.standard_error[0, 0] ** 2 == pytest.approx(1.05, rel=1e-14)
    half = 1.6448536269514722 * 0.21**0.5  # qnorm(0.95)
    ends = combined_odds(beta, covariance, (1, 2), None, grid, 0.9)
    assert (ends.low[0, 0], ends.high[0, 0]) == pytest.approx((1.25 - half, 1.25 + half), rel=1e-12)


@given(z1=st.floats(-5, 5), z2=st.floats(-5, 5))
def test_the_reference_is_one_and_opposite_values_are_reciprocal_without_a_product(z1: float, z2: float) -> None:
    covariance = np.diag([1.0, 0.04, 0.09]) + 0.01
    beta = np.array([0.0, 0.3, -0.2])
    found = combined_odds(beta, covariance, (1, 2), None, (np.array([-z1, 0, z1]), np.array([-z2, 0, z2])))
    assert (found.low[1, 1], found.log_odds_ratio[1, 1], found.high[1, 1]) == (0, 0, 0)
    np.testing.assert_allclose(found.log_odds_ratio, -found.log_odds_ratio[::-1, ::-1], rtol=0, atol=1e-14)
    np.testing.assert_allclose(found.low, -found.high[::-1, ::-1], rtol=0, atol=1e-14)
