"""Overlap of two label maps, all classes from one pass: the joint histogram of their labels.

Rules for classes without voxels (ukb_thigh, Methods, "Performance evaluation metrics": classes absent from the
truth are excluded from averages), decided here where the paper is silent:
- absent from both: every measure is undefined; the class is counted, not averaged;
- absent from the truth but predicted (false positive): Dice, IoU and precision are 0 by their formulas, recall is
  undefined; excluded from the means as in the paper, but counted, its volume summed, and included in
  `mean_dice_with_false_positives`;
- in the truth but not predicted (missed): Dice, IoU and recall are 0 and averaged; precision is undefined.
Background (label 0) is not a class.

Training has a Dice of its own (`toolkit.networks.dice`): one number a class, for any array. Here Dice is one of the
stage's metrics, and the same pass counts what makes the others.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LABELS = 256


def joint_histogram(
    labels: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8], count: int = LABELS
) -> npt.NDArray[np.int64]:
    """Number of voxels with each pair of labels, int64 (count, count): rows are `labels`, columns `truth`.

    Both arrays (k, j, i) hold values below `count`. One slice at a time is widened, so that memory stays that of
    a slice. Raises ValueError for different shapes.
    """
    if labels.shape != truth.shape:
        raise ValueError(f"shapes differ: {labels.shape} and {truth.shape}")
    joint = np.zeros(count * count, np.int64)
    for page, true_page in zip(labels, truth, strict=True):
        pair = page.astype(np.intp)
        pair *= count
        pair += true_page
        joint += np.bincount(pair.reshape(-1), minlength=count * count)
    return joint.reshape(count, count)


@dataclass(frozen=True)
class ClassAgreement:
    """One class of a label map against the truth. Undefined measures are None."""

    name: str
    """Name of the structure."""
    predicted: int
    """Voxels of the class in the labels."""
    true: int
    """Voxels of the class in the truth."""
    both: int
    """Voxels of the class in both."""

    @property
    def state(self) -> str:
        """`in both`, `missed`, `false positive` or `absent from both`."""
        if self.true:
            return "in both" if self.predicted else "missed"
        return "false positive" if self.predicted else "absent from both"

    @property
    def dice(self) -> float | None:
        """Equation 4: 2 |P and G| / (|P| + |G|)."""
        return _quotient(2 * self.both, self.predicted + self.true)

    @property
    def iou(self) -> float | None:
        """Equation 5: |P and G| / |P or G|."""
        return _quotient(self.both, self.predicted + self.true - self.both)

    @property
    def precision(self) -> float | None:
        """Equation 7: the part of the prediction that is right."""
        return _quotient(self.both, self.predicted)

    @property
    def recall(self) -> float | None:
        """Equation 8: the part of the truth that is found."""
        return _quotient(self.both, self.true)

    @property
    def volume_error_percent(self) -> float | None:
        """100 (|P| - |G|) / |G|."""
        return _quotient(100 * (self.predicted - self.true), self.true)


def _quotient(numerator: int, denominator: int) -> float | None:
    return numerator / denominator if denominator else None


def class_agreement(
    joint: npt.NDArray[np.int64], predicted_values: dict[str, int], true_values: dict[str, int]
) -> list[ClassAgreement]:
    """Agreement per class of either map, in the order of the truth's labels, then of those it does not declare.

    Classes are matched by name, as label numbers are the writer's choice: name -> label in each map.
    """
    names = sorted(true_values, key=lambda name: true_values[name])
    names += sorted(set(predicted_values) - set(true_values), key=lambda name: predicted_values[name])
    predicted, true = joint.sum(axis=1), joint.sum(axis=0)
    classes = []
    for name in names:
        row, column = predicted_values.get(name), true_values.get(name)
        classes.append(
            ClassAgreement(
                name,
                0 if row is None else int(predicted[row]),
                0 if column is None else int(true[column]),
                0 if row is None or column is None else int(joint[row, column]),
            )
        )
    return classes


def mean(values: Iterable[float | None]) -> float | None:
    """Mean of the defined values, None without any."""
    defined = [value for value in values if value is not None]
    return sum(defined) / len(defined) if defined else None
