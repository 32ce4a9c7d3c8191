"""Readings that fit any number: rounding by trailing zeros, and slips of the pen."""

from dataclasses import replace
from fractions import Fraction

from harness.claims.interval import Interval
from harness.claims.ledger import Claim
from harness.claims.printed import PrintedNumber, is_range
from harness.claims.reading import Reading, Terms
from harness.claims.rounding import printed_interval, trailing_step


def _exchanged(number: PrintedNumber) -> list[PrintedNumber]:
    """The number with each pair of unequal neighbouring digits exchanged, but for a leading zero before them."""
    sign = -1 if number.value < 0 else 1
    step = number.step or Fraction(1)
    digits = str(abs(number.value) / step)
    found = []
    for i in range(len(digits) - 1):
        if digits[i] != digits[i + 1]:
            swapped = digits[:i] + digits[i + 1] + digits[i] + digits[i + 2 :]
            found.append(replace(number, value=sign * int(swapped) * step))
    return found


def _best(values: Terms, targets: list[Interval]) -> Interval:
    """The first target that agrees with all computed values, or the first one."""
    return next((t for t in targets if all(value.meets(t) for _, value in values)), targets[0])


def generic(claim: Claim, plain: Reading) -> list[Reading]:
    """Of a claim that is one printed number: trailing zeros as rounding; digits exchanged, decimal point moved, sign
    turned (where the computed sign is the other one), which only explain."""
    if is_range(claim.printed) or plain.stands or plain.unit:
        return []
    number = claim.parsed()[0]
    if number.bound or (number.step and (abs(number.value) / number.step).denominator != 1):
        return []
    found = []
    rough = trailing_step(number)
    if not claim.exact and rough > number.step and (number.about or rough >= 100):
        target = printed_interval(replace(number, step=rough, about=False))
        found.append(Reading(f"with the number rounded to {rough}s", plain.computed, target, "claim"))
    if swaps := _exchanged(number):
        target = _best(plain.computed, [printed_interval(n) for n in swaps])
        found.append(Reading("with two digits exchanged", plain.computed, target, tries=len(swaps)))
    moved = [printed_interval(replace(number, value=number.value * f, step=number.step * f)) for f in _TENS]
    found.append(Reading("with the decimal point moved", plain.computed, _best(plain.computed, moved)))
    if all(value.high * number.value < 0 for _, value in plain.computed):
        turned = printed_interval(replace(number, value=-number.value))
        found.append(Reading("with the sign turned", plain.computed, turned))
    return found


_TENS = (Fraction(10), Fraction(1, 10), Fraction(100), Fraction(1, 100), Fraction(1000), Fraction(1, 1000))
