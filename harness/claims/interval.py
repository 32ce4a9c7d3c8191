"""Intervals of exact rationals, closed at both ends.

Invariant: for all values inside the operands, the true result lies inside the result. The four operations are
exact; square root, logarithm and exponential are rounded, outwards, at 30 decimals or digits; functions computed in
binary floating point are widened by a relative margin far above their error.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

_ROOT_SCALE = 10**30
_CONTEXT = Context(prec=50)
_MARGIN = Fraction(1, 10**30)
"""Far above the rounding of 50 digits, far below any printed digit."""
_FLOAT_MARGIN = Fraction(1, 10**9)
"""Relative; far above the error of the special functions in double precision, far below any printed digit."""
_FAR = Fraction(10) ** 100
"""Beyond every printed number too: what arithmetic makes of no limit is none."""
_LARGEST_EXPONENT = 600
LIMITLESS = Fraction(10) ** 300
"""Stands for no limit, in an interval that is open to one side (`< 0.001`): above every number that is printed."""


def _decimal(value: Fraction) -> Decimal:
    return _CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))


@dataclass(frozen=True)
class Interval:
    """All numbers from `low` to `high`, both included. Raises ValueError when low > high."""

    low: Fraction
    """The smallest number, exact."""
    high: Fraction
    """The largest number, exact."""

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

    @classmethod
    def at_most(cls, value: Fraction) -> "Interval":
        """Everything up to a value."""
        return cls(-LIMITLESS, value)

    @classmethod
    def at_least(cls, value: Fraction) -> "Interval":
        """Everything from a value on."""
        return cls(value, LIMITLESS)

    @property
    def limited(self) -> bool:
        """Whether the interval ends on both sides."""
        return self.low > -_FAR and self.high < _FAR

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
        """Every value times an exact factor. What has no limit has none afterwards."""
        if not self.limited:
            assert Fraction(factor) > 0, "only a bound in another unit is scaled"
            low, high = (end if abs(end) >= _FAR else end * Fraction(factor) for end in (self.low, self.high))
            return Interval(low, high)
        return self * Interval.point(factor)

    def square(self) -> "Interval":
        """All squares; tighter than `self * self` when the interval holds zero."""
        ends = (self.low**2, self.high**2)
        return Interval(Fraction(0) if self.low <= 0 <= self.high else min(ends), max(ends))

    def power(self, exponent: int) -> "Interval":
        """A whole power of the values. Raises ZeroDivisionError for a negative one of an interval that holds zero."""
        if exponent < 0:
            return Interval.point(1) / self.power(-exponent)
        ends = (self.low**exponent, self.high**exponent)
        if exponent % 2 == 0 and self.low <= 0 <= self.high:
            return Interval(Fraction(0), max(ends))
        return Interval(min(ends), max(ends))

    def absolute(self) -> "Interval":
        """The values without their sign."""
        ends = (abs(self.low), abs(self.high))
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
        """Exponentials, rounded outwards by a relative margin. Raises ValueError beyond all printed numbers."""
        if self.high > _LARGEST_EXPONENT:
            raise ValueError("exponential of a number above 600")
        low, high = (Fraction(_decimal(v).exp(_CONTEXT)) for v in (self.low, self.high))
        return Interval(low * (1 - _MARGIN), high * (1 + _MARGIN))

    def cut(self, other: "Interval") -> "Interval":
        """What both hold. Raises ValueError when they are disjoint."""
        if not self.meets(other):
            raise ValueError(f"a number that stands for {show(self)} cannot be: possible is {show(other)}")
        return Interval(max(self.low, other.low), min(self.high, other.high))

    def meets(self, other: "Interval") -> bool:
        """Whether some number lies in both."""
        return self.low <= other.high and other.low <= self.high

    def inside(self, other: "Interval") -> bool:
        """Whether every number here lies in the other."""
        return other.low <= self.low and self.high <= other.high

    def gap(self, other: "Interval") -> Fraction:
        """Distance between disjoint intervals, 0 when they meet."""
        return max(Fraction(0), other.low - self.high, self.low - other.high)


def corners(function: Callable[..., float], *boxes: Interval) -> Interval:
    """Range of a function over a box, for one that is monotone in each argument (in whatever direction, which may
    depend on the others): its extremes are at corners. Evaluated in double precision and widened.

    Raises ValueError when a corner has no finite value.
    """
    ends = [dict.fromkeys((box.low, box.high)) for box in boxes]
    values = [function(*(float(end) for end in corner)) for corner in itertools.product(*ends)]
    if not all(math.isfinite(value) for value in values):
        raise ValueError("no finite value for some numbers inside the printed roundings")
    low, high = Fraction(min(values)), Fraction(max(values))
    return Interval(low - abs(low) * _FLOAT_MARGIN, high + abs(high) * _FLOAT_MARGIN)


def subdivided(function: Callable[..., Interval], boxes: Sequence[Interval], parts: int) -> Interval:
    """Range of a function given as interval arithmetic, for one that is not monotone or uses an argument twice.

    Every box is cut into `parts`; the hull of the results holds the range (each of them does so for its part), and
    is the tighter the more parts there are.
    """
    cut = [
        [box]
        if box.low == box.high
        else [
            Interval(box.low + (box.high - box.low) * i / parts, box.low + (box.high - box.low) * (i + 1) / parts)
            for i in range(parts)
        ]
        for box in boxes
    ]
    found = [function(*choice) for choice in itertools.product(*cut)]
    return Interval(min(f.low for f in found), max(f.high for f in found))


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


_MOST_PLACES = 18


def _magnitude(value: Fraction) -> int:
    """The power of ten of the first digit; 0 for zero."""
    if value == 0:
        return 0
    over, under = abs(value.numerator), value.denominator
    power = len(str(over)) - len(str(under))
    return power if over * 10 ** max(0, -power) >= under * 10 ** max(0, power) else power - 1


def _places(value: Fraction, digits: int) -> int:
    """Decimal places that give a number this many significant digits."""
    return max(0, digits - 1 - _magnitude(value))


def _written(units: int, places: int) -> str:
    """A whole number of units of the last place, without trailing zeros; far behind the point with a power of ten."""
    if units and places > _MOST_PLACES:
        digits = str(abs(units))
        mantissa = f"{digits[0]}.{digits[1:]}".rstrip("0").rstrip(".")
        return f"{'−' if units < 0 else ''}{mantissa}e{len(digits) - 1 - places}".replace("e-", "e−")
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
    """`low to high`, rounded outwards at six significant digits, or the number itself when there is only one.

    `at most high` or `at least low` for an interval without limit on the other side.
    """
    if interval.low <= -_FAR:
        return "anything" if interval.high >= _FAR else f"at most {show(Interval.point(interval.high))}"
    if interval.high >= _FAR:
        return f"at least {show(Interval.point(interval.low))}"
    if interval.low == interval.high:
        return decimal(interval.low)
    places = _places(max(abs(interval.low), abs(interval.high)), 6)
    low, high = math.floor(interval.low * 10**places), math.ceil(interval.high * 10**places)
    return f"{_written(low, places)} to {_written(high, places)}"
