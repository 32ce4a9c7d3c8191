"""Dice of a model on whole volumes at their own resolution, against masks on the same grid: what a card states.

`python -m containers.spine_segmentation.evaluate WEIGHTS --data FOLDER --sets test held_out --out FILE.json`
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from containers.contract.errors import Fault
from containers.contract.files import write_json
from containers.spine_segmentation.dataset import Dataset, read_case, read_dataset
from containers.spine_segmentation.infer import segment
from containers.spine_segmentation.model import Model, load_model


def dice_per_class(found: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8], classes: int) -> list[float | None]:
    """Dice of the labels 1 to classes - 1; None for one that the truth does not have."""
    table = np.bincount(
        truth.reshape(-1).astype(np.int64) * classes + found.reshape(-1), minlength=classes * classes
    ).reshape(classes, classes)
    size, claimed, both = table.sum(1), table.sum(0), np.diag(table)
    return [float(2 * both[c] / (size[c] + claimed[c])) if size[c] else None for c in range(1, classes)]


def mean_present(values: Sequence[float | None]) -> float | None:
    """Mean over the classes that the truth has; None when it has none."""
    present = [value for value in values if value is not None]
    return float(np.mean(present)) if present else None


def evaluate(model: Model, dataset: Dataset, names: list[str], *, device: str = "cpu") -> dict[str, Any]:
    """Per set: Dice of each volume and muscle, mean of each muscle, and the mean over muscles."""
    classes = len(dataset.labels) + 1
    found: dict[str, Any] = {}
    for name in names:
        rows = {}
        for pair in dataset.sets[name]:
            case = read_case(pair, dataset.labels)
            labels = segment(model, case.image, case.spacing_mm, device=device)
            rows[pair.identifier] = dice_per_class(labels, case.mask, classes)
            print(f"{name} {pair.identifier}: Dice {[v and round(v, 4) for v in rows[pair.identifier]]}", flush=True)
        per_class = [mean_present([row[c] for row in rows.values()]) for c in range(classes - 1)]
        found[name] = {
            "volumes": rows,
            "dice": {dataset.labels[c + 1]: per_class[c] for c in range(classes - 1)},
            "mean_dice": mean_present(per_class),
            "lowest_in_a_volume": min((v for row in rows.values() for v in row if v is not None), default=None),
        }
    return found


def main(arguments: list[str] | None = None) -> int:
    """Command line. Returns 0, or 3 after a one-line fault."""
    parser = argparse.ArgumentParser(prog="python -m containers.spine_segmentation.evaluate")
    parser.add_argument("weights", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=["test"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    try:
        dataset, model = read_dataset(options.data), load_model(options.weights)
        result = evaluate(model, dataset, options.sets, device=options.device)
    except Fault as fault:
        print(f"evaluate: {fault}", file=sys.stderr)
        return 3
    write_json(options.out, {"schema_version": "1.0", "weights": model.sha256, "sets": result})
    for name, row in result.items():
        print(f"{name}: mean {row['mean_dice']:.4f}; {row['dice']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
