"""One rule of spelling for all names: case, blanks, hyphens, underscores and brackets say nothing; side words do.

A side is the word left or right (in English or Latin) anywhere in a name, or the letter L or R as its first or last
word. "Multifidus (L)", "left-multifidus", "multifidus_left" and "MULTIFIDUS Left" are one name. Letters of all scripts
are kept, so that names in any script stay apart.
"""

import re
import unicodedata
from typing import Literal

Side = Literal["left", "right"]

SIDES: tuple[Side, Side] = ("left", "right")

_WORDS: dict[str, Side] = {
    "left": "left",
    "sinister": "left",
    "sinistra": "left",
    "sinistrum": "left",
    "right": "right",
    "dexter": "right",
    "dextra": "right",
    "dextrum": "right",
}
_LETTERS: dict[str, Side] = {"l": "left", "r": "right"}


def spelled(text: str) -> tuple[str, ...]:
    """The words of a name in lower case: letters and digits of any script; all else parts them. May be empty."""
    plain = unicodedata.normalize("NFC", text).casefold()
    return tuple(word for word in re.split(r"[\W_]+", plain) if word)


def parted(text: str) -> tuple[str, Side | None]:
    """A name without its side, words joined by underscores, and its side; None where it names none, or both."""
    words = spelled(text)
    sides = {_WORDS[word] for word in words if word in _WORDS}
    rest = [word for word in words if word not in _WORDS]
    if not sides and len(words) > 1:
        for at in (0, -1):
            if words[at] in _LETTERS:
                sides, rest = {_LETTERS[words[at]]}, list(words[1:] if at == 0 else words[:-1])
                break
    if len(sides) != 1 or not rest:
        return "_".join(words), None
    return "_".join(rest), sides.pop()
