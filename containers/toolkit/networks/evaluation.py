"""Dice of a network on whole volumes at their own resolution, against masks on the same grid: what a card states.

`command` is the command line that every network's `evaluate` has:
`evaluate WEIGHTS --data FOLDER --sets test held_out --out FILE.json`.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from containers.contract.errors import Fault, ItemFault
from containers.contract.files import write_json
from containers.toolkit.networks.dice import Labels, dice_per_class, mean_present
from containers.toolkit.networks.training_set import Dataset, Pair, read_dataset
from containers.toolkit.runtime import cuda
from containers.toolkit.runtime.process_state import torch_settings_restored

Segment = Callable[[Pair], tuple[Labels, Labels]]
"""A pair to what was found and the truth, on one grid, in the data set's labels."""


def score(dataset: Dataset, names: Sequence[str], segment: Segment) -> dict[str, Any]:
    """Per set: Dice of each volume and structure, mean of each structure, and the mean over structures.

    A line a volume is printed, for it takes long. Raises ItemFault for a set that the split does not have.
    """
    found: dict[str, Any] = {}
    for name in names:
        if name not in dataset.sets:
            raise ItemFault(f"has no set {name!r}", where="split.json", fix=f"known: {', '.join(dataset.sets)}")
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


@dataclass(frozen=True)
class Evaluated:
    """A network that was read, ready to be scored."""

    sha256: str
    """SHA-256 of its weights."""
    evaluate: Callable[[Dataset, list[str]], dict[str, Any]]
    """Scores (see `score`) of the named sets of a data set."""


@torch_settings_restored()
def command(
    parser: argparse.ArgumentParser,
    labels: dict[int, str],
    load: Callable[[argparse.Namespace], Evaluated],
    arguments: list[str] | None,
) -> int:
    """Run an `evaluate` program: writes the scores and prints a line a set. Returns 0, or 3 after a one-line fault.

    parser: with the network's own options, among them `--device` where it takes one. labels: the label map of a data
    set that has none. load: reads the network that the options name, after the data set.
    """
    parser.add_argument("weights", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=["test"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.set_defaults(device="cpu")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    try:
        if options.device == "cuda":
            cuda.require("torch", where="--device")
        dataset = read_dataset(options.data, labels)
        network = load(options)
        scores = network.evaluate(dataset, options.sets)
    except Fault as fault:
        print(f"evaluate: {fault}", file=sys.stderr)
        return 3
    write_json(options.out, {"schema_version": "1.0", "weights": network.sha256, "sets": scores})
    print(summary(scores))
    return 0
