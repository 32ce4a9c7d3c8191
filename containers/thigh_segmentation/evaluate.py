"""Dice of a checkpoint on whole volumes at their own resolution (see `toolkit.networks.evaluation`).

`python -m containers.thigh_segmentation.evaluate WEIGHTS --data FOLDER --sets test held_out --out FILE.json`
"""

import argparse
import sys
from typing import Any

from containers.thigh_segmentation.case import read_case
from containers.thigh_segmentation.checkpoint import Checkpoint, load_checkpoint
from containers.thigh_segmentation.infer import segment
from containers.toolkit.images.labels import THIGH_LABELS
from containers.toolkit.networks.dice import Labels
from containers.toolkit.networks.evaluation import Evaluated, command, score
from containers.toolkit.networks.training_set import Dataset, Pair


def evaluate(checkpoint: Checkpoint, dataset: Dataset, names: list[str], *, second_pass: bool = True) -> dict[str, Any]:
    """Dice by set, volume and structure."""

    def found_and_true(pair: Pair) -> tuple[Labels, Labels]:
        case = read_case(pair, dataset.labels)
        return segment(checkpoint, case.image, case.spacing_mm, second_pass=second_pass), case.mask

    return score(dataset, names, found_and_true)


def main(arguments: list[str] | None = None) -> int:
    """Command line. Returns 0, or 3 after a one-line fault."""
    parser = argparse.ArgumentParser(prog="python -m containers.thigh_segmentation.evaluate")
    parser.add_argument("--first-pass-only", action="store_true", help="leave the second pass out")

    def load(options: argparse.Namespace) -> Evaluated:
        checkpoint, second_pass = load_checkpoint(options.weights), not options.first_pass_only
        return Evaluated(
            checkpoint.sha256, lambda dataset, names: evaluate(checkpoint, dataset, names, second_pass=second_pass)
        )

    return command(parser, THIGH_LABELS, load, arguments)


if __name__ == "__main__":
    sys.exit(main())
