"""Training: `python -m containers.thigh_segmentation.train CONFIG --data FOLDER --out FOLDER`.

Writes to the output folder: `first_pass.safetensors` (the UNETR at the best validation so far), `resume.pt` (the state
after the last whole epoch: the same command goes on from there), `history.json`, `learning_curve.png`; at the end, with
the second pass where the configuration has one, `weights.safetensors` (float16) with its checksum, `card.json` and
`model_card.md` with Dice on all further sets of the split. The loop is one for every configuration. With the same seed
and number of threads the weights are equal bit for bit; with another number of threads they are not.
"""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import Progress
from torch import nn

from containers.contract.errors import EnvironmentFault
from containers.contract.files import write_json
from containers.thigh_segmentation.blend import sliding_logits
from containers.thigh_segmentation.card import draw_history, write_card
from containers.thigh_segmentation.checkpoint import FILE, load_checkpoint, save_checkpoint
from containers.thigh_segmentation.config import Config, load_config
from containers.thigh_segmentation.evaluate import evaluate
from containers.thigh_segmentation.history import History
from containers.thigh_segmentation.losses import segmentation_loss
from containers.thigh_segmentation.model import Unetr
from containers.thigh_segmentation.sampling import Volumes, class_frequencies, patches
from containers.thigh_segmentation.train_refiner import train_refiner
from containers.toolkit.images.labels import THIGH_LABELS
from containers.toolkit.networks.dice import dice_per_class, mean_present
from containers.toolkit.networks.training import command, progress_bar, take_state, write_state
from containers.toolkit.networks.training_set import Dataset, read_dataset

RESUME = "resume.pt"
FIRST_PASS = "first_pass.safetensors"


class Run:
    """One training run in its output folder: network, optimiser, history, and their state on disk."""

    def __init__(self, config: Config, dataset: Dataset, out: Path, seed: int, device: str = "cpu") -> None:
        self.config, self.dataset, self.out, self.seed, self.device = config, dataset, out, seed, device
        if config.network.out_channels <= len(dataset.labels):
            raise EnvironmentFault(
                f"has {config.network.out_channels} channels for background and {len(dataset.labels)} labels",
                where=config.name,
                fix="raise network.out_channels",
            )
        torch.manual_seed(seed)
        self.model = Unetr(config.network).to(device)
        self.volumes = Volumes(config, dataset.labels)
        settings = config.training
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self.history = History()
        out.mkdir(parents=True, exist_ok=True)
        if (out / RESUME).exists():
            self._resume()
        elif config.network.class_prior_bias:
            frequencies = class_frequencies(self.volumes, dataset.sets["train"], config.network.out_channels)
            self.model.start_at_frequencies(frequencies)

    @property
    def steps_per_epoch(self) -> int:
        """Steps that one pass over the training volumes takes."""
        return -(-len(self.dataset.sets["train"]) // self.config.training.batch_volumes)

    def learning_rate(self, step: int) -> float:
        """Learning rate at a step: linear warm-up, then constant or a half cosine to zero at the last step."""
        settings = self.config.training
        rate = settings.learning_rate * min(1.0, (step + 1) / max(1, settings.warmup_steps))
        if settings.schedule == "cosine":
            rate *= 0.5 * (1 + float(np.cos(np.pi * step / (settings.epochs * self.steps_per_epoch))))
        return rate

    def epoch(self, number: int, progress: Progress) -> None:
        """One pass over the training volumes in an order that seed and number give."""
        pairs = self.dataset.sets["train"]
        order = np.random.default_rng([self.seed, number]).permutation(len(pairs))
        size = self.config.training.batch_volumes
        bar = progress.add_task(f"epoch {number + 1}", total=self.steps_per_epoch)
        losses = []
        self.model.train()
        for step, first in enumerate(range(0, len(order), size)):
            for group in self.optimiser.param_groups:
                group["lr"] = self.learning_rate(number * self.steps_per_epoch + step)
            chosen = [(int(n), pairs[n]) for n in order[first : first + size]]
            made = [patches(self.config, self.volumes, pair, (self.seed, number, n)) for n, pair in chosen]
            losses.append(self._step(torch.cat([m[0] for m in made]), torch.cat([m[1] for m in made])))
            progress.update(bar, advance=1, description=f"epoch {number + 1} loss {np.mean(losses):.3f}")
        progress.remove_task(bar)
        self.history.loss.append(float(np.mean(losses)))

    def _step(self, images: torch.Tensor, masks: torch.Tensor) -> float:
        """One step of the optimiser; gradients are added up over micro batches. Returns the loss."""
        settings = self.config.training
        self.optimiser.zero_grad(set_to_none=True)
        total = 0.0
        for first in range(0, len(images), settings.micro_batch):
            part = slice(first, first + settings.micro_batch)
            with torch.autocast(self.device, dtype=torch.bfloat16, enabled=settings.mixed_precision):
                logits = self.model.forward_deep(images[part].to(self.device))
            loss = segmentation_loss(logits, masks[part].to(self.device)) * (len(images[part]) / len(images))
            loss.backward()
            total += float(loss.detach())
        if not np.isfinite(total):
            raise EnvironmentFault(
                "the loss is not a number any more", where=self.config.name, fix="lower the learning rate"
            )
        if settings.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), settings.clip_norm)
        self.optimiser.step()
        return total

    def validate(self, number: int, progress: Progress) -> None:
        """Mean Dice on the working grid over the validation volumes; the best weights so far are kept."""
        self.model.eval()
        config, pairs = self.config, self.dataset.sets["validation"]
        bar = progress.add_task("validation", total=len(pairs))
        values = []
        for pair in pairs:
            image, mask = self.volumes.get(pair)
            blocks = sliding_logits(self.model, image, config.network.patch, 0.25, config.training.mixed_precision)
            used = len(self.dataset.labels) + 1
            found = torch.cat([b[:used].argmax(0) for b in blocks]).to(torch.uint8).numpy()
            values.append(mean_present(dice_per_class(found, mask, used)))
            progress.update(bar, advance=1)
        progress.remove_task(bar)
        mean = mean_present(values)
        self.history.validation.append((number + 1, -1.0 if mean is None else mean))
        progress.console.print(f"epoch {number + 1}: loss {self.history.loss[-1]:.3f}, validation Dice {mean:.4f}")
        if self.history.idle() == 0:
            save_checkpoint(self.out / FIRST_PASS, config, self.dataset.labels, self.model, None, half=False)

    def save(self) -> None:
        """Write the state to go on from, and what a person looks at meanwhile."""
        state = {
            "config": self.config.model_dump_json(),
            "seed": self.seed,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "history": asdict(self.history),
        }
        write_state(self.out / RESUME, state)
        write_json(self.out / "history.json", asdict(self.history))
        draw_history(self.out / "learning_curve.png", self.config.name, self.history)

    def _resume(self) -> None:
        if not take_state(self.out / RESUME, self.device, self._take):
            raise EnvironmentFault("is of another configuration or seed", where=RESUME, fix="use another output folder")

    def _take(self, state: dict[str, Any]) -> bool:
        """Go on from a state; False for one of another configuration or seed."""
        if state["config"] != self.config.model_dump_json() or state["seed"] != self.seed:
            return False
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        history = state["history"]
        self.history = History(list(history["loss"]), [(int(e), float(d)) for e, d in history["validation"]])
        return True


