"""Slips of the pen in one printed claim of a made table: they need no knowledge of what the number means."""

import itertools
import re
from collections.abc import Callable

from harness.claims.selftest.sheet import Sheet

_DIGIT = re.compile("[0-9]")


def _digits_exchanged(text: str, sheet: Sheet) -> str:
    places = [m.start() for m in _DIGIT.finditer(text)]
    pairs = [(i, j) for i, j in itertools.pairwise(places) if text[i] != text[j]]
    if not pairs:
        return text
    i, j = sheet.draw.choice(pairs)
    return text[:i] + text[j] + text[i + 1 : j] + text[i] + text[j + 1 :]


def _wrong_digit(text: str, sheet: Sheet) -> str:
    i = sheet.draw.choice([m.start() for m in _DIGIT.finditer(text)])
    return text[:i] + sheet.draw.choice([d for d in "0123456789" if d != text[i]]) + text[i + 1 :]


def _last_digit(text: str, sheet: Sheet) -> str:
    i = [m.start() for m in _DIGIT.finditer(text)][-1]
    turn = 1 if text[i] == "0" else -1 if text[i] == "9" else sheet.draw.choice([-1, 1])
    return text[:i] + str(int(text[i]) + turn) + text[i + 1 :]


def _point_moved(text: str, sheet: Sheet) -> str:
    if "." in text:
        whole, rest = text.split(".", 1)
        return f"{whole}{rest[0]}.{rest[1:]}".rstrip(".")
    return f"{text}0"


SLIPS: dict[str, Callable[[str, Sheet], str]] = {
    "two digits exchanged": _digits_exchanged,
    "one digit wrong": _wrong_digit,
    "last digit one off (wrong rounding)": _last_digit,
    "decimal point moved": _point_moved,
}


def slip(sheet: Sheet, name: str) -> None:
    """Make the slip in a claim drawn at random. `seeded` tells whether the printed text changed."""
    known = [c for c in sheet.claims.values() if _DIGIT.search(c["printed"]) and not c["printed"].startswith("<")]
    claim = sheet.draw.choice(known)
    changed = SLIPS[name](claim["printed"], sheet)
    if changed != claim["printed"]:
        claim["printed"], sheet.seeded = changed, name
