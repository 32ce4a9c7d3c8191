"""The vocabulary of units: factors by hand, and words that are not in it."""

from fractions import Fraction

import pytest

from harness.claims.loader import ledgers
from harness.claims.units import conversion, unit


@pytest.mark.parametrize(
    ("source", "target", "factor"),
    [
        ("cm", "mm", "10"),
        ("ml", "cm3", "1"),
        ("L", "cm3", "1000"),
        ("cm3/m2", "cm3/cm2", "0.0001"),
        ("%", "1", "0.01"),
        ("years", "months", "12"),
        ("h", "s", "3600"),
        ("kg/m²", "kg/m2", "1"),
        ("participants", "patients", "1"),
        ("million people", "people", "1000000"),
        ("SMD per 10 %", "SMD", "10"),
        ("cm3/kg/m2", "cm/kg", "1/10000"),
    ],
)
def test_conversions(source: str, target: str, factor: str) -> None:
    assert conversion(source, target) == Fraction(factor)


@pytest.mark.parametrize(("source", "target"), [("cm", "kg"), ("cm2", "cm3"), ("years", "days"), ("%", "mm")])
def test_different_things_do_not_convert(source: str, target: str) -> None:
    with pytest.raises(ValueError, match="do not measure the same"):
        conversion(source, target)


@pytest.mark.parametrize("text", ["kgs", "furlong", "cm3/mm2x", "kg//m", "mm^", "reels"])
def test_unknown_units(text: str) -> None:
    with pytest.raises(ValueError, match="unknown unit"):
        unit(text)
    assert unit("reels", frozenset({"reels"})).dimension == ()


def test_shipped_ledgers_use_known_units() -> None:
    for ledger in ledgers():
        for entry in (*ledger.numbers, *ledger.claims):
            unit(entry.unit, ledger.counted_words)
