"""What training programs share: their command line, a state to go on from, the bar on the console.

A run of any network keeps these: with the same seed and number of threads its weights are equal bit for bit, a run that
was stopped goes on with the same command, and a fault is one line.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from containers.contract.errors import EnvironmentFault, Fault
from containers.contract.files import replacing
from containers.toolkit.runtime import cuda
from containers.toolkit.runtime.process_state import torch_settings_restored

Taken = TypeVar("Taken")


@torch_settings_restored()
def command(
    parser: argparse.ArgumentParser, train: Callable[[argparse.Namespace], None], arguments: list[str] | None
) -> int:
    """Run a training program. Returns 0, or 3 after a one-line fault.

    parser: with the network's own options. train: does everything, from the options data, out, seed, threads, device
    and those of the network.
    """
    parser.add_argument("--data", type=Path, required=True, help="folder with images, masks and split.json")
    parser.add_argument("--out", type=Path, required=True, help="output folder; an unfinished run there goes on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    # Some backward passes have no deterministic form on a GPU.
    torch.use_deterministic_algorithms(options.device == "cpu")
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        if options.device == "cuda":
            cuda.require("torch", where="--device")
        train(options)
    except Fault as fault:
        print(f"train: {fault}", file=sys.stderr)
        return 3
    return 0


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write the state that a run goes on from: tensors, numbers and text, which `take_state` can read."""
    with replacing(path) as temporary:
        torch.save(state, temporary)


def take_state(path: Path, device: torch.device | str, take: Callable[[dict[str, Any]], Taken]) -> Taken:
    """What `take` makes of a state that `write_state` wrote. A foreign file cannot run anything (`weights_only`).

    Raises EnvironmentFault where the file is damaged or `take` fails on what it holds.
    """
    try:
        return take(torch.load(path, weights_only=True, map_location=device))
    except Exception as error:  # torch.load raises many kinds for a damaged file
        raise EnvironmentFault("is not readable", where=path.name, fix="remove it to start again") from error


def progress_bar() -> Progress:
    """The bar of a run: what it does, how many of how many, and the time left."""
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
