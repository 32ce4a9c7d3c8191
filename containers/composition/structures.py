"""Which labels make a structure: the back muscles of nako_cbp with their unions, or each label for itself."""

from collections.abc import Mapping

from containers.contract.errors import ItemFault
from containers.toolkit.images.labels import AUTOCHTHONOUS, BONES, SPINE_LABELS

AUTOCHTHON = "autochthon"
"""One label for the whole autochthonous muscle, where a segmentation does not part the sides."""

BACK = frozenset({*SPINE_LABELS.values(), *AUTOCHTHONOUS, AUTOCHTHON})
SIDES = {"left": 1.0, "right": -1.0}
"""Sign of x (LPS) on a side."""

_BOTH_SIDES = {
    "erector_spinae": ("erector_spinae_left", "erector_spinae_right"),
    "multifidus": ("multifidus_left", "multifidus_right"),
}

Structures = dict[str, tuple[int, ...]]
"""Structure -> label values that make it."""


def is_back(values: Mapping[str, int]) -> bool:
    """Whether a label map (structure -> label) is of the back. Raises ItemFault where its classes overlap."""
    found = BACK & set(values)
    for whole, parts in AUTOCHTHONOUS.items():
        if whole in found and found & set(parts):
            raise ItemFault(
                f"declares {whole} and {min(found & set(parts))}, which is a part of it",
                where="input labels",
                fix="keep the muscle whole or in parts",
            )
    if AUTOCHTHON in found and len(found) > 1:
        fix = "keep one label for both sides, or one a side"
        raise ItemFault(f"declares {AUTOCHTHON} next to a part of it", where="input labels", fix=fix)
    return bool(found)


def back_structures(values: Mapping[str, int]) -> Structures:
    """The declared labels, a side's two muscles, and a muscle's two sides, whatever of it the declared labels make."""
    named: Structures = {name: (value,) for name, value in values.items() if name in BACK}
    for whole, parts in {**AUTOCHTHONOUS, **_BOTH_SIDES}.items():
        if all(part in values for part in parts):
            named[whole] = tuple(values[part] for part in parts)
    return named


def side_labels(values: Mapping[str, int], side: str) -> tuple[int, ...]:
    """Labels of the back on one side (`left`, `right`): none where the sides are not parted."""
    return tuple(value for name, value in values.items() if name in BACK and name.endswith(f"_{side}"))


def other_structures(values: Mapping[str, int]) -> Structures:
    """Every label that is not a bone, for itself."""
    return {name: (value,) for name, value in values.items() if name not in BONES}
