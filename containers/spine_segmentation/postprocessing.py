"""nnU-Net's post-processing: what lies outside the largest connected part becomes background, where that helps.

A model folder says of which labels. Training finds it on the validation set by nnU-Net's rule (Isensee et al. 2021,
Methods; `nnunetv2.postprocessing`): first of all labels as one foreground, if their mean Dice rises and none of them
falls; then of each label in turn, if its own Dice rises. Parts are those of nnU-Net: voxels that touch by face, edge or
corner; where two parts are largest, both stay. Other than nnU-Net, a label that the truth does not have counts nothing
here (see `toolkit.networks.dice`). Label maps are turned (z, y, x).
"""

from collections.abc import Sequence

import numpy as np
from nnunetv2.postprocessing.remove_connected_components import remove_all_but_largest_component_from_segmentation
from scipy import ndimage

from containers.toolkit.networks.dice import Labels, dice_per_class, mean_present

Groups = list[list[int]]
"""Sets of labels, in the order in which the parts of each set, taken as one, are thinned out."""


def largest_parts(labels: Labels, groups: Groups) -> Labels:
    """A label map without what lies outside the largest part of each group; the given one stays as it is."""
    boxes = ndimage.find_objects((labels > 0).view(np.uint8))
    if not boxes or not groups:
        return labels
    # Parts are counted in 64 bits a voxel: only where there are labels.
    inner = labels[boxes[0]]
    for group in groups:
        inner = remove_all_but_largest_component_from_segmentation(inner, list(group))
    thinned = np.zeros_like(labels)
    thinned[boxes[0]] = inner
    return thinned


def choose(found: Sequence[Labels], truth: Sequence[Labels], classes: int) -> Groups:
    """The groups by which label maps come nearer to the truth. classes: labels with background."""
    everything = list(range(1, classes))
    groups: Groups = []
    maps, before = list(found), _means(found, truth, classes)
    for group in [everything, *([label] for label in everything if classes > 2)]:
        thinned = [largest_parts(labels, [group]) for labels in maps]
        after = _means(thinned, truth, classes)
        if _better(before, after, group):
            groups.append(group)
            maps, before = thinned, after
    return groups


def _means(found: Sequence[Labels], truth: Sequence[Labels], classes: int) -> list[float | None]:
    """Mean Dice of each label over the volumes that have it."""
    rows = [dice_per_class(one, true, classes) for one, true in zip(found, truth, strict=True)]
    return [mean_present(list(column)) for column in zip(*rows, strict=True)]


def _better(before: list[float | None], after: list[float | None], group: list[int]) -> bool:
    """Whether the mean over a group's labels rises and none of them falls; labels that the truth lacks say nothing."""
    pairs = [(before[label - 1], after[label - 1]) for label in group]
    known = [(old, new) for old, new in pairs if old is not None and new is not None]
    return sum(new - old for old, new in known) > 0 and all(new >= old for old, new in known)
