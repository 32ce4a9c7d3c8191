"""The vocabulary of units: what is written, what it means, and how one converts to another.

A unit is a word of the vocabulary, or words with a power (`m2`) joined by `/` or ` `. Counted things (participants,
studies) are units without dimension; a ledger file may name more of them in `counted`.
"""

import re
from fractions import Fraction
from typing import NamedTuple


class Unit(NamedTuple):
    """A unit as a factor and the powers of its base dimensions."""

    factor: Fraction
    """What one of the unit is in base units."""
    dimension: tuple[tuple[str, int], ...]
    """Name and power of each base dimension, sorted by name."""


_KNOWN: dict[str, tuple[str, str]] = {
    "µm": ("length", "0.001"),
    "mm": ("length", "1"),
    "cm": ("length", "10"),
    "m": ("length", "1000"),
    "ml": ("volume", "1000"),
    "l": ("volume", "1000000"),
    "mg": ("mass", "0.001"),
    "g": ("mass", "1"),
    "kg": ("mass", "1000"),
    "ms": ("time", "1"),
    "s": ("time", "1000"),
    "min": ("time", "60000"),
    "h": ("time", "3600000"),
    "days": ("time", "86400000"),
    "weeks": ("time", "604800000"),
    "months": ("months", "1"),
    "years": ("months", "12"),
    "decade": ("months", "120"),
    "Hz": ("frequency", "1"),
    "kHz": ("frequency", "1000"),
    "MHz": ("frequency", "1000000"),
    "mT": ("field", "0.001"),
    "T": ("field", "1"),
    "°": ("angle", "1"),
    "MB": ("bytes", "1"),
    "GB": ("bytes", "1000"),
    "TB": ("bytes", "1000000"),
    "N": ("force", "1"),
    "Nm": ("torque", "1"),
    "kcal": ("energy", "1"),
    "mmHg": ("pressure", "1"),
    "mol": ("substance", "1"),
    "mmol": ("substance", "0.001"),
    "HU": ("attenuation", "1"),
    "W": ("power", "1"),
    "V": ("voltage", "1"),
    "1": ("", "1"),
    "%": ("", "0.01"),
    "‰": ("", "0.001"),
    "ppm": ("", "0.000001"),
}
"""Base dimension and factor. Calendar months and years have no fixed number of days: a dimension of their own."""
_ALIASES = {
    "": "1",
    "ratio": "1",
    "degrees of freedom": "1",
    "a year": "years",
    "percent": "%",
    "per cent": "%",
    "percentage points": "%",
    "um": "µm",
    "micrometre": "µm",
    "millimetre": "mm",
    "centimetre": "cm",
    "metre": "m",
    "cc": "ml",
    "mL": "ml",
    "L": "l",
    "litre": "l",
    "sec": "s",
    "second": "s",
    "seconds": "s",
    "minute": "min",
    "minutes": "min",
    "hour": "h",
    "hours": "h",
    "d": "days",
    "day": "days",
    "week": "weeks",
    "month": "months",
    "y": "years",
    "yr": "years",
    "year": "years",
    "decades": "decade",
    "deg": "°",
    "degree": "°",
    "degrees": "°",
    "tesla": "T",
    "kilogram": "kg",
}
COUNTED = frozenset(
    """
    adults animals annotators arms articles axes bins bootstraps cases categories centres channels chapters
    claims classes clusters coefficients corners cohorts colours comparisons compartments contrasts controls covariates
    d data databases datasets dates decimals degrees devices dimensions draws echoes effects eligible epochs
    estimates events examinations excluded experts f features figures files folds fractures g groups heads
    healthy hospitals hr icc identifiers images imputations included individuals items iterations knots labels
    layers levels limbs limits log measurements men met metrics missing models n muscles networks nodes numbers
    observations observers odds or outcomes p pairs papers parameters participants particles parts patches
    patients people persons pixels points population positions predictors publications quantiles quartiles
    quintiles r raters readers records references regions repetitions replications reports resamples reviewers
    rows rr samples scans scores sd sds se series sessions sets sexes sides sites slices smd smds spaces
    stations steps strata structures studies subgroups subjects subsets t tables terms tertiles tests thirds
    tokens trials units variables vertebrae visits volumes voxels weights women z
    """.split()  # noqa: SIM905 - a list of words, one to a line, would be two pages
)
"""Things that are counted, and measures without a unit."""
_TERM = re.compile(r"^(?P<word>[^\d^]+|1)(?:\^?(?P<power>[2-9]|-[1-9]))?$")
_FACTORS = {"thousand": Fraction(1000), "million": Fraction(10**6), "billion": Fraction(10**9)}
_FACTOR = re.compile(r"^(thousand|million|billion|[0-9]+(?:\.[0-9]+)?) (.+)$")
_POWERS = str.maketrans("²³⁴⁻¹", "234-1")


