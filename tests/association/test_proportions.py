"""Wilson intervals and trend tests against R (r/descriptive.R), and the formula that ukb_thigh prints."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from containers.association.measures.prevalence import wilson_interval
from containers.association.measures.trend import cochran_armitage, trend_as_printed

# prop.test(events, n, correct = FALSE)$conf.int
WILSON = {
    (0, 20): (0.0, 0.161125158052819),
    (20, 20): (0.838874841947181, 1.0),
    (1, 30): (0.00590859038161246, 0.166703909914092),
    (83, 86): (0.902391288974392, 0.988066201922592),
    (6003, 27518): (0.213308117638339, 0.223066805776227),
}
SMOKERS, PATIENTS = np.array([83, 90, 129, 70.0]), np.array([86, 93, 136, 82.0])
ORDER = np.arange(1, 5.0)


@pytest.mark.parametrize("case", WILSON)
def test_wilson_agrees_with_prop_test(case: tuple[int, int]) -> None:
    assert wilson_interval(*case) == pytest.approx(WILSON[case], rel=1e-12, abs=1e-15)


@given(n=st.integers(1, 500), data=st.data())
def test_wilson_ends_solve_the_score_equation(n: int, data: st.DataObject) -> None:
    events = data.draw(st.integers(0, n))
    for end in wilson_interval(events, n, 0.9):
        if 0 < end < 1:
            score = (events / n - end) / math.sqrt(end * (1 - end) / n)
            assert abs(score) == pytest.approx(1.6448536269514722, rel=1e-6)
        else:
            assert events in (0, n)


def test_wilson_refuses_what_is_no_share() -> None:
    for events, n in ((0, 0), (3, 2), (-1, 4)):
        with pytest.raises(ValueError, match="events of"):
            wilson_interval(events, n)


def test_standard_trend_agrees_with_prop_trend_test() -> None:
    found = cochran_armitage(SMOKERS, PATIENTS, ORDER)
    assert found.z == pytest.approx(-math.sqrt(8.22492228519771), rel=1e-12)
    assert found.p == pytest.approx(0.00413189747764149, rel=1e-10)
    assert cochran_armitage(SMOKERS, PATIENTS, np.array([0, 0, 1, 3.0])).z ** 2 == pytest.approx(12.0100832467734)


def test_printed_formula_by_hand() -> None:
    # 2 groups of 10 and 40 with 5 and 10 events: P = 0.3; weights 1 and 2:
    # (1 (0.5 - 0.3) + 2 (0.25 - 0.3)) / sqrt(0.3 0.7 (1 / 10 + 4 / 40)) = 0.1 / sqrt(0.042).
    found = trend_as_printed(np.array([5, 10.0]), np.array([10, 40.0]), np.array([1, 2.0]))
    assert found.z == pytest.approx(0.1 / math.sqrt(0.042), rel=1e-14)


def test_adding_to_the_weights_changes_the_printed_formula_only() -> None:
    for weights in (ORDER + 5, 10 * ORDER, ORDER - 9):
        assert cochran_armitage(SMOKERS, PATIENTS, weights).z == pytest.approx(
            cochran_armitage(SMOKERS, PATIENTS, ORDER).z, rel=1e-12
        )
    moved, printed = (trend_as_printed(SMOKERS, PATIENTS, w).z for w in (ORDER + 5, ORDER))
    assert abs(moved - printed) > 0.1


def test_printed_formula_is_too_small_under_a_clear_trend() -> None:
    # Equal groups and centred weights are the one case where the two agree.
    n, centred = np.full(4, 200.0), np.array([-1.5, -0.5, 0.5, 1.5])
    events = np.array([20, 40, 60, 80.0])
    assert trend_as_printed(events, n, centred).z == pytest.approx(cochran_armitage(events, n, centred).z, rel=1e-12)
    assert trend_as_printed(events, n, ORDER).z < 0.5 * cochran_armitage(events, n, ORDER).z


def test_trend_underflow_and_refusals() -> None:
    found = cochran_armitage(np.array([100, 90000.0]), np.array([100000, 100000.0]), np.array([1, 2.0]))
    assert found.p == 0.0 and -70000 < found.log10_p < -10000
    bad = {
        "no rows": (np.array([1, 0.0]), np.array([5, 0.0]), np.array([1, 2.0])),
        "two different weights": (SMOKERS, PATIENTS, np.ones(4)),
        "with and without": (np.zeros(4), PATIENTS, ORDER),
    }
    for message, case in bad.items():
        for test in (cochran_armitage, trend_as_printed):
            with pytest.raises(ValueError, match=message):
                test(*case)
