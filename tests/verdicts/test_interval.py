"""Interval arithmetic against sampling and hand-worked numbers."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.claims.interval import Interval, decimal, show
from harness.claims.printed import is_range, numbers
from harness.claims.rounding import printed_interval

fractions = st.fractions(min_value=-1000, max_value=1000, max_denominator=1000)


@st.composite
def interval_and_member(draw: st.DrawFn) -> tuple[Interval, Fraction]:
    low, high = sorted((draw(fractions), draw(fractions)))
    weight = draw(st.fractions(min_value=0, max_value=1, max_denominator=100))
    return Interval(low, high), low + weight * (high - low)


def holds(interval: Interval, value: Fraction) -> bool:
    return interval.low <= value <= interval.high


@given(interval_and_member(), interval_and_member())
def test_results_of_members_stay_inside(a: tuple[Interval, Fraction], b: tuple[Interval, Fraction]) -> None:
    assert holds(a[0] + b[0], a[1] + b[1])
    assert holds(a[0] - b[0], a[1] - b[1])
    assert holds(a[0] * b[0], a[1] * b[1])
    assert holds(a[0].square(), a[1] ** 2)
    if not b[0].low <= 0 <= b[0].high:
        assert holds(a[0] / b[0], a[1] / b[1])
    if a[1] >= 0:
        root = a[0].root()
        assert root.low**2 <= a[1] <= root.high**2


def test_root_is_tight() -> None:
    root = Interval.point(2).root()
    assert root.high - root.low < Fraction(1, 10**29)
    assert decimal(root.low) == "1.41421…"


def test_division_by_an_interval_that_holds_zero_is_refused() -> None:
    with pytest.raises(ZeroDivisionError):
        Interval.point(1) / Interval(Fraction(-1), Fraction(1))
    with pytest.raises(ValueError):
        Interval.point(-1).root()
    with pytest.raises(ValueError):
        Interval(Fraction(1), Fraction(0))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("37,004", [("37004", "1")]),
        ("9321.7", [("9321.7", "0.1")]),
        ("11,166.4", [("11166.4", "0.1")]),
        ("5.99%", [("5.99", "0.01")]),
        ("40–50%", [("40", "1"), ("50", "1")]),
        ("40-50", [("40", "1"), ("50", "1")]),
        ("−0.25", [("-0.25", "0.01")]),
        ("-3", [("-3", "1")]),
        ("2.39 ms (in-phase)", [("2.39", "0.01")]),
        ("six", [("6", "1")]),
        ("2.0 mm", [("2", "0.1")]),
    ],
)
def test_printed_numbers(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(n.value, n.step) for n in numbers(text)] == [(Fraction(v), Fraction(s)) for v, s in expected]


def test_about_widens_to_a_whole_digit_and_text_without_number_is_refused() -> None:
    assert printed_interval(numbers("~13%")[0]) == Interval(Fraction(12), Fraction(14))
    assert printed_interval(numbers("13%")[0]) == Interval(Fraction("12.5"), Fraction("13.5"))
    cut = printed_interval(numbers("13%")[0], "truncated")
    assert cut.low == 13 and Fraction("13.999") < cut.high < 14, "14 itself is not cut off to 13"
    with pytest.raises(ValueError, match="no number"):
        numbers("seven-ish"[5:])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "0"),
        ("28", "28"),
        ("1925.9607438", "1,925.96…"),
        ("0.0009281", "0.0009281"),
        ("-2.5", "−2.5"),
        ("1234567", "1,234,567"),
        ("100", "100"),
    ],
)
def test_decimals(value: str, text: str) -> None:
    assert decimal(Fraction(value)) == text


def test_a_point_is_shown_as_one_number() -> None:
    assert show(Interval.point(28)) == "28"
    assert show(Interval(Fraction(1, 3), Fraction(1, 2))) == "0.333333 to 0.5"


@given(st.fractions(), st.fractions())
def test_a_shown_range_holds_the_interval(one: Fraction, other: Fraction) -> None:
    interval = Interval.hull([one, other])
    if interval.low == interval.high:
        return
    low, high = (Fraction(part.replace(",", "").replace("−", "-")) for part in show(interval).split(" to "))
    assert low <= interval.low and interval.high <= high


@given(st.fractions(Fraction(1, 10**6), 10**6))
def test_log_and_exp_hold_the_true_value(value: Fraction) -> None:
    logs = Interval.point(value).log()
    assert logs.low < logs.high < logs.low + Fraction(1, 10**20)
    assert abs(float(logs.low) - math.log(value)) < 1e-13
    back = logs.exp()
    assert back.low <= value <= back.high


def test_there_is_no_logarithm_of_zero() -> None:
    with pytest.raises(ValueError, match="not positive"):
        Interval(Fraction(0), Fraction(1)).log()


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("<5%", None, "5"),
        ("p < 0.001", None, "0.001"),
        ("P<.001", None, "0.001"),
        ("under 2 min", None, "2"),
        # Up to and including, of a rounded number: all that rounds to it belongs.
        ("≥ 80", "79.5", None),
        ("at most 0.05", None, "0.055"),
        ("over 100", "100", None),
    ],
)
def test_a_bound_reaches_to_one_side(text: str, low: str | None, high: str | None) -> None:
    found = printed_interval(numbers(text)[0])
    assert (found.low == Fraction(low)) if low else not found.limited
    assert (found.high == Fraction(high)) if high else not found.limited
    assert holds(found, Fraction(low or high or 0))


@pytest.mark.parametrize("text", ["0,896", "12,5", "3,14159"])
def test_decimal_commas_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="decimal comma"):
        numbers(text)


@pytest.mark.parametrize(
    ("text", "value", "step"),
    [("2.3e-5", "0.000023", "0.000001"), ("2.3 × 10^-5", "0.000023", "0.000001"), (".05", "0.05", "0.01")],
)
def test_powers_of_ten_and_leading_points(text: str, value: str, step: str) -> None:
    found = numbers(text)
    assert [(n.value, n.step) for n in found] == [(Fraction(value), Fraction(step))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("40–50%", True), ("1.2 to 1.4", True), ("40%-50%", True), ("46 (17%)", False), ("12.3 ± 4.5", False)],
)
def test_ranges_are_told_from_two_numbers(text: str, expected: bool) -> None:
    assert is_range(text) is expected


def test_trailing_zeros_of_an_approximate_number_are_its_rounding() -> None:
    assert printed_interval(numbers("about 12,000")[0]) == Interval(Fraction(11500), Fraction(12500))
    assert printed_interval(numbers("12,000")[0]) == Interval(Fraction("11999.5"), Fraction("12000.5"))
