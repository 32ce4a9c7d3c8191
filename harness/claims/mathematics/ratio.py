"""Powers and logarithms of ratios whose rounding may reach zero, and how they are written."""

from fractions import Fraction

from harness.claims.interval import Interval

ONE = Interval.point(1)
_LEAST = Fraction(1, 10**9)
"""Share of what a ratio printed as zero can be at most, under which it is not looked for."""


def signed_power(value: Interval, power: str) -> Interval:
    """value ** power, for a decimal power; exact for whole ones. Raises ValueError for a value that is not positive
    with a broken power."""
    exponent = Fraction(power)
    if exponent.denominator == 1:
        return value.power(int(exponent))
    return ratio_log(value).scaled(exponent).exp()


def ratio_log(ratio: Interval) -> Interval:
    """Logarithms of a ratio, which is positive whatever its rounding allows: `0.0` is read as above zero.

    Raises ValueError for a ratio printed below zero.
    """
    if ratio.high <= 0:
        raise ValueError("a ratio below zero has no logarithm")
    return (ratio if ratio.low > 0 else Interval(min(ratio.high, ONE.high) * _LEAST, ratio.high)).log()


def minus(text: str) -> str:
    """A true minus sign."""
    return text.replace("-", "−")


def powers_text(texts: list[str], powers: list[str]) -> str:
    """`a × b^2 × c^−1`."""
    return " × ".join(t if p == "1" else f"{t}^{minus(p)}" for t, p in zip(texts, powers, strict=True))
