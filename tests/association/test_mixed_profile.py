"""The profile interval of the intercepts' standard deviation against R and against its definition."""

import numpy as np
import pytest
from scipy import optimize, stats

from containers.association.models.mixed_logistic import fit_mixed_logistic
from containers.association.models.mixed_profile import sigma_interval
from tests.association.test_mixed_derivatives import integrated, small
from tests.association.test_mixed_logistic import cbpp


def test_cbpp_against_r() -> None:
    x, y, herd, weights = cbpp()
    # mixed_logistic.R, "profile of sigma": roots of the profile for 9 nodes.
    fit = fit_mixed_logistic(x, y, herd, 9, weights)
    assert sigma_interval(fit, x, y, herd, weights) == pytest.approx((0.348801755173, 1.111294212539), rel=1e-9)
    # confint(glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial), "theta_"): a spline.
    fit = fit_mixed_logistic(x, y, herd, 1, weights)
    assert sigma_interval(fit, x, y, herd, weights) == pytest.approx((0.3460732033, 1.099974648), rel=1e-4)


def test_ends_lie_where_the_integrals_profile_has_fallen_by_the_quantile() -> None:
    x, y, weights, label = small()
    fit = fit_mixed_logistic(x, y, label, 25, weights)
    fall = stats.chi2.ppf(0.8, 1) / 2
    for end in sigma_interval(fit, x, y, label, weights, level=0.8):
        assert end is not None

        def loss(beta: np.ndarray, end: float = end) -> float:
            return -integrated(np.array([*beta, end]), x, y, weights, label)

        best = optimize.minimize(loss, fit.coefficients, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-9})
        # 25 nodes are that near to the integral at the upper end, where sigma is large and groups are small.
        assert fit.log_likelihood + best.fun == pytest.approx(fall, abs=5e-6)


def test_the_lower_end_is_zero_where_no_variance_is_excluded() -> None:
    y = np.tile(np.repeat([1.0, 0.0], [3, 7]), 3)
    groups, x = np.repeat([0, 1, 2], 10), np.ones((30, 1))
    fit = fit_mixed_logistic(x, y, groups, 9)
    low, high = sigma_interval(fit, x, y, groups)
    assert fit.singular and low == 0 and high is not None and high > 0
    wider = sigma_interval(fit, x, y, groups, level=0.99)[1]
    assert wider is not None and wider > high


def test_no_upper_end_where_large_values_fit_as_well() -> None:
    # Two groups, one without events and one with nothing else: any large variance explains them.
    y, groups, x = np.repeat([0.0, 1.0], 4), np.repeat([0, 1], 4), np.ones((8, 1))
    fit = fit_mixed_logistic(x, y, groups, 25)
    assert fit.diverging
    low, high = sigma_interval(fit, x, y, groups)
    assert low > 0 and high is None