def train(config: Config, dataset: Dataset, out: Path, seed: int, device: str = "cpu") -> None:
    """Train the UNETR until its last epoch, or until `patience` validations have brought nothing."""
    run = Run(config, dataset, out, seed, device)
    with progress_bar() as progress:
        total = progress.add_task(config.name, total=config.training.epochs, completed=len(run.history.loss))
        for number in range(len(run.history.loss), config.training.epochs):
            if run.history.idle() >= config.training.patience:
                break
            run.epoch(number, progress)
            if (number + 1) % config.training.validate_every == 0 or number + 1 == config.training.epochs:
                run.validate(number, progress)
            run.save()
            progress.update(total, advance=1)


def finish(config: Config, dataset: Dataset, out: Path, seed: int, device: str = "cpu") -> None:
    """Second pass, final weights, and the model card; each part that a stopped run has finished is not done again."""
    best = load_checkpoint(out / FIRST_PASS).on(device)
    refiner = train_refiner(config, dataset, best.unetr, out, seed) if config.refinement else None
    save_checkpoint(out / FILE, config, dataset.labels, best.unetr, refiner, half=True)
    scores = evaluate(load_checkpoint(out / FILE).on(device), dataset, dataset.unseen)
    write_card(out, config, dataset, seed, scores)


def main(arguments: list[str] | None = None) -> int:
    """Command line. Returns 0, or 3 after a one-line fault."""
    parser = argparse.ArgumentParser(prog="python -m containers.thigh_segmentation.train")
    parser.add_argument("config", type=Path, help="a TOML file, or paper, or phantom-small")

    def work(options: argparse.Namespace) -> None:
        config, dataset = load_config(options.config), read_dataset(options.data, THIGH_LABELS)
        train(config, dataset, options.out, options.seed, options.device)
        finish(config, dataset, options.out, options.seed, options.device)

    return command(parser, work, arguments)


if __name__ == "__main__":
    sys.exit(main())
