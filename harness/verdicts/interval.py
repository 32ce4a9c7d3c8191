"""Intervals of exact rationals, closed at both ends.

Invariant: for all values inside the operands, the true result lies inside the result. The four operations are
exact; square root, logarithm and exponential are rounded, outwards, at 30 decimals or digits.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

_ROOT_SCALE = 10**30
_CONTEXT = Context(prec=50)
_MARGIN = Fraction(1, 10**30)
"""Far above the rounding of 50 digits, far below any printed digit."""


def _decimal(value: Fraction) -> Decimal:
    return _CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))


@dataclass(frozen=True)
class Interval:
    """All numbers from `low` to `high`, both included. Raises ValueError when low > high."""

    low: Fraction
    high: Fraction

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"interval from {self.low} down to {self.high}")

    @classmethod
    def point(cls, value: Fraction | int | str) -> "Interval":
        """The interval that holds one number only."""
        return cls(Fraction(value), Fraction(value))

    @classmethod
    def hull(cls, values: Iterable[Fraction]) -> "Interval":
        """The smallest interval that holds all values."""
        known = list(values)
        return cls(min(known), max(known))

    @property
    def middle(self) -> Fraction:
        return (self.low + self.high) / 2

    def __add__(self, other: "Interval") -> "Interval":
        return Interval(self.low + other.low, self.high + other.high)

    def __sub__(self, other: "Interval") -> "Interval":
        return Interval(self.low - other.high, self.high - other.low)

    def __mul__(self, other: "Interval") -> "Interval":
        return Interval.hull(a * b for a in (self.low, self.high) for b in (other.low, other.high))

    def __truediv__(self, other: "Interval") -> "Interval":
        """Raises ZeroDivisionError when the divisor holds zero."""
        if other.low <= 0 <= other.high:
            raise ZeroDivisionError("the divisor's interval holds zero")
        return Interval.hull(a / b for a in (self.low, self.high) for b in (other.low, other.high))

    def scaled(self, factor: Fraction | int | str) -> "Interval":
        """Every value times an exact factor."""
        return self * Interval.point(factor)

    def square(self) -> "Interval":
        """All squares; tighter than `self * self` when the interval holds zero."""
        ends = (self.low**2, self.high**2)
        return Interval(Fraction(0) if self.low <= 0 <= self.high else min(ends), max(ends))

    def root(self) -> "Interval":
        """Square roots of the values that have one, rounded outwards. Raises ValueError when none has."""
        if self.high < 0:
            raise ValueError("square root of a negative interval")
        low = max(self.low, Fraction(0)) * _ROOT_SCALE**2
        high = self.high * _ROOT_SCALE**2
        return Interval(
            Fraction(math.isqrt(math.floor(low)), _ROOT_SCALE), Fraction(math.isqrt(math.ceil(high)) + 1, _ROOT_SCALE)
        )

    def log(self) -> "Interval":
        """Natural logarithms, rounded outwards. Raises ValueError when the interval is not positive."""
        if self.low <= 0:
            raise ValueError("logarithm of an interval that is not positive")
        return Interval(
            *(Fraction(_decimal(v).ln(_CONTEXT)) + e for v, e in ((self.low, -_MARGIN), (self.high, _MARGIN)))
        )

    def exp(self) -> "Interval":
        """Exponentials, rounded outwards by a relative margin."""
        low, high = (Fraction(_decimal(v).exp(_CONTEXT)) for v in (self.low, self.high))
        return Interval(low * (1 - _MARGIN), high * (1 + _MARGIN))

    def meets(self, other: "Interval") -> bool:
        """Whether some number lies in both."""
        return self.low <= other.high and other.low <= self.high

    def inside(self, other: "Interval") -> bool:
        """Whether every number here lies in the other."""
        return other.low <= self.low and self.high <= other.high

    def gap(self, other: "Interval") -> Fraction:
        """Distance between disjoint intervals, 0 when they meet."""
        return max(Fraction(0), other.low - self.high, self.low - other.high)


def total(parts: Iterable[Interval]) -> Interval:
    """Sum of intervals."""
    result = Interval.point(0)
    for part in parts:
        result += part
    return result


def product(factors: Iterable[Interval]) -> Interval:
    """Product of intervals."""
    result = Interval.point(1)
    for factor in factors:
        result *= factor
    return result


def _places(value: Fraction, digits: int) -> int:
    """Decimal places that give a number this many significant digits."""
    magnitude = 0
    while abs(value) >= Fraction(10) ** (magnitude + 1):
        magnitude += 1
    while value != 0 and abs(value) < Fraction(10) ** magnitude:
        magnitude -= 1
    return max(0, digits - 1 - magnitude)


def _written(units: int, places: int) -> str:
    """A whole number of units of the last place, without trailing zeros."""
    whole, rest = divmod(abs(units), 10**places)
    fraction = f"{rest:0{places}d}".rstrip("0") if places else ""
    return ("−" if units < 0 else "") + f"{whole:,}" + (f".{fraction}" if fraction else "")


def decimal(value: Fraction, digits: int = 6) -> str:
    """A decimal of `digits` significant digits, cut off; a final `…` says that more digits follow."""
    places = _places(value, digits)
    scaled = abs(value) * 10**places
    units = math.floor(scaled)
    return _written(-units if value < 0 else units, places) + ("…" if units != scaled else "")


def show(interval: Interval) -> str:
    """`low to high`, rounded outwards at six significant digits, or the number itself when there is only one."""
    if interval.low == interval.high:
        return decimal(interval.low)
    places = _places(max(abs(interval.low), abs(interval.high)), 6)
    low, high = math.floor(interval.low * 10**places), math.ceil(interval.high * 10**places)
    return f"{_written(low, places)} to {_written(high, places)}"
