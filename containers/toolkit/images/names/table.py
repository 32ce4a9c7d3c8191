"""The one table of names: what a label's name, or its code, means in all vocabularies together."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from containers.toolkit.images.names.codes import read_tag
from containers.toolkit.images.names.spelling import Side, parted, spelled
from containers.toolkit.images.names.vocabularies import (
    mrsegmentator,
    musclemap,
    ours,
    totalsegmentator,
    vibesegmentator,
)
from containers.toolkit.images.names.vocabulary import Kind, Vocabulary

VOCABULARIES: tuple[Vocabulary, ...] = (
    ours.VOCABULARY,
    mrsegmentator.VOCABULARY,
    totalsegmentator.VOCABULARY,
    musclemap.VOCABULARY,
    vibesegmentator.VOCABULARY,
)
"""Every vocabulary. Imported by name, so that the digest of a stage's sources follows them."""

BACKGROUND = frozenset({"background", "bg", "clear_label", "exterior", "unlabelled", "unlabeled"})
"""Names that are not a structure, whatever label they are given to."""
IGNORE = frozenset({"ignore", "ignored", "ignore_label", "void"})
"""Names of voxels of which nothing is known (nnU-Net's `ignore`): they count neither for nor against a structure."""

_FILLERS = frozenset({"muscle", "muscles", "musculus", "m", "structure", "of", "the"})
"""Words that a name may have more than the table's; dropped where the name with them is not known."""


@dataclass(frozen=True)
class Name:
    """What a label is."""

    structure: str
    """The structure without its side, in this project's words."""
    side: Side | None
    """Its side; None where both sides share the label, or where it has none."""
    kind: Kind
    """Whether it is a muscle, a bone that muscles are placed by, or anything else."""

    @property
    def full(self) -> str:
        """The structure with its side: `multifidus_left`, or `gracilis` for both."""
        return f"{self.structure}_{self.side}" if self.side else self.structure


def plain(text: str) -> str:
    """A name that no table has, by the one rule of spelling, with its side at the end: `psoas (L)` is `psoas_left`."""
    rest, side = parted(text)
    return f"{rest}_{side}" if side else rest


@cache
def meanings() -> dict[str, tuple[str, Kind]]:
    """Structure and kind by name without side, over all vocabularies. A muscle anywhere is a muscle everywhere."""
    found: dict[str, tuple[str, Kind]] = {}
    for vocabulary in VOCABULARIES:
        for text, kind in vocabulary.kinds().items():
            rest, _ = parted(text)
            structure = vocabulary.meanings.get(rest, rest)
            found.setdefault(rest, (structure, kind))
            # A structure's own name is known too.
            found.setdefault(structure, (structure, kind))
    return found


def find(text: str, tag: str = "") -> Name | None:
    """What a name means; where the table lacks it, what the segment's tag (a code of 3D Slicer) means; else None.

    Background and ignored voxels are not structures: None too.
    """
    rest, side = parted(text)
    known = meanings()
    if rest not in known:
        words = [word for word in spelled(rest) if word not in _FILLERS]
        # A number before a name is a label's value.
        rest = "_".join(words[1:] if len(words) > 1 and words[0].isdigit() else words)
    if rest in known and rest not in BACKGROUND:
        return Name(known[rest][0], side, known[rest][1])
    coded = read_tag(tag)
    if coded is None:
        return None
    return Name(coded[0], coded[1], known[coded[0]][1] if coded[0] in known else "other")


def common(text: str) -> str:
    """A name by which labels of two files are compared: what it means, with its side, or else how it is spelled."""
    found = find(text)
    return plain(text) if found is None else found.full


def listed(names: Iterable[str], most: int = 8) -> str:
    """Names in a sentence: all of them, or the first `most` and how many more there are."""
    every = list(names)
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")
