"""How far a contradiction reaches, and how much luck it takes for one of the readings tried to fit."""

from dataclasses import dataclass
from fractions import Fraction

from harness.claims.interval import Interval, decimal
from harness.claims.reading import Reading


@dataclass(frozen=True)
class Disagreement:
    """How far a contradicted number lies from what was computed."""

    half_widths: float | None
    """Distance in half-widths of the printed rounding; None where nothing was rounded."""
    chance: float | None
    """Probability that a number drawn at random would agree with one of the readings; None where not known."""
    text: str
    """Both as a sentence."""


def _union(pieces: list[Interval]) -> Fraction:
    """Length of the union of intervals."""
    length, reached = Fraction(0), None
    for piece in sorted(pieces, key=lambda i: i.low):
        start = piece.low if reached is None else max(piece.low, reached)
        if piece.high > start:
            length += piece.high - start
        reached = piece.high if reached is None else max(reached, piece.high)
    return length


def _chance(readings: list[Reading], unit: Fraction, probability: bool) -> float | None:
    """A number printed like the claim's, drawn evenly from half to double the computed value (a p value from 0 to 1):
    the share of the range where some reading would agree. Variants of the printed number itself count one by one.
    unit: of the last printed digit, for exact numbers."""
    plain = readings[0]
    value = plain.computed[0][1]
    if not value.limited or not plain.target.limited:
        return None
    middle = value.middle
    if probability:
        span = Interval(Fraction(0), Fraction(1))
    elif middle == 0:
        return None
    else:
        span = Interval.hull((middle / 2, middle * 2))
    pieces, missed = [], 1.0
    for reading in readings:
        target = reading.target
        if not target.limited:
            continue
        reach = max(target.high - target.low, unit) / 2
        for _, computed in reading.computed[:1]:
            wide = Interval(computed.low - reach, computed.high + reach)
            if wide.meets(span):
                pieces.append(wide.cut(span))
                missed *= 1 - min(1.0, (reading.tries - 1) * float(2 * reach / (span.high - span.low)))
    return _rounded(1 - (1 - min(1.0, float(_union(pieces) / (span.high - span.low)))) * missed)


def _rounded(chance: float) -> float:
    """Three significant digits: more would claim what the model of a random number cannot say."""
    return float(f"{chance:.3g}")


def disagreement(readings: list[Reading], unit: Fraction, probability: bool) -> Disagreement:
    """Of a claim whose plain reading, the first one, does not agree. unit: of its last printed digit."""
    plain = readings[0]
    gap = max(value.gap(target) for value, target in plain.pairs)
    half = (plain.target.high - plain.target.low) / 2 if plain.target.limited and not plain.stands else Fraction(0)
    chance = _chance(readings, unit, probability) if not plain.stands else None
    widths = float(gap / half) if half else None
    parts = []
    if widths is not None:
        apart = decimal(Fraction(widths), 2).removesuffix("…")
        parts.append(f"The numbers are apart by {apart} half-widths of the rounding")
    if chance is not None:
        drawn = "0 and 1" if probability else "half and double of the computed value"
        some = f"one of the {len(readings)} readings tried" if len(readings) > 1 else "the only reading"
        parts.append(f"a number drawn at random between {drawn} would agree with {some} with probability {chance:.2g}")
    text = "; ".join(parts)
    said = f"{text[:1].upper()}{text[1:]}." if text else ""
    return Disagreement(None if widths is None else round(widths, 3), chance, said)
