"""Logistic regression and profile intervals against R, published examples and what must not change them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.association.models.logistic import LogisticLikelihood, fit_logistic
from containers.association.models.profile import bracketed_end, logistic_problem, profile_intervals
from tests.association.made import design

# R 4.2.2, on the rows of made.py:
# con <- glm.control(epsilon = 1e-15, maxit = 100); f <- glm(y ~ age + bmi + sex + g, binomial, control = con)
# coef(f); logLik(f)
COEFFICIENTS = [
    -5.683342640496585, 0.05097358390986275, 0.02707665441087231, 0.9483240031950653, -0.4920387332489717,
    0.1905426410505008,
]  # fmt: skip
# vcov(f) has the weights of the step before the last (8 digits); from those of the last one:
# x <- model.matrix(f); q <- fitted(f); sqrt(diag(solve(crossprod(x, q * (1 - q) * x))))
ERRORS = [
    1.227969344717142, 0.01167811521875713, 0.03044594827021638, 0.2642324389875047, 0.3340422013626295,
    0.3034101574496114,
]  # fmt: skip
LOG_LIKELIHOOD = -185.3541768282558
# The root of the profile itself, not the spline of confint: x <- model.matrix(f)
# end <- function(j, side) { se <- sqrt(vcov(f)[j, j])
#   g <- function(v) glm.fit(x[, -j], y, offset = x[, j] * v, family = binomial(), control = con)$deviance -
#     f$deviance - qchisq(.95, 1)
#   uniroot(g, sort(coef(f)[j] + side * c(0, 4) * se), tol = 1e-14)$root }
LOW = [
    -8.172193715086877, 0.02858903582558467, -0.03218969406079421, 0.4370264926568941, -1.158021614277194,
    -0.4035687974401764,
]  # fmt: skip
HIGH = [
    -3.346446508409354, 0.07449419147006321, 0.08747614282014247, 1.475632240074304, 0.1571485339284134,
    0.7894460608838875,
]  # fmt: skip
# MASS:::confint.glm(f), which interpolates the profile by a spline
SPLINE_LOW = [
    -8.172271692527918, 0.02858959055146282, -0.03218954742021345, 0.437032841974308, -1.158046323754524,
    -0.4035735814784349,
]  # fmt: skip


def test_agrees_with_glm() -> None:
    fit = fit_logistic(*design())
    assert fit.converged
    np.testing.assert_allclose(fit.coefficients, COEFFICIENTS, rtol=1e-11)
    np.testing.assert_allclose(fit.standard_errors, ERRORS, rtol=1e-9)
    assert fit.log_likelihood == pytest.approx(LOG_LIKELIHOOD, rel=1e-13)


def test_profile_ends_are_the_roots_of_the_profile() -> None:
    x, y = design()
    ends = profile_intervals(x, y, fit_logistic(x, y))
    np.testing.assert_allclose(ends[:, 0], LOW, rtol=1e-9)
    np.testing.assert_allclose(ends[:, 1], HIGH, rtol=1e-9)
    np.testing.assert_allclose(ends[:, 0], SPLINE_LOW, rtol=5e-5)


@pytest.mark.parametrize("level", [0.9, 0.95, 0.999])
def test_profile_ends_satisfy_the_likelihood_equation(level: float) -> None:
    x, y = design()
    fit = fit_logistic(x, y)
    quantile = {0.9: 2.705543454095404, 0.95: 3.841458820694124, 0.999: 10.82756617046567}[level]  # qchisq(level, 1)
    ends = profile_intervals(x, y, fit, level)
    for j in range(6):
        others = np.delete(x, j, axis=1)
        for end in ends[j]:
            held = fit_logistic(others, y, offset=x[:, j] * end)
            assert 2 * (fit.log_likelihood - held.log_likelihood) == pytest.approx(quantile, rel=1e-9)


def test_the_bracketed_root_is_the_same() -> None:
    x, y = design()
    fit = fit_logistic(x, y)
    problem = logistic_problem(x, y, fit, 0.95)
    for j in range(6):
        for side, end in ((-1, LOW[j]), (1, HIGH[j])):
            found = bracketed_end(problem, j, side, fit.coefficients[j], 0.3 * fit.standard_errors[j])
            assert found == pytest.approx(end, rel=1e-9)


def test_intercept_alone_is_the_logit_of_the_share() -> None:
    y = np.repeat([0.0, 1.0], [30, 10])
    fit = fit_logistic(np.ones((40, 1)), y)
    assert fit.coefficients[0] == pytest.approx(np.log(1 / 3), rel=1e-14)
    assert fit.standard_errors[0] == pytest.approx(np.sqrt(1 / 30 + 1 / 10), rel=1e-12)
    low, high = profile_intervals(np.ones((40, 1)), y, fit)[0]
    for end in (low, high):
        drop = 2 * (30 * np.log(0.75) + 10 * np.log(0.25) - 10 * end + 40 * np.log1p(np.exp(end)))
        assert drop == pytest.approx(3.841458820694124, rel=1e-9)


def test_two_by_two_table() -> None:
    """The odds ratio of a saturated 2x2 table is the cross ratio, its variance the sum of reciprocals."""
    a, b, c, d = 12, 30, 25, 18
    exposed = np.repeat([1.0, 1.0, 0.0, 0.0], [a, b, c, d])
    y = np.repeat([1.0, 0.0, 1.0, 0.0], [a, b, c, d])
    fit = fit_logistic(np.column_stack([np.ones(len(y)), exposed]), y)
    assert fit.coefficients[1] == pytest.approx(np.log(a * d / (b * c)), rel=1e-12)
    assert fit.covariance[1, 1] == pytest.approx(1 / a + 1 / b + 1 / c + 1 / d, rel=1e-10)


def test_challenger_o_rings() -> None:
    """Published: intercept 15.043 (SE 7.379), temperature -0.232 (0.108): Agresti, Categorical Data Analysis, 5.8."""
    t = [66, 70, 69, 68, 67, 72, 73, 70, 57, 63, 70, 78, 67, 53, 67, 75, 70, 81, 76, 79, 75, 76, 58]
    y = np.array([0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1], dtype=float)
    x = np.column_stack([np.ones(23), t]).astype(float)
    fit = fit_logistic(x, y)
    assert [round(v, 3) for v in [*fit.coefficients, *fit.standard_errors]] == [15.043, -0.232, 7.379, 0.108]
    # R, as for LOW and HIGH
    ends = [[3.328697793371426, 34.33958260949889], [-0.515432537595287, -0.06078625719865392]]
    np.testing.assert_allclose(profile_intervals(x, y, fit), ends, rtol=1e-9)


SNORING = np.array([24, 35, 21, 30, 1355, 603, 192, 224], dtype=float)
SNORING_X = np.column_stack([np.ones(8), [0, 2, 4, 5] * 2]).astype(float)
SNORING_Y = np.repeat([1.0, 0.0], 4)


def test_snoring_and_heart_disease_by_weights() -> None:
    """Published: -3.87 + 0.40 x: Agresti, An Introduction to Categorical Data Analysis, 2nd ed., table 3.1."""
    fit = fit_logistic(SNORING_X, SNORING_Y, weights=SNORING)
    # R: glm(yy ~ s, binomial, weights = w, control = con), standard errors as for ERRORS
    np.testing.assert_allclose(fit.coefficients, [-3.866248101377182, 0.3973366204486884], rtol=1e-12)
    np.testing.assert_allclose(fit.standard_errors, [0.1662143636540151, 0.0500106598157099], rtol=1e-9)
    assert fit.log_likelihood == pytest.approx(-418.8658162322153, rel=1e-13)


def test_weights_are_repeated_rows() -> None:
    times = SNORING.astype(int)
    weighted = fit_logistic(SNORING_X, SNORING_Y, weights=SNORING)
    x, y = np.repeat(SNORING_X, times, axis=0), np.repeat(SNORING_Y, times)
    repeated = fit_logistic(x, y)
    np.testing.assert_allclose(weighted.coefficients, repeated.coefficients, rtol=1e-11)
    np.testing.assert_allclose(weighted.covariance, repeated.covariance, rtol=1e-9)
    np.testing.assert_allclose(
        profile_intervals(SNORING_X, SNORING_Y, weighted, weights=SNORING),
        profile_intervals(x, y, repeated),
        rtol=1e-9,
    )


def test_an_offset_shifts_the_intercept() -> None:
    x, y = design()
    plain, shifted = fit_logistic(x, y), fit_logistic(x, y, offset=np.full(len(y), 0.7))
    np.testing.assert_allclose(shifted.coefficients + np.eye(6)[0] * 0.7, plain.coefficients, rtol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(6)), st.integers(0, 2**32 - 1), st.floats(1e-4, 1e4))
def test_order_of_rows_and_columns_and_units_do_not_matter(order: list[int], seed: int, unit: float) -> None:
    x, y = design()
    rows = np.random.default_rng(seed).permutation(len(y))
    scale = np.array([1.0, unit, 1.0, 1.0, 1.0, 1.0])
    fit = fit_logistic((x * scale)[rows][:, order], y[rows])
    np.testing.assert_allclose(fit.coefficients * scale[order], np.array(COEFFICIENTS)[order], rtol=1e-8)
    ends = profile_intervals((x * scale)[rows][:, order], y[rows], fit)
    np.testing.assert_allclose(ends[:, 0] * scale[order], np.array(LOW)[order], rtol=1e-8)


def test_relabelling_the_event_turns_the_signs() -> None:
    x, y = design()
    turned = fit_logistic(x, 1.0 - y)
    np.testing.assert_allclose(turned.coefficients, [-c for c in COEFFICIENTS], rtol=1e-10)
    ends = profile_intervals(x, 1.0 - y, turned)
    np.testing.assert_allclose(ends[:, 1], [-low for low in LOW], rtol=1e-9)


def test_another_reference_level_is_the_difference() -> None:
    x, y = design()
    other = x.copy()
    other[:, 5] = 1.0 - x[:, 4] - x[:, 5]
    fit = fit_logistic(other, y)
    assert fit.coefficients[4] == pytest.approx(COEFFICIENTS[4] - COEFFICIENTS[5], rel=1e-10)
    assert fit.coefficients[5] == pytest.approx(-COEFFICIENTS[5], rel=1e-10)
    assert fit.log_likelihood == pytest.approx(LOG_LIKELIHOOD, rel=1e-13)


def test_score_and_information_are_the_derivatives() -> None:
    x, y = design()
    weights = 1.0 + np.arange(len(y)) % 3
    likelihood = LogisticLikelihood(x, y, weights, offset=np.linspace(-1, 1, len(y)))
    beta = np.array(COEFFICIENTS) * 0.5
    _, score, information = likelihood.at(beta)
    for j in range(6):
        step = np.eye(6)[j] * 1e-5 / np.abs(x[:, j]).max()
        up, down = likelihood.at(beta + step), likelihood.at(beta - step)
        assert (up[0] - down[0]) / (2 * step[j]) == pytest.approx(score[j], rel=1e-5)
        np.testing.assert_allclose((down[1] - up[1]) / (2 * step[j]), information[j], rtol=1e-6)


def test_extreme_predictors_do_not_overflow() -> None:
    likelihood = LogisticLikelihood(np.array([[1.0], [1.0]]), np.array([1.0, 0.0]))
    for beta in (-800.0, 800.0):
        value, score, information = likelihood.at(np.array([beta]))
        assert np.isfinite([value, *score, *information.ravel()]).all() and value <= -700.0


def test_profile_needs_a_converged_fit() -> None:
    x, y = design()
    with pytest.raises(ValueError, match="converged"):
        profile_intervals(x, y, replace(fit_logistic(x, y), converged=False))


def test_arrays_must_fit_together() -> None:
    with pytest.raises(ValueError, match="fit together"):
        fit_logistic(np.ones((4, 1)), np.zeros(3))
