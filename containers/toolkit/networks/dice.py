"""Dice of label maps (ukb_thigh, Methods, eq. 4), class by class: what training stops by and a model card states.

The stage `agreement` measures more, and says what becomes of classes without voxels; here is the one number a class
that a validation and a card need. Invariant: a class that the truth does not have is left out of every mean (ukb_thigh,
Methods, eq. 6 and the rule after it); it never counts as 0.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.uint8]


def dice_per_class(found: Labels, truth: Labels, classes: int) -> list[float | None]:
    """Dice of the labels 1 to classes - 1 of two maps of one shape; None for one that the truth does not have."""
    table = np.bincount(
        truth.reshape(-1).astype(np.int64) * classes + found.reshape(-1), minlength=classes * classes
    ).reshape(classes, classes)
    size, claimed, both = table.sum(1), table.sum(0), np.diag(table)
    return [float(2 * both[c] / (size[c] + claimed[c])) if size[c] else None for c in range(1, classes)]


def mean_present(values: Sequence[float | None]) -> float | None:
    """Mean over the classes that the truth has; None when it has none."""
    present = [value for value in values if value is not None]
    return float(np.mean(present)) if present else None
