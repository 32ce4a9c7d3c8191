"""Dice of label maps (ukb_thigh, Methods, eq. 4), class by class: what training stops by and a model card states.

Invariant: a class that the truth does not have is left out of every mean (ukb_thigh, Methods, eq. 6 and the rule after
it); it never counts as 0.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.toolkit.networks.training_set import Dataset, Pair

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


def score(dataset: Dataset, names: Sequence[str], segment: Callable[[Pair], tuple[Labels, Labels]]) -> dict[str, Any]:
    """Per set: Dice of each volume and structure, mean of each structure, and the mean over structures.

    segment: a pair to what was found and the truth, on one grid. A line a volume is printed, for it takes long.
    Raises ItemFault for a set that the split does not have.
    """
    found: dict[str, Any] = {}
    for name in names:
        if name not in dataset.sets:
            raise ItemFault(f"has no set {name!r}", where="split.json", mend=f"known: {', '.join(dataset.sets)}")
        rows: dict[str, list[float | None]] = {}
        for pair in dataset.sets[name]:
            rows[pair.identifier] = dice_per_class(*segment(pair), len(dataset.labels) + 1)
            print(f"{name} {pair.identifier}: mean Dice {_written(mean_present(rows[pair.identifier]))}", flush=True)
        per_class = [mean_present([row[c] for row in rows.values()]) for c in range(len(dataset.labels))]
        found[name] = {
            "volumes": rows,
            "dice": {dataset.labels[c + 1]: value for c, value in enumerate(per_class)},
            "mean_dice": mean_present(per_class),
            "lowest_in_a_volume": min((v for row in rows.values() for v in row if v is not None), default=None),
        }
    return found


def summary(scores: dict[str, Any]) -> str:
    """A line a set: the mean, and the three structures of lowest Dice."""
    lines = []
    for name, row in scores.items():
        worst = sorted((v, n) for n, v in row["dice"].items() if v is not None)[:3]
        lowest = ", ".join(f"{n} {v:.3f}" for v, n in worst)
        lines.append(f"{name}: mean {_written(row['mean_dice'])}; lowest {lowest or 'undefined'}")
    return "\n".join(lines)


def _written(dice: float | None) -> str:
    return "undefined" if dice is None else f"{dice:.4f}"