def unit(text: str, counted: frozenset[str] = frozenset()) -> Unit:
    """What a unit means. `counted`: further words for counted things. Raises ValueError for an unknown unit."""
    plain = _ALIASES.get(" ".join(text.split()), " ".join(text.split()))
    if plain in counted:
        return Unit(Fraction(1), ())
    if plain in _KNOWN:
        return _word(plain)
    if " per " in f" {plain}":
        over, under = f" {plain}".split(" per ", 1)
        return _divided(unit(over, counted), unit(under, counted))
    if match := _FACTOR.match(plain):
        number = _FACTORS.get(match[1]) or Fraction(match[1])
        inner = unit(match[2], counted)
        return Unit(inner.factor * number, inner.dimension)
    over, *under_all = re.split(r" of | in ", plain)[0].split("/")
    if "" in under_all:
        raise ValueError(f"unknown unit {text!r}")
    found = _terms(over or "1", counted, text)
    for under in under_all:
        found = _divided(found, _terms(under, counted, text))
    return found


def conversion(source: str, target: str, counted: frozenset[str] = frozenset()) -> Fraction:
    """Factor from one unit to another. Raises ValueError when they measure different things."""
    one, other = unit(source, counted), unit(target, counted)
    if one.dimension != other.dimension:
        raise ValueError(f"{source!r} and {target!r} do not measure the same")
    return one.factor / other.factor


def _is_counted(text: str) -> bool:
    """A counted thing, with words that tell which: `participants in a tertile`, `table positions`."""
    words = re.split(r"[ -]", text.lower()) if "/" not in text else []
    return any(word in COUNTED or f"{word}s" in COUNTED or f"{word}es" in COUNTED for word in words)


def _word(text: str) -> Unit:
    dimension, factor = _KNOWN[text]
    if dimension == "volume":
        return Unit(Fraction(factor), (("length", 3),))
    return Unit(Fraction(factor), ((dimension, 1),) if dimension else ())


def _terms(text: str, counted: frozenset[str], whole: str) -> Unit:
    """Words multiplied; a phrase with a counted thing in it, where not all words are units."""
    found = [_term(part, counted) for part in re.split(r"[ ·*]", text.translate(_POWERS))]
    result = Unit(Fraction(1), ())
    for term in found:
        if term is None:
            if text in counted or _is_counted(text):
                return Unit(Fraction(1), ())
            raise ValueError(f"unknown unit {whole!r}")
        result = _joined(result, term)
    return result


def _term(text: str, counted: frozenset[str]) -> Unit | None:
    """One word with its power, or None when it is unknown."""
    match = _TERM.match(_ALIASES.get(text, text))
    word = _ALIASES.get(match["word"], match["word"]) if match else ""
    if not match or word not in _KNOWN:
        return Unit(Fraction(1), ()) if text in counted or _is_counted(text) else None
    power, base = int(match["power"] or 1), _word(word)
    return Unit(base.factor**power, tuple((name, count * power) for name, count in base.dimension))


def _divided(one: Unit, other: Unit) -> Unit:
    return _joined(one, Unit(1 / other.factor, tuple((name, -count) for name, count in other.dimension)))


def _joined(one: Unit, other: Unit) -> Unit:
    powers = dict(one.dimension)
    for name, count in other.dimension:
        powers[name] = powers.get(name, 0) + count
    return Unit(one.factor * other.factor, tuple(sorted((n, c) for n, c in powers.items() if c)))
