"""Training: `python -m containers.spine_segmentation.train --data FOLDER --out FOLDER --seed N --threads N`.

nnU-Net's steps in its own layout under OUT/nnunet (fingerprint, plans, preprocessed cases, checkpoint), then in OUT the
model folder that the stage reads (see `model`), `history.json`, `learning_curve.png`, `card.json` and `model_card.md`
with Dice on all further sets of the split. An interrupted run goes on with the same command. With the same seed and
number of threads the weights are equal bit for bit; with another number of threads they are not.
"""

import argparse
import contextlib
import json
import math
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
from rich.progress import Progress, track

from containers.contract.files import write_json
from containers.spine_segmentation.card import draw_history, write_card
from containers.spine_segmentation.case import read_case
from containers.spine_segmentation.evaluate import evaluate
from containers.spine_segmentation.infer import segment
from containers.spine_segmentation.model import (
    CONFIGURATION,
    build_network,
    load_model,
    save_model,
    save_postprocessing,
)
from containers.spine_segmentation.plan import LISTED, NAME, prepare, set_option
from containers.spine_segmentation.postprocessing import choose
from containers.spine_segmentation.settings import COMPACT, Settings, load_settings
from containers.spine_segmentation.trainer import nnUNetTrainer
from containers.toolkit.images.labels import SPINE_LABELS
from containers.toolkit.networks.training import command, progress_bar
from containers.toolkit.networks.training_set import Dataset, read_dataset
from containers.toolkit.runtime.process_state import environment_restored


@contextlib.contextmanager
def quiet(log: Path) -> Iterator[None]:
    """What nnU-Net prints goes to a file; its progress bars stay on the console."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as stream, contextlib.redirect_stdout(stream):
        yield


def history_of(trainer: nnUNetTrainer) -> dict[str, list[Any]]:
    """Losses of each epoch, and the Dice of its validation patches, mean and per label (None: absent there)."""
    logged = trainer.logger.get_checkpoint()
    names = {
        "training_loss": "train_losses",
        "validation_loss": "val_losses",
        "validation_dice": "mean_fg_dice",
        "validation_dice_per_label": "dice_per_class_or_region",
    }
    done = len(logged["val_losses"])
    return {ours: _numbers(np.asarray(logged[theirs][:done], dtype=float).tolist()) for ours, theirs in names.items()}


def _numbers(values: list[Any]) -> list[Any]:
    return [_numbers(v) if isinstance(v, list) else v if math.isfinite(v) else None for v in values]


def train(dataset: Dataset, settings: Settings, plans: dict[str, Any], out: Path, seed: int, device: str) -> None:
    """Train until the last epoch, from where an earlier call stopped. The state is in OUT/nnunet/results."""
    set_option("n_proc_DA", "0")  # patches are drawn in this process
    folder = out / "nnunet" / "preprocessed" / NAME
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - nnU-Net draws from the global generator
    with quiet(out / "train.log"):
        given = {**deepcopy(plans), "continue_training": False}
        described = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        described.pop(LISTED, None)
        trainer = nnUNetTrainer(given, CONFIGURATION, 0, described, torch.device(device))
    with progress_bar() as progress:
        bar = progress.add_task(settings.name, total=settings.epochs * settings.steps_per_epoch)

        def tick(loss: float) -> None:
            progress.update(bar, advance=1, description=f"epoch {trainer.current_epoch + 1} loss {loss:.3f}")

        trainer.adopt(settings, seed, tick, lambda: _report(trainer, out, settings, progress))
        trainer.initialize()
        checkpoints = Path(trainer.output_folder)
        final, latest = checkpoints / "checkpoint_final.pth", checkpoints / "checkpoint_latest.pth"
        if (present := next((path for path in (final, latest) if path.exists()), None)) is not None:
            trainer.load_checkpoint(str(present))
            progress.update(bar, completed=trainer.current_epoch * settings.steps_per_epoch)
        if not final.exists():
            trainer.run_training()
    save_model(out, _without_supervision(trainer, plans, len(dataset.labels)), plans, described)


def _report(trainer: nnUNetTrainer, out: Path, settings: Settings, progress: Progress) -> None:
    """After an epoch: history and learning curve on disk, one line on the console."""
    history = history_of(trainer)
    write_json(out / "history.json", history)
    draw_history(out / "learning_curve.png", settings.name, history)
    last = history["validation_dice_per_label"][-1]
    dice = ", ".join("absent" if value is None else f"{value:.3f}" for value in last)
    progress.console.print(
        f"epoch {len(history['training_loss'])}: loss {history['training_loss'][-1]:.3f}, "
        f"validation {history['validation_loss'][-1]:.3f}, Dice {dice}"
    )


def _without_supervision(trainer: nnUNetTrainer, plans: dict[str, Any], labels: int) -> torch.nn.Module:
    """The trained network without the heads that only deep supervision uses."""
    network = build_network(PlansManager(deepcopy(plans)).get_configuration(CONFIGURATION), labels)
    trained = trainer.network.state_dict()
    network.load_state_dict({name: trained[name] for name in network.state_dict()})
    return network


def set_postprocessing(dataset: Dataset, out: Path, device: str) -> None:
    """Find on the validation set which labels are cut down to their largest part, and write it to the model folder."""
    model = load_model(out)
    found, truth = [], []
    for pair in track(dataset.sets["validation"], description="post-processing"):
        case = read_case(pair, dataset.labels)
        found.append(segment(model, case.image, case.spacing_mm, device=device))
        truth.append(case.mask)
    save_postprocessing(out, choose(found, truth, len(dataset.labels) + 1))


@environment_restored("nnUNet_")
def main(arguments: list[str] | None = None) -> int:
    """Command line. Returns 0, or 3 after a one-line fault."""
    parser = argparse.ArgumentParser(prog="python -m containers.spine_segmentation.train")
    parser.add_argument("--settings", type=Path, default=COMPACT, help="a TOML file (default: the shipped weights')")

    def work(options: argparse.Namespace) -> None:
        settings, dataset = load_settings(options.settings), read_dataset(options.data, SPINE_LABELS)
        with quiet(options.out / "prepare.log"):
            plans = prepare(dataset, settings, options.out / "nnunet", options.threads)
        train(dataset, settings, plans, options.out, options.seed, options.device)
        set_postprocessing(dataset, options.out, options.device)
        scores = evaluate(load_model(options.out), dataset, dataset.unseen, device=options.device)
        write_card(options.out, settings, plans, dataset, options.seed, scores)

    return command(parser, work, arguments)


if __name__ == "__main__":
    sys.exit(main())
