"""Overlap of 28 classes: the agreement stage's joint histogram against MONAI's metrics.

Dice, IoU, precision and recall of every class. MONAI is given what its metrics ask for, one-hot float tensors;
`MONAI` is timed without the making of them, `MONAI with one-hot` with it. At 299 x 299 x 440 all 28 classes would need
about 20 GB there: the size here is an eighth of that. Bytes that must move: both label maps read once.
"""

import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.bench.results import Check
from harness.bench.suite import Asked, Method, Prepared, Values, Work, absent, difference, main

CLASSES = 28
MEASURES = ("dice", "iou", "precision", "recall")
LIMIT = 1e-6
"""MONAI computes in float32."""

Labels = npt.NDArray[np.uint8]


def make_labels(size: tuple[int, int, int]) -> tuple[Labels, Labels]:
    """Two label maps (k, j, i): blocks of 28 labels with background at one side, and the same shifted by a voxel."""
    i, j, k = size
    blocks = np.random.default_rng(0).integers(0, CLASSES, (k // 8 + 1, j // 8 + 1, i // 8 + 1), dtype=np.uint8)
    truth = np.repeat(np.repeat(np.repeat(blocks, 8, 0), 8, 1), 8, 2)[:k, :j, :i].copy()
    truth[:, :, : i // 3] = 0
    return np.roll(truth, 1, axis=2), truth


def size_of(asked: Asked) -> tuple[int, int, int]:
    """Voxels along (i, j, k)."""
    return (96, 96, 24) if asked.quick else (299, 299, 55)


def ours(asked: Asked) -> Prepared:
    """The stage's functions."""
    from containers.agreement.overlap import class_agreement, joint_histogram

    names = {str(label): label for label in range(CLASSES)}
    maps = make_labels(size_of(asked))
    joint_histogram(*make_labels((16, 16, 16)))

    def values(classes: Any) -> Values:
        return {name: np.array([getattr(one, name) for one in classes], dtype=float) for name in MEASURES}

    return Prepared(lambda: class_agreement(joint_histogram(*maps), names, names), values)


def by_monai(asked: Asked, with_one_hot: bool) -> Prepared:
    """DiceMetric and ConfusionMatrixMetric on all classes at once."""
    import torch
    from monai.metrics import ConfusionMatrixMetric, DiceMetric

    torch.set_num_threads(asked.threads)
    maps = [torch.from_numpy(array) for array in make_labels(size_of(asked))]

    def one_hot() -> list[Any]:
        hot = [torch.empty((1, CLASSES, *array.shape)) for array in maps]
        for array, tensor in zip(maps, hot, strict=True):
            for label in range(CLASSES):
                tensor[0, label] = array == label
        return hot

    ready = [] if with_one_hot else one_hot()

    def call() -> list[Any]:
        hot = one_hot() if with_one_hot else ready
        dice = DiceMetric(include_background=True, reduction="none")
        dice(*hot)
        names = ["threat score", "precision", "recall"]
        confusion = ConfusionMatrixMetric(include_background=True, metric_name=names, reduction="none")
        confusion(*hot)
        return [dice.aggregate(), *confusion.aggregate()]

    def values(found: Any) -> Values:
        return {name: one[0].numpy().astype(float) for name, one in zip(MEASURES, found, strict=True)}

    return Prepared(call, values)


def check(outputs: Mapping[str, Values]) -> Iterator[Check]:
    """All measures of all classes."""
    own = np.concatenate([outputs["ours"][name] for name in MEASURES])
    for peer in list(outputs)[1:]:
        yield difference(peer, "measures", np.concatenate([outputs[peer][name] for name in MEASURES]), own, LIMIT)


def rows(asked: Asked) -> list[Work]:
    """One row."""
    if asked.device == "cuda":
        return []
    size = size_of(asked)
    missing = absent("monai")
    methods = [
        Method("ours", partial(ours, asked)),
        Method("MONAI", partial(by_monai, asked, False), missing, "monai", 10.0),
        Method("MONAI with one-hot", partial(by_monai, asked, True), missing, "monai", 10.0),
    ]
    voxels = int(np.prod(size))
    return [
        Work(
            "agreement.overlap", "overlap of 28 classes", "volume", methods, check,
            {"voxels": voxels, "classes": CLASSES}, bytes_moved=2 * voxels,
        )
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(rows))
