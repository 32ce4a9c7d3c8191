"""Tail probabilities and their logarithms against R and closed forms, where they underflow too."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import stdtr

from containers.toolkit.tables.cohort import tails

LN10 = math.log(10)


@pytest.mark.parametrize(
    ("tail", "log", "sides"),
    [
        # R: pt(-50, 3.7, log.p=TRUE) and so on; two-sided tails are twice as large
        (tails.student(50, 3.7), -13.69623571431883, 2),
        (tails.student(-60, 40.5), -93.86656305803282, 2),
        (tails.student(400, 400), -1202.70633904613169, 2),
        (tails.normal(-45), -1017.22609424195241, 2),
        (tails.chi_square(3000, 12), -1468.21805314017729, 1),
        (tails.chi_square(900, 1), -453.62809677578321, 1),
        (tails.fisher(500, 6, 900), -648.84307677260938, 1),
        (tails.fisher(1e5, 3, 2.5), -14.14794631897225, 1),
    ],
)
def test_log_p_agrees_with_r_where_p_underflows(tail: tails.Tail, log: float, sides: int) -> None:
    assert tail.log10_p == pytest.approx((log + math.log(sides)) / LN10, rel=1e-12)
    assert tail.p == pytest.approx(math.exp(log) * sides, rel=1e-9)


def test_student_quantile_with_broken_degrees_of_freedom() -> None:
    # R: qt(.975, 2.33)
    assert tails.student_quantile(0.95, 2.33) == pytest.approx(3.76834150745657, rel=1e-10)


@pytest.mark.parametrize("x", [0.0, 3.0, 100.0, 1300.0, 1330.0, 1340.0, 1360.0, 5000.0])
def test_chi_square_of_four_has_a_closed_form(x: float) -> None:
    # Its upper tail is exp(-x/2) (1 + x/2); the range goes over the place where p underflows.
    expected = (-x / 2 + math.log1p(x / 2)) / LN10
    assert tails.chi_square(x, 4).log10_p == pytest.approx(expected, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("t", [0.0, 1.0, 1e3, 1e100, 1e150])
def test_student_of_two_has_a_closed_form(t: float) -> None:
    # Two-sided tail with 2 df: 1 - t / sqrt(2 + t^2) = 2 / (r (r + t)), r = sqrt(2 + t^2).
    r = math.hypot(math.sqrt(2), t)
    expected = math.log10(2) - math.log10(r) - math.log10(r + t)
    assert tails.student(t, 2).log10_p == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_student_of_one_has_a_closed_form_however_large_t_is() -> None:
    # Cauchy: the two-sided tail is 2/pi atan(1/t), for large t 2 / (pi t); t^2 is beyond floats here.
    assert tails.student(1e300, 1).log10_p == pytest.approx(math.log10(2 / math.pi) - 300, rel=1e-12)


def test_infinite_t_has_no_tail() -> None:
    assert tails.student(math.inf, 5) == (0.0, -math.inf)


@pytest.mark.parametrize(
    ("z", "log10_p"),
    [
        # R: (pnorm(-abs(z), log.p = TRUE) + log(2)) / log(10)
        (0.0, 0.0),
        (-1.959963984540054, -1.3010299956639813),
        (40.0, -349.1359764636819),
    ],
)
def test_normal_agrees_with_r(z: float, log10_p: float) -> None:
    p, log10 = tails.normal(z)
    assert log10 == pytest.approx(log10_p, rel=1e-13, abs=1e-15)
    assert p == pytest.approx(10**log10_p, rel=1e-12)


@pytest.mark.parametrize(
    ("chi2", "df", "log10_p"),
    [
        # R: pchisq(chi2, df, lower = FALSE, log.p = TRUE) / log(10)
        (0.0, 2, 0.0),
        (5.0, 3, -0.7649840595180385),
        (1500.0, 1, -327.4072560441664),
        (3000.0, 3, -649.8010774735184),
    ],
)
def test_chi_square_agrees_with_r(chi2: float, df: int, log10_p: float) -> None:
    p, log10 = tails.chi_square(chi2, df)
    assert log10 == pytest.approx(log10_p, rel=1e-13, abs=1e-15)
    assert p == pytest.approx(10**log10_p, rel=1e-12)


@given(t=st.floats(0.01, 60), df=st.floats(0.5, 400))
@settings(max_examples=100, deadline=None)
def test_continued_fraction_continues_the_ordinary_tail(t: float, df: float) -> None:
    p, log10_p = tails.student(t, df)
    assert p == pytest.approx(2 * float(stdtr(df, -t)), rel=1e-12)
    assert log10_p == pytest.approx(math.log10(p), rel=1e-12, abs=1e-15)
    # Where p is 0 as a number, halving t steps back into the range that scipy covers.
    far = 1e4 * t
    _, beyond = tails.student(far, df)
    assert math.isfinite(beyond) and beyond < log10_p
