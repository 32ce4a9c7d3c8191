"""Which Dixon contrast a series shows, by the words of its vendor: in ImageType, before or after its description.

    Siemens   ImageType WATER, FAT, IN_PHASE, OPP_PHASE or OUT_PHASE; description ends in _W, _F, _in, _opp
    Siemens   maps of qDixon: description ends in _FF or _PDFF, _R2star or _R2s, _T2star
    Philips   ImageType W, F, IP, OP at its third or fourth place (mDIXON); enhanced: DIXON, then WATER or FAT_FRACTION
    GE        description begins with WATER:, FAT:, InPhase:, OutPhase:, FatFrac:, R2*: or T2*: (LAVA-Flex, IDEAL IQ)
    others    WATER, FAT, IP, OP, in full or short, after an underscore

Single letters mean something only where Dixon words stand: in the third and fourth place of ImageType, in a family of
series that differ in them, or in a description that names Dixon.
"""

import re

from containers.fusion.header import Slice

DIXON = ("water", "fat", "in_phase", "opposed_phase")
"""The contrasts with fixed names, which the later steps take."""
MAPS = ("fat_fraction", "r2_star", "t2_star")
"""What scanners compute from them: fused like any other contrast, and never in the place of one."""
_WORDS = {
    "water": ("water", "w", "wateronly"),
    "fat": ("fat", "f", "fatonly"),
    "in_phase": ("in", "ip", "inphase"),
    "opposed_phase": ("opp", "out", "op", "oppphase", "outphase", "opposedphase", "outofphase"),
    "fat_fraction": ("ff", "pdff", "fatfrac", "fatfraction"),
    "r2_star": ("r2star", "r2s", "r2*"),
    "t2_star": ("t2star", "t2s", "t2*"),
}
_NAMES = {word: name for name, words in _WORDS.items() for word in words}
_LETTERS = ("W", "F", "IP", "OP", "FF")
"""Short words of ImageType: other vendors use them for other things at other places."""
TYPE_WORDS = frozenset(
    {"WATER", "FAT", "IN_PHASE", "INPHASE", "OPP_PHASE", "OUT_PHASE", "OUTPHASE", "OUT_OF_PHASE", "OPPOSED_PHASE"}
    | {"FAT_FRACTION", "FATFRACTION", "R2_STAR", "R2STAR", "T2_STAR", "T2STAR", *_LETTERS}
)
"""Words of ImageType that name a contrast."""


def _named(text: str) -> str | None:
    return _NAMES.get(re.sub(r"[\s_-]+", "", text).lower())


def by_type(header: Slice) -> str | None:
    """The contrast that ImageType names, or None."""
    places = header.image_type
    for place, word in enumerate(places):
        if word in TYPE_WORDS and (word not in _LETTERS or place in (2, 3)):
            return _named(word)
    return None


def by_prefix(header: Slice) -> str | None:
    """The contrast that stands before a colon at the beginning of the description (GE), or None."""
    head, colon, _ = header.description.partition(":")
    name = _named(head)
    # Of one letter and a colon nothing can be told.
    return name if colon and len(head.strip()) > 1 else None


def by_suffix(header: Slice) -> tuple[str, str | None]:
    """The description without its last word after an underscore, and the contrast which that word names, or None."""
    head, _, tail = header.description.rpartition("_")
    return head, _named(tail)
