"""Dice of a model on whole volumes at their own resolution (see `toolkit.networks.evaluation`).

`python -m containers.spine_segmentation.evaluate WEIGHTS --data FOLDER --sets test held_out --out FILE.json`
"""

import argparse
import sys
from typing import Any

from containers.spine_segmentation.case import read_case
from containers.spine_segmentation.infer import segment
from containers.spine_segmentation.model import Model, load_model
from containers.spine_segmentation.postprocessing import largest_parts
from containers.toolkit.images.labels import SPINE_LABELS
from containers.toolkit.networks.dice import Labels
from containers.toolkit.networks.evaluation import Evaluated, command, score
from containers.toolkit.networks.training_set import Dataset, Pair


def evaluate(model: Model, dataset: Dataset, names: list[str], *, device: str = "cpu") -> dict[str, Any]:
    """Dice by set, volume and muscle, after the model's post-processing."""

    def found_and_true(pair: Pair) -> tuple[Labels, Labels]:
        case = read_case(pair, dataset.labels)
        found = segment(model, case.image, case.spacing_mm, device=device)
        return largest_parts(found, model.keep_largest), case.mask

    return score(dataset, names, found_and_true)


def main(arguments: list[str] | None = None) -> int:
    """Command line. Returns 0, or 3 after a one-line fault."""
    parser = argparse.ArgumentParser(prog="python -m containers.spine_segmentation.evaluate")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")

    def load(options: argparse.Namespace) -> Evaluated:
        model, device = load_model(options.weights), options.device
        return Evaluated(model.sha256, lambda dataset, names: evaluate(model, dataset, names, device=device))

    return command(parser, SPINE_LABELS, load, arguments)


if __name__ == "__main__":
    sys.exit(main())
