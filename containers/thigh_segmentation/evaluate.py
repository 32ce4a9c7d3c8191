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
from containers.thigh_segmentation.infer import segment
from containers.thigh_segmentation.sampling import read_case
from containers.toolkit.images.labels import THIGH_LABELS
from containers.toolkit.networks.dice import Labels, score, summary
from containers.toolkit.networks.training_set import Dataset, Pair, read_dataset
from containers.toolkit.runtime.process_state import torch_settings_restored


def evaluate(checkpoint: Checkpoint, dataset: Dataset, names: list[str], *, second_pass: bool = True) -> dict[str, Any]:
    """Dice by set, volume and structure (see `contract.dice.score`)."""

    def found_and_true(pair: Pair) -> tuple[Labels, Labels]:
        case = read_case(pair, dataset.labels)
        return segment(checkpoint, case.image, case.spacing_mm, second_pass=second_pass), case.mask

    return score(dataset, names, found_and_true)


@torch_settings_restored()
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
        dataset = read_dataset(options.data, THIGH_LABELS)
        checkpoint = load_checkpoint(options.weights)
        result = evaluate(checkpoint, dataset, options.sets, second_pass=not options.first_pass_only)
    except Fault as fault:
        print(f"evaluate: {fault}", file=sys.stderr)
        return 3
    write_json(options.out, {"schema_version": "1.0", "weights": checkpoint.sha256, "sets": result})
    print(summary(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
