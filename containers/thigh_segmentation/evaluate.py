"""Dice of a checkpoint on whole volumes at their own resolution, against masks on the same grid: what a card states.

`python -m containers.thigh_segmentation.evaluate WEIGHTS --data FOLDER --sets test held_out --out FILE.json`
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import torch

from containers.contract.errors import Fault
from containers.contract.files import write_json
from containers.thigh_segmentation.checkpoint import Checkpoint, load_checkpoint
from containers.thigh_segmentation.dataset import Dataset, read_dataset
from containers.thigh_segmentation.infer import segment
from containers.thigh_segmentation.losses import dice_per_class, mean_present
from containers.thigh_segmentation.sampling import read_case


def evaluate(checkpoint: Checkpoint, dataset: Dataset, names: list[str], *, second_pass: bool = True) -> dict[str, Any]:
    """Per set: Dice of each volume and structure, mean of each structure, and the mean over structures."""
    classes = len(dataset.labels) + 1
    found: dict[str, Any] = {}
    for name in names:
        rows = {}
        for pair in dataset.sets[name]:
            case = read_case(pair, dataset.labels)
            labels = segment(checkpoint, case.image, case.spacing_mm, second_pass=second_pass)
            rows[pair.identifier] = dice_per_class(labels, case.mask, classes)
            print(f"{name} {pair.identifier}: mean Dice {mean_present(rows[pair.identifier]):.4f}", flush=True)
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
    parser = argparse.ArgumentParser(prog="python -m containers.thigh_segmentation.evaluate")
    parser.add_argument("weights", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=["test"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--first-pass-only", action="store_true", help="leave the second pass out")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    try:
        dataset = read_dataset(options.data)
        checkpoint = load_checkpoint(options.weights)
        result = evaluate(checkpoint, dataset, options.sets, second_pass=not options.first_pass_only)
    except Fault as fault:
        print(f"evaluate: {fault}", file=sys.stderr)
        return 3
    write_json(options.out, {"schema_version": "1.0", "weights": checkpoint.sha256, "sets": result})
    for name, row in result.items():
        worst = sorted((v, n) for n, v in row["dice"].items() if v is not None)[:3]
        print(f"{name}: mean {row['mean_dice']:.4f}; lowest {', '.join(f'{n} {v:.3f}' for v, n in worst)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
