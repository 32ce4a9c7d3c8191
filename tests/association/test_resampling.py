"""Bootstrap fits and Harrell's optimism against rms on the same rows (r/prediction.R), and limiting cases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from containers.association.measures.draws import draw_rows
from containers.association.measures.resampling import (
    CovariatePatterns,
    fit_counts,
    fitted_resamples,
    harrell_optimism,
    recalibration,
)
from tests.association.made import design
from tests.association.test_logistic import COEFFICIENTS

# r/prediction.R, "validate": rows Dxy, Intercept, Slope of rms::validate (index.orig, training, test, ...)
DXY_ORIGINAL, DXY_TRAIN, DXY_TEST, DXY_CORRECTED = (
    0.41385732203261,
    0.44003157275595,
    0.39083653224887,
    0.36466228152553,
)
INTERCEPT, SLOPE = -0.096915266869831, 0.90261898728521


def test_optimism_agrees_with_rms() -> None:
    x, y = design()
    found = harrell_optimism(x, y, np.array(COEFFICIENTS), seed=7, resamples=60)
    assert found.fitted == 60
    assert 2 * found.apparent - 1 == pytest.approx(DXY_ORIGINAL, abs=1e-12)
    assert 2 * found.train.mean() - 1 == pytest.approx(DXY_TRAIN, abs=1e-12)
    assert 2 * found.test.mean() - 1 == pytest.approx(DXY_TEST, abs=1e-12)
    assert 2 * found.optimism == pytest.approx(DXY_TRAIN - DXY_TEST, abs=1e-12)
    assert 2 * found.corrected - 1 == pytest.approx(DXY_CORRECTED, abs=1e-12)
    assert (found.intercept, found.slope) == pytest.approx((INTERCEPT, SLOPE), rel=1e-9)


def test_each_resample_is_the_maximum_of_its_own_rows() -> None:
    x, y = design()
    patterns = CovariatePatterns.of(x, y)
    assert len(patterns.trials) == 399  # one pair of rows is equal
    for one in fitted_resamples(patterns, np.array(COEFFICIENTS), seed=3, resamples=4):
        rows = draw_rows(3, one.number, len(y))
        z = x[rows] / [1, 80, 40, 1, 1, 1]

        def deviance(b: np.ndarray, z: np.ndarray = z, rows: np.ndarray = rows) -> float:
            return float(np.logaddexp(0, z @ b).sum() - y[rows] @ (z @ b))

        # Repeated rows, and a minimiser that knows nothing of Newton's method here.
        best = optimize.minimize(deviance, np.zeros(6), method="BFGS", options={"gtol": 1e-6}).x / [1, 80, 40, 1, 1, 1]
        np.testing.assert_allclose(one.predictor, best @ patterns.columns, atol=2e-5)
        assert one.trials.sum() == len(y) and one.events.sum() == y[rows].sum()


@given(seed=st.integers(0, 2**32 - 1), p=st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_fit_has_no_gradient_left_and_collapsing_changes_nothing(seed: int, p: int) -> None:
    draw = np.random.default_rng(seed)
    x = np.column_stack([np.ones(120), draw.integers(0, 3, (120, p))]).astype(float)
    y = (draw.random(120) < 0.4).astype(float)
    patterns = CovariatePatterns.of(x, y)
    assert len(patterns.trials) <= 3**p and patterns.trials.sum() == 120 and patterns.events.sum() == y.sum()
    beta = fit_counts(patterns.columns, patterns.trials, patterns.events, np.zeros(p + 1))
    whole = fit_counts(np.ascontiguousarray(x.T), np.ones(120), y, np.full(p + 1, 0.3))
    if beta is None:
        assert whole is None
        return
    residual = y - 1 / (1 + np.exp(-x @ beta))
    assert np.abs(x.T @ residual).max() < 1e-7
    assert whole is not None
    np.testing.assert_allclose(beta, whole, atol=1e-7)
    np.testing.assert_array_equal(patterns.of_rows(patterns.columns[1]), x[:, 1])


@pytest.mark.parametrize(
    "columns",
    [
        np.array([[1, 1, 1, 1, 1, 1], [-3, -2, -1, 1, 2, 3]]),  # separated
        np.array([[1, 1, 1, 1, 1, 1], [2, 2, 2, 2, 2, 2]]),  # collinear
    ],
)
def test_no_maximum_is_none(columns: np.ndarray) -> None:
    assert fit_counts(columns.astype(float), np.ones(6), np.array([0, 0, 0, 1, 1, 1.0]), np.zeros(2)) is None


def test_one_outcome_only_is_none() -> None:
    assert fit_counts(np.ones((1, 4)), np.ones(4), np.ones(4), np.zeros(1)) is None


def test_resamples_that_cannot_be_fitted_are_left_out() -> None:
    # Rows 4 and 5 of twelve are the only ones with the rare covariate, one with and one without the event: a resample
    # without one of them is singular or separated; with both, the two other groups have both outcomes or not.
    x = np.column_stack([np.ones(12), np.isin(np.arange(12), (4, 5)), np.tile([0.0, 1.0], 6)])
    y = np.array([0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0.0])
    found = {one.number for one in fitted_resamples(CovariatePatterns.of(x, y), np.zeros(3), seed=1, resamples=200)}
    drawn = [set(draw_rows(1, k, 12)) for k in range(200)]
    assert found and found <= {k for k, rows in enumerate(drawn) if {4, 5} <= rows}


def test_optimism_without_any_fit_is_refused() -> None:
    x = np.column_stack([np.ones(6), [-3, -2, -1, 1, 2, 3]]).astype(float)
    with pytest.raises(ValueError, match="no resample could be fitted"):
        harrell_optimism(x, np.array([0, 0, 0, 1, 1, 1.0]), np.zeros(2), seed=1, resamples=5)


def test_recalibration_on_the_training_data_is_a_tautology() -> None:
    x, y = design()
    line = recalibration(x @ COEFFICIENTS, np.ones(len(y)), y)
    assert line == pytest.approx((0.0, 1.0), abs=1e-10)
    halved = recalibration(0.5 * (x @ COEFFICIENTS) + 1, np.ones(len(y)), y)
    assert halved == pytest.approx((-2.0, 2.0), abs=1e-9)
