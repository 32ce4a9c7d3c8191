"""Which labels make a structure: the back muscles of nako_cbp with their unions, parts of muscles, and what is measured
where.
"""

from collections.abc import Mapping
from typing import Literal

from containers.contract.errors import ItemFault
from containers.toolkit.images.labels import AUTOCHTHONOUS, MUSCLES, SPINE_LABELS
from containers.toolkit.images.names.table import Name

AUTOCHTHON = "autochthon"
"""One label for the whole autochthonous muscle, where a segmentation does not part the sides."""

BACK = frozenset({*SPINE_LABELS.values(), *AUTOCHTHONOUS, AUTOCHTHON, "erector_spinae", "multifidus"})
BACK_ONLY = frozenset({AUTOCHTHON, "erector_spinae"})
"""Structures that no thigh has: a label map with one of them is measured as a back."""
SIDES = {"left": 1.0, "right": -1.0}
"""Sign of x (LPS) on a side."""

BOTH_SIDES = {
    "erector_spinae": ("erector_spinae_left", "erector_spinae_right"),
    "multifidus": ("multifidus_left", "multifidus_right"),
}
"""A muscle's two sides."""

COMPOSITES = {
    "biceps_femoris": ("biceps_femoris_long_head", "biceps_femoris_short_head"),
    "abdominal_oblique": ("external_oblique", "internal_oblique"),
    "iliopsoas": ("psoas_major", "iliacus"),
}
"""Structures of the thigh that other tools give in parts."""

Structures = dict[str, tuple[int, ...]]
"""Structure -> labels that make it."""

Region = Literal["back", "thigh"]


def region_of(names: Mapping[int, Name], wanted: str) -> Region:
    """What a label map is measured as. wanted: parameter `region`; `auto` decides by the names.

    A back, where a structure is declared that no thigh has; or the multifidus by side with no other muscle of a thigh.
    """
    if wanted in ("back", "thigh"):
        return "back" if wanted == "back" else "thigh"
    found = {name.structure for name in names.values()}
    if BACK_ONLY & found:
        return "back"
    sided = any(name.structure == "multifidus" and name.side for name in names.values())
    return "back" if sided and found.isdisjoint(set(MUSCLES) - {"multifidus"}) else "thigh"


def check_back(values: Mapping[str, int]) -> None:
    """Raise ItemFault where the classes of a back (structure -> label) overlap, or there is none."""
    found = BACK & set(values)
    if not found:
        fix = "give labels of the erector spinae and the multifidus, or set region to 'thigh'"
        raise ItemFault("has no back muscle", where="input labels", fix=fix)
    for whole, parts in {**AUTOCHTHONOUS, **BOTH_SIDES}.items():
        if whole in found and found & set(parts):
            raise ItemFault(
                f"declares {whole} and {min(found & set(parts))}, which is a part of it",
                where="input labels",
                fix="keep the muscle whole or in parts",
            )
    if AUTOCHTHON in found and len(found) > 1:
        fix = "keep one label for both sides, or one a side"
        raise ItemFault(f"declares {AUTOCHTHON} next to a part of it", where="input labels", fix=fix)


def back_structures(values: Mapping[str, int]) -> Structures:
    """The declared labels, a side's two muscles, and a muscle's two sides, whatever of it the declared labels make."""
    named: Structures = {name: (value,) for name, value in values.items() if name in BACK}
    for whole, parts in {**AUTOCHTHONOUS, **BOTH_SIDES}.items():
        if all(part in values for part in parts):
            named[whole] = tuple(values[part] for part in parts)
    return named


def side_labels(values: Mapping[str, int], side: str) -> tuple[int, ...]:
    """Labels of the back on one side (`left`, `right`): none where the sides are not parted."""
    return tuple(value for name, value in values.items() if name in BACK and name.endswith(f"_{side}"))
