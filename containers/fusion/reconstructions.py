"""Reconstructions of one acquisition: the same data computed more than once, with or without correction or filter.

Scanners save them as series of their own that start at about the same time (Siemens: ND and DIS2D). Their geometry and
their brightness differ, so that water of one with fat of another gives wrong fractions, and a station of one next to a
station of another gives a seam. Which words of ImageType tell them apart is not listed anywhere: those are taken in
which stacks of one contrast at one station differ.
"""

from collections.abc import Iterable

from containers.fusion.dixon import TYPE_WORDS
from containers.fusion.stack import Stack

Kind = frozenset[str]
"""The words of ImageType that tell a reconstruction from the others of its study."""

_WANTED = ("DIS3D", "DIS2D", "NORM")
"""Siemens' words for corrections, the most wanted first: true shape in three and in two dimensions, even brightness."""
_UNWANTED = ("FIL", "SUB")
"""Words for what is not as it was measured: filtered, subtracted."""


def words(stack: Stack) -> Kind:
    """Of ImageType, all that does not say which contrast it is."""
    return frozenset(stack.header.image_type) - TYPE_WORDS - {""}


def telling_words(same_contrast: Iterable[list[Stack]]) -> Kind:
    """The words in which stacks of one contrast at one station differ. same_contrast: such stacks, in lists."""
    told: Kind = frozenset()
    for stacks in same_contrast:
        found = [words(stack) for stack in stacks]
        if len(found) > 1:
            told |= frozenset.union(*found) - frozenset.intersection(*found)
    return told


def rank(kind: Kind) -> tuple[object, ...]:
    """The largest is used: corrected before uncorrected, as measured before filtered, then by name."""
    return (*(word in kind for word in _WANTED), *(word not in kind for word in _UNWANTED), sorted(kind))


def named(kind: Kind) -> str:
    """A reconstruction in words."""
    return " ".join(sorted(kind)) or "without such a word"
