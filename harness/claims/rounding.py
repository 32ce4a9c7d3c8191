"""Which values a printed number stands for, under one convention of rounding."""

from fractions import Fraction
from typing import Literal

from harness.claims.interval import Interval
from harness.claims.printed import PrintedNumber

Convention = Literal["nearest", "truncated"]
_ALMOST = 1 - Fraction(1, 10**9)
"""Of a step: a number is cut off up to the next one, which does not belong to it."""


def trailing_step(number: PrintedNumber) -> Fraction:
    """The unit that the trailing zeros of a whole number suggest: 100 for 12,300, 1 for 12,335."""
    step = Fraction(1)
    while number.value and number.step >= 1 and number.value % (step * 10) == 0:
        step *= 10
    return max(number.step, step) if number.step >= 1 else number.step


def printed_interval(number: PrintedNumber, convention: Convention = "nearest") -> Interval:
    """All values that are printed as this number.

    `~` doubles the width, or takes trailing zeros for rounding when that is wider; an exact number stands for itself.
    A bound reaches to no limit: `< x` to x, `≤ x` to all that round to x.
    """
    if number.bound:
        half = number.step / 2 if number.bound in ("<=", ">=") else Fraction(0)
        if number.bound in ("<", "<="):
            return Interval.at_most(number.value + half)
        return Interval.at_least(number.value - half)
    if convention == "truncated" and not number.about:
        reach = number.step * _ALMOST
        return Interval.hull((number.value, number.value + (reach if number.value >= 0 else -reach)))
    half = max(number.step, trailing_step(number) / 2) if number.about and number.step else number.step / 2
    return Interval(number.value - half, number.value + half)
