"""Formulas over intervals: every member's value lies inside, and what is not a formula is refused."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.claims.expressions import evaluate
from harness.claims.formula import parse
from harness.claims.interval import Interval

ends = st.fractions(Fraction(1, 10), 50, max_denominator=200)
CASES = {
    "a * b - a / b": lambda a, b: a * b - a / b,
    "(a - b) ** 2 / (a + b)": lambda a, b: (a - b) ** 2 / (a + b),
    "sqrt(a ** 2 + b ** 2)": lambda a, b: math.hypot(a, b),
    "exp(log(a) - 0.5 * log(b))": lambda a, b: a / math.sqrt(b),
    "abs(a - b) + max(a, b) - min(a, b)": lambda a, b: abs(a - b) + max(a, b) - min(a, b),
    "-a ** -1 + 2.5": lambda a, b: -1 / a + 2.5,
}


@settings(max_examples=60, deadline=None)
@given(
    a=st.tuples(ends, ends),
    b=st.tuples(ends, ends),
    at=st.tuples(*[st.floats(0, 1)] * 2),
    case=st.sampled_from(sorted(CASES)),
)
def test_members_lie_inside(
    a: tuple[Fraction, Fraction], b: tuple[Fraction, Fraction], at: tuple[float, float], case: str
) -> None:
    boxes = {"a": Interval(min(a), max(a)), "b": Interval(min(b), max(b))}
    found = evaluate(case, boxes)
    values = [float(box.low) + t * float(box.high - box.low) for box, t in zip(boxes.values(), at, strict=True)]
    value = CASES[case](*values)
    slack = 1e-9 * (1 + abs(value))
    assert float(found.low) - slack <= value <= float(found.high) + slack


def test_an_operand_that_stands_twice_is_cut_into_parts() -> None:
    # a / (a + 1) rises from 0.5 to 0.75 for a from 1 to 3; taken apart it would reach from 0.25 to 1.5
    found = evaluate("a / (a + 1)", {"a": Interval(Fraction(1), Fraction(3))})
    assert Fraction("0.49") < found.low <= Fraction(1, 2)
    assert Fraction(3, 4) <= found.high < Fraction("0.76")


@pytest.mark.parametrize(
    "text",
    [
        "a +",
        "a ** b",
        "a ** 0.5",
        "__import__('os')",
        "a.real",
        "sin(a)",
        "[a]",
        "a if a else b",
        "sqrt(a, b)",
        "exp(a=1)",
        "'a'",
        "a ** 1000",
        "True",
        "lambda: a",
        "a // b",
        "",
    ],
)
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)
