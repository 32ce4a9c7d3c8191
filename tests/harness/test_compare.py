"""Two records compared number by number: by hand, and nothing is passed over."""

import math

from hypothesis import given
from hypothesis import strategies as st

from containers.contract.record import Metric, Record, StageId
from harness.run.steps.compare import Row, compare, summary

FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)


def record(**values: float | None) -> Record:
    metrics = {
        name.replace("__", "."): Metric(value=value, unit="1", note="" if value is not None else "undefined")
        for name, value in values.items()
    }
    return Record(stage=StageId(name="s", version="1.0.0"), item="i", status="ok", metrics=metrics)


def test_differences_by_hand() -> None:
    left = record(coefficient__a=1.0, coefficient__b=-2.0, p__a=0.5, n=10)
    right = record(coefficient__a=1.0, coefficient__b=-2.002, p__a=None, n=10, extra=3.0)
    found = {name: metric.value for name, metric in summary(compare(left, right)).items()}
    assert math.isclose(found["relative_difference_max.coefficient"] or 0, 0.002 / 2.002)
    assert math.isclose(found["difference_max.coefficient"] or 0, 0.002)
    assert found["compared.coefficient"] == 2
    assert found["one_sided.p"] == 1
    assert found["one_sided.extra"] == 1
    assert "relative_difference_max.p" not in found
    assert (found["compared"], found["one_sided"]) == (3, 2)


def test_the_worst_metric_is_named() -> None:
    rows = compare(record(coefficient__a=1.0, coefficient__b=1.0), record(coefficient__a=1.1, coefficient__b=1.0))
    assert summary(rows)["relative_difference_max.coefficient"].note == "coefficient.a"


def test_numbers_that_are_zero_but_for_rounding_are_equal() -> None:
    row = Row("calibration_intercept.m", 3e-15, -2e-14)
    assert (row.relative, row.digits) == (0.0, 16)
    assert Row("x", 1e-6, 2e-6).relative == 0.5


@given(FINITE, FINITE)
def test_the_order_of_the_records_does_not_matter(a: float, b: float) -> None:
    here, there = Row("x", a, b), Row("x", b, a)
    assert here.relative == there.relative
    assert here.relative is not None and 0 <= here.relative <= 2
    assert here.digits == there.digits


@given(FINITE.filter(lambda v: abs(v) > 1.0), st.integers(min_value=1, max_value=10))
def test_digits_are_those_that_agree(value: float, digits: int) -> None:
    """A relative change of 2 in digit n + 1 leaves n digits, for numbers whose change is above the floor."""
    assert Row("x", value, value * (1 + 2 * 10.0 ** -(digits + 1))).digits == digits
