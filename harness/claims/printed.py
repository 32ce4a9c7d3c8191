"""Numbers as printed: the value, and the unit of the last printed digit that says how far it was rounded.

Invariant: everything is an exact rational made from the decimal string, so that no binary rounding of ours
is ever mistaken for a paper's.
"""

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Literal

Bound = Literal["", "<", "<=", ">", ">="]
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_BOUNDS: dict[Bound, tuple[str, ...]] = {
    "<": ("<", "under", "below", "less than", "fewer than"),
    "<=": ("≤", "<=", "at most", "up to", "no more than"),
    ">": (">", "over", "above", "exceeding", "more than", "greater than"),
    ">=": ("≥", ">=", "at least", "no fewer than"),
}
_SIGNS = {text: bound for bound, texts in _BOUNDS.items() for text in texts}
_BOUND_TEXT = "|".join((r"\b" if t[0].isalpha() else "") + re.escape(t) for t in sorted(_SIGNS, key=len, reverse=True))
_NUMBER = re.compile(
    r"(?:(?P<bound>" + _BOUND_TEXT + r")\s*)?"
    r"(?:\b(?P<word>" + "|".join(_WORDS) + r")\b|"
    r"(?P<about>(?:[~≈]|approximately|approx\.|about|around|roughly|circa|nearly|almost)\s*)?"
    r"(?P<sign>(?<![0-9.%])[-−])?(?<![A-Za-z^_])"
    r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+(?=[^0-9]|$)|(?=\.[0-9]))"
    r"(?:\.(?P<digits>[0-9]+))?(?:(?:[eE]|\s?[×x]\s?10\^?)(?P<power>[-−+]?[0-9]{1,3})\b)?)",
    re.IGNORECASE,
)
_DECIMAL_COMMA = re.compile(r"(?<![0-9,.])(?:0,[0-9]+|[0-9]+,(?:[0-9]{1,2}|[0-9]{4,}))(?![0-9,])")
_LONGEST = 200
_BETWEEN = re.compile(r"\s*%?\s*(?:[–—-]|to)\s*")


@dataclass(frozen=True)
class PrintedNumber:
    """One number in a printed string."""

    value: Fraction
    """The number as it is printed, exact."""
    step: Fraction
    """One unit of its last digit."""
    about: bool = False
    """Whether it is marked as approximate by a leading `~`, `≈` or `approximately`."""
    bound: Bound = ""
    """The sign of a number that is only a limit, such as `<`; empty for a number itself."""

    @property
    def text(self) -> str:
        """The number alone, in one style: comma for thousands, point for decimals, a true minus sign."""
        digits = max(0, len(str(self.step.denominator)) - 1)
        exact = Decimal(self.value.numerator) / Decimal(self.value.denominator)
        sign = {"<=": "≤ ", ">=": "≥ "}.get(self.bound, f"{self.bound} " if self.bound else "")
        return sign + f"{exact:,.{digits}f}".replace("-", "−")

    def rounded(self, step: Fraction) -> "PrintedNumber":
        """The same value read as if rounded to `step` (for example 40 as rounded to tens)."""
        return replace(self, step=step)


def _number(match: re.Match[str]) -> PrintedNumber:
    bound = _SIGNS[match["bound"].lower()] if match["bound"] else ""
    if match["word"]:
        return PrintedNumber(Fraction(_WORDS.index(match["word"].lower()) + 1), Fraction(1), bound=bound)
    digits = match["digits"] or ""
    power = int((match["power"] or "0").replace("−", "-"))
    step = Fraction(1, 10 ** len(digits)) * Fraction(10) ** power
    value = int(match["whole"].replace(",", "") + digits) * step
    return PrintedNumber(-value if match["sign"] else value, step, match["about"] is not None, bound)


def numbers(text: str) -> list[PrintedNumber]:
    """All numbers of a printed string from left to right. Thousands separators are commas, and
    the words one to twelve count; `2.3e-5` and `2.3 × 10^-5` are one number.

    A hyphen between two digits is a range, not a sign. Raises ValueError when there is no number, and for a decimal
    comma, which would read as thousands.
    """
    return list(_numbers(text))


@lru_cache(maxsize=4096)
def _numbers(text: str) -> tuple[PrintedNumber, ...]:
    if len(text) > _LONGEST:
        raise ValueError(f"a printed string has at most {_LONGEST} characters, this one has {len(text)}")
    if comma := _DECIMAL_COMMA.search(text):
        raise ValueError(f"{comma[0]!r} in {text!r} has a decimal comma; write a point")
    found = tuple(_number(match) for match in _NUMBER.finditer(text))
    if not found:
        raise ValueError(f"no number in {text!r}")
    return found


def is_range(text: str) -> bool:
    """Whether the first two numbers of a printed string are the ends of a range: `40–50%`, `1.2 to 1.4`."""
    spans = [match.span() for match in _NUMBER.finditer(text)]
    return len(spans) > 1 and _BETWEEN.fullmatch(text, spans[0][1], spans[1][0]) is not None
