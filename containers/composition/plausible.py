"""Whether a label map can be true: sides, front and back, up and down, and what the field of view cut off.

Left is +x, back +y and up +z in LPS. Muscles that lie the other way round say that the frame of the file is another
than its header's, or that names are exchanged: refused, since every side would be measured wrongly.
"""

from collections.abc import Mapping

from containers.composition.anatomy import Labels
from containers.composition.extent import Extent
from containers.contract.errors import ItemFault
from containers.toolkit.images.names.table import listed

FRONT_TO_BACK = (
    ("rectus_femoris", "femur"),
    ("rectus_femoris", "biceps_femoris"),
    ("sartorius", "semitendinosus"),
    ("quadriceps_femoris", "thigh_posterior_compartment"),
    ("iliopsoas", "gluteus_maximus"),
    ("psoas_major", "erector_spinae"),
    ("psoas_major", "multifidus"),
    ("iliopsoas", "autochthon"),
    ("rectus_abdominis", "multifidus"),
    ("rectus_abdominis", "erector_spinae"),
    ("rectus_abdominis", "autochthon"),
)
"""Structures of which the first lies in front of the second in every adult, by the middle of both sides together."""
UP_TO_DOWN = (
    ("gluteus_medius", "vastus_medialis"),
    ("rectus_abdominis", "rectus_femoris"),
    ("multifidus", "vastus_lateralis"),
    ("iliopsoas", "gracilis"),
    ("autochthon", "gluteus_maximus"),
    ("erector_spinae", "gluteus_maximus"),
    ("autochthon", "femur"),
    ("gluteus_medius", "quadriceps_femoris"),
)
"""Structures of which the first lies above the second."""
MARGIN_MM = 10.0
"""Middles nearer than this say nothing: fields of view that cut a muscle move its middle by as much."""


def check_sides(labels: Labels, extent: Extent, where: str) -> None:
    """Raise ItemFault where a muscle's left side lies to the right of its right one, or all left muscles of all right.

    Muscle by muscle: one exchanged pair hides among others in a common middle.
    """
    sides: dict[str, dict[str, int]] = {}
    for label, name in labels.names.items():
        if name.side and name.kind != "other" and labels.voxels[label]:
            sides.setdefault(name.structure, {})[name.side] = label
    pooled = {side: [pair[side] for pair in sides.values() if side in pair] for side in ("left", "right")}
    pairs = {name: pair for name, pair in sides.items() if len(pair) == 2}
    wrong = [
        name for name, pair in pairs.items() if (x := _x(extent, [pair["left"]], [pair["right"]])) and x[0] <= x[1]
    ]
    all_x = _x(extent, pooled["left"], pooled["right"])
    if all_x is not None and (all_x[0] <= all_x[1] or (len(wrong) == len(pairs) and wrong)):
        what = f"has its left muscles at x = {all_x[0]:.0f} mm and its right ones at {all_x[1]:.0f} mm"
    elif wrong:
        left, right = _x(extent, [pairs[wrong[0]]["left"]], [pairs[wrong[0]]["right"]]) or (0.0, 0.0)
        others = f" (and {listed(wrong[1:])} likewise)" if len(wrong) > 1 else ""
        what = f"has {wrong[0]}_left at x = {left:.0f} mm and {wrong[0]}_right at {right:.0f} mm{others}"
    else:
        return
    fix = "correct the frame (LPS) or the names of its segments"
    raise ItemFault(f"{what}, where left is +x", where=where, fix=fix)


def _x(extent: Extent, left: list[int], right: list[int]) -> tuple[float, float] | None:
    a, b = extent.middle_mm(left), extent.middle_mm(right)
    return None if a is None or b is None else (float(a[0]), float(b[0]))


def check_orientation(structures: Mapping[str, tuple[int, ...]], extent: Extent, where: str) -> None:
    """Raise ItemFault where most structures lie the wrong way round along the front-back or the up-down axis."""
    for axis, pairs, words in ((1, FRONT_TO_BACK, "behind"), (2, UP_TO_DOWN, "below")):
        right, wrong = 0, []
        for first, second in pairs:
            a, b = (extent.middle_mm(structures[name]) if name in structures else None for name in (first, second))
            if a is None or b is None:
                continue
            ahead = float(b[axis] - a[axis]) * (1 if axis == 1 else -1)
            if ahead >= MARGIN_MM:
                right += 1
            elif ahead <= -MARGIN_MM:
                wrong.append((first, second, float(a[axis]), float(b[axis])))
        if len(wrong) > right:
            first, second, at, than = wrong[0]
            raise ItemFault(
                f"has {first} {words} {second} ({'yz'[axis - 1]} = {at:.0f} mm against {than:.0f} mm in LPS)",
                where=where,
                fix="correct the space or the directions in its header: the labels contradict them",
            )


def cut_off(structures: Mapping[str, tuple[int, ...]], extent: Extent) -> tuple[str, ...]:
    """Structures with a voxel in the outermost plane of the grid: what lies beyond is not known."""
    return tuple(name for name, labels in structures.items() if any(extent.at_edge(label) for label in labels))
