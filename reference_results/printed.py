"""Numbers as printed: the value, and the unit of the last printed digit that says how far it was rounded.

Invariant: everything is an exact rational made from the decimal string, so that no binary rounding of ours
is ever mistaken for a paper's.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBER = re.compile(
    r"\b(?P<word>" + "|".join(_WORDS) + r")\b|"
    r"(?P<about>(?:[~≈]|approximately)\s*)?(?P<sign>(?<![0-9.])[-−])?(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.(?P<digits>[0-9]+))?"
)
_BOUND = re.compile(r"(?:[<>≤≥]|\b(?:under|over|below|above|at least|at most|exceeding))\s*(?=[0-9])")
_DECIMAL_COMMA = re.compile(r"(?<![0-9,.])(?:0,[0-9]+|[0-9]+,(?:[0-9]{1,2}|[0-9]{4,}))(?![0-9,])")


@dataclass(frozen=True)
class PrintedNumber:
    """One number in a printed string. `step` is one unit of its last digit; `about` tells a leading `~`, `≈` or
    `approximately`."""

    value: Fraction
    step: Fraction
    about: bool = False

    @property
    def text(self) -> str:
        """The number alone, in one style: comma for thousands, point for decimals, a true minus sign."""
        digits = len(str(self.step.denominator)) - 1
        exact = Decimal(self.value.numerator) / Decimal(self.value.denominator)
        return f"{exact:,.{digits}f}".replace("-", "−")

    def rounded(self, step: Fraction) -> "PrintedNumber":
        """The same value read as if rounded to `step` (for example 40 as rounded to tens)."""
        return PrintedNumber(self.value, step, self.about)


def numbers(text: str) -> list[PrintedNumber]:
    """All numbers of a printed string from left to right. Thousands separators are commas, and
    the words one to twelve count.

    A hyphen between two digits is a range, not a sign. Raises ValueError when there is no number, for a bound
    (`< 0.001`, `under 2`), which is no value, and for a decimal comma, which would read as thousands.
    """
    if bound := _BOUND.search(text):
        raise ValueError(f"{bound[0]!r} in {text!r} is a bound, not a value")
    if comma := _DECIMAL_COMMA.search(text):
        raise ValueError(f"{comma[0]!r} in {text!r} has a decimal comma; write a point")
    found = []
    for match in _NUMBER.finditer(text):
        if match["word"]:
            found.append(PrintedNumber(Fraction(_WORDS.index(match["word"]) + 1), Fraction(1)))
            continue
        digits = match["digits"] or ""
        step = Fraction(1, 10 ** len(digits))
        value = int(match["whole"].replace(",", "") + digits) * step
        found.append(PrintedNumber(-value if match["sign"] else value, step, match["about"] is not None))
    if not found:
        raise ValueError(f"no number in {text!r}")
    return found
