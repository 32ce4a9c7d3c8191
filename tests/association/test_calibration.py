"""The calibration curve against rms::calibrate on the same rows (r/prediction.R), and its limiting cases."""

import numpy as np
import pytest

from containers.association.measures.calibration import calibration_curve, probability
from tests.association.made import design
from tests.association.test_logistic import COEFFICIENTS
from tests.association.test_resampling import INTERCEPT, SLOPE

# r/prediction.R, "calibrate"
SHOWN = [0, 1, 12, 24, 39, 49]
ENDS = (0.035579101191168, 0.54244364804969)
APPARENT = [0.0353451492142, 0.046513683429094, 0.16202527513073, 0.27321237348784, 0.44395300868793, 0.57692257691486]
CORRECTED = [
    0.06007155855522,
    0.066313737125111,
    0.17173797040858,
    0.26572931065228,
    0.43287605274569,
    0.54592588710616,
]
USED = [45, 51, 60, 60, 59, 46]
MEAN_ERROR, MEAN_SQUARED_ERROR, P90_ERROR = 0.014776654734526, 0.00028477483947106, 0.026328657452977


def test_agrees_with_rms() -> None:
    x, y = design()
    found = calibration_curve(x, y, np.array(COEFFICIENTS), seed=7, resamples=60)
    assert (found.predicted[0], found.predicted[-1]) == pytest.approx(ENDS, rel=1e-10)
    np.testing.assert_allclose(found.apparent[SHOWN], APPARENT, rtol=1e-10)
    np.testing.assert_allclose(found.corrected[SHOWN], CORRECTED, rtol=1e-9)
    assert found.used[SHOWN].tolist() == USED and found.fitted == 60
    errors = (found.mean_error, found.mean_squared_error, found.p90_error)
    assert errors == pytest.approx((MEAN_ERROR, MEAN_SQUARED_ERROR, P90_ERROR), rel=1e-9)
    # The same resamples give rms::validate its calibration line.
    assert (found.intercept, found.slope) == pytest.approx((INTERCEPT, SLOPE), rel=1e-9)


def test_order_of_rows_and_shift_of_a_covariate_change_only_what_they_must() -> None:
    x, y = design()
    found = calibration_curve(x, y, np.array(COEFFICIENTS), seed=7, resamples=3)
    shifted, moved = x.copy(), np.array(COEFFICIENTS)
    shifted[:, 1] -= 60.0
    moved[0] += 60.0 * moved[1]
    again = calibration_curve(shifted, y, moved, seed=7, resamples=3)
    np.testing.assert_allclose(again.corrected, found.corrected, atol=1e-9)
    # Other rows are drawn after a permutation: the apparent curve stays, the corrected one does not.
    turned = calibration_curve(x[::-1], y[::-1], np.array(COEFFICIENTS), seed=7, resamples=3)
    np.testing.assert_allclose(turned.apparent, found.apparent, atol=1e-12)
    assert np.nanmax(np.abs(turned.corrected - found.corrected)) > 1e-4


def test_too_few_rows_and_equal_predictions_are_refused() -> None:
    x, y = design()
    with pytest.raises(ValueError, match="at least 11 rows"):
        calibration_curve(x[:10, :1], y[:10], np.zeros(1), seed=0, resamples=2)
    with pytest.raises(ValueError, match="all predictions are equal"):
        calibration_curve(x[:, :1], y, np.zeros(1), seed=0, resamples=2)


def test_probability_at_the_ends_of_the_numbers() -> None:
    assert probability(np.array([-1000.0, 0.0, 1000.0])).tolist() == [0.0, 0.5, 1.0]
