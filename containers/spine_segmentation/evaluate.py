"""Dice of a model on whole volumes at their own resolution, against masks on the same grid: what a card states.

`python -m containers.spine_segmentation.evaluate WEIGHTS --data FOLDER --sets test held_out --out FILE.json`
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import torch

from containers.contract.errors import Fault
from containers.contract.files import write_json
from containers.spine_segmentation.case import read_case
from containers.spine_segmentation.infer import segment
from containers.spine_segmentation.model import Model, load_model
from containers.spine_segmentation.postprocessing import largest_parts
from containers.toolkit.images.labels import SPINE_LABELS
from containers.toolkit.networks.dice import Labels, score, summary
from containers.toolkit.networks.training_set import Dataset, Pair, read_dataset
from containers.toolkit.runtime import cuda
from containers.toolkit.runtime.process_state import torch_settings_restored


def evaluate(model: Model, dataset: Dataset, names: list[str], *, device: str = "cpu") -> dict[str, Any]:
    """Dice by set, volume and muscle (see `contract.dice.score`), after the model's post-processing."""

    def found_and_true(pair: Pair) -> tuple[Labels, Labels]:
        case = read_case(pair, dataset.labels)
        found = segment(model, case.image, case.spacing_mm, device=device)
        return largest_parts(found, model.keep_largest), case.mask

    return score(dataset, names, found_and_true)


@torch_settings_restored()
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
        if options.device == "cuda":
            cuda.require("torch", where="--device")
        dataset, model = read_dataset(options.data, SPINE_LABELS), load_model(options.weights)
        result = evaluate(model, dataset, options.sets, device=options.device)
    except Fault as fault:
        print(f"evaluate: {fault}", file=sys.stderr)
        return 3
    write_json(options.out, {"schema_version": "1.0", "weights": model.sha256, "sets": result})
    print(summary(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
