"""The classes of two label maps under common names.

By the table of names, so that one tool's `left_autochthonous_muscle` is another's `autochthon_left`; a name that the
table lacks is matched by its spelling. Where one map has a structure with both sides in one label and the other has one
label a side, the sides are taken as one.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.contract.request import Item
from containers.contract.stage import Result
from containers.toolkit.images.names.legend import read_legend, tags_of
from containers.toolkit.images.names.spelling import SIDES, spelled
from containers.toolkit.images.names.table import plain
from containers.toolkit.images.reading import read_labels
from containers.toolkit.images.volume import Volume

MOST_CLASSES = 255
"""Classes of one map, which are numbered in a byte."""


@dataclass(frozen=True)
class Named:
    """A label map with the names of its classes."""

    volume: Volume
    """The map as it was read."""
    classes: dict[int, str]
    """Class by label value; background and what is to be ignored are none."""
    ignored: tuple[int, ...]
    """Label values of voxels that are to be left out."""
    where: str
    """Name of the file."""

    def numbered(self, merged: frozenset[str]) -> tuple[npt.NDArray[np.uint8], dict[str, int]]:
        """Labels (k, j, i) numbered from 1 by class, and the number of each class. merged: structures without sides.

        Raises ItemFault for two segments of one class, or too many classes.
        """
        numbers: dict[str, int] = {}
        table = np.zeros(max(int(self.volume.data.max()), *self.classes, 0) + 1, np.uint8)
        for value, name in self.classes.items():
            whole = next((s for s in merged if name in _sided(s)), name)
            if whole in numbers and whole == name:
                fix = "rename or merge them"
                raise ItemFault(f"has two segments named {name!r}", where=self.where, fix=fix)
            if len(numbers) == MOST_CLASSES and whole not in numbers:
                raise ItemFault(
                    f"has more than {MOST_CLASSES} classes", where=self.where, fix="compare fewer at a time"
                )
            table[value] = numbers.setdefault(whole, len(numbers) + 1)
        return table[self.volume.data], numbers

    def left_out(self) -> npt.NDArray[np.bool_]:
        """Voxels (k, j, i) that are to be ignored."""
        return np.asarray(np.isin(self.volume.data, self.ignored))


def read_named(item: Item, name: str, match: str, ignore: list[str], result: Result) -> Named:
    """Read the label map of an input. match: `table` or `exact`. ignore: names of labels whose voxels are left out.

    Raises ItemFault for an unreadable map, and for two segments of one class.
    """
    path = item.inputs[name]
    read = read_labels(path, result.warn, item.inputs.get(f"{name}_names"))
    volume, names = read.volume, read.names
    left_out = {spelled(name) for name in ignore}
    ignored = [value for value, name in names.items() if spelled(name) in left_out]
    if match == "exact":
        classes = {value: name for value, name in names.items() if value and value not in ignored}
    else:
        legend = read_legend(names, tags_of(volume.facts), {}, path.name)
        ignored += [value for value in legend.ignored if value not in ignored]
        found = {value: name.full for value, name in legend.names.items()}
        found |= {value: plain(text) or f"segment_{value}" for value, text in legend.unknown.items()}
        classes = {value: found[value] for value in sorted(found) if value not in ignored}
    taken: dict[str, int] = {}
    for value, text in classes.items():
        if text in taken:
            raise ItemFault(f"has two segments named {text!r}", where=path.name, fix="rename or merge them")
        taken[text] = value
    return Named(volume, classes, tuple(sorted(ignored)), path.name)


def sides_as_one(one: Named, other: Named) -> frozenset[str]:
    """Structures that one map has without sides, and the other by side only."""
    found = set()
    for a, b in ((one, other), (other, one)):
        mine, theirs = set(a.classes.values()), set(b.classes.values())
        found |= {s for s in mine - theirs if theirs & _sided(s) and not mine & _sided(s)}
    return frozenset(found)


def _sided(structure: str) -> set[str]:
    return {f"{structure}_{side}" for side in SIDES}
