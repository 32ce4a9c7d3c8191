"""nnU-Net's trainer with what two CPU cores and labels of two sides need.

Other than in the stock trainer: AdamW; bfloat16 arithmetic on a CPU too; small turns in the axial plane; mirroring
only together with an exchange of the sides' labels; patches are drawn in this process, from seeds that the run's seed
and the epoch give; a checkpoint after every epoch that holds numbers only and is read with `weights_only`. So a run
that is stopped and started again ends with the same weights, bit for bit, with the same number of threads.

The class has the stock trainer's name, for nnU-Net looks a model's trainer up by it.
"""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from batchgenerators.dataloading.single_threaded_augmenter import SingleThreadedAugmenter
from batchgeneratorsv2.transforms.base.basic_transform import BasicTransform
from nnunetv2.training.lr_scheduler.polylr import PolyLRScheduler
from nnunetv2.training.nnUNetTrainer import nnUNetTrainer as stock
from torch import Tensor

from containers.contract.errors import EnvironmentFault
from containers.spine_segmentation.settings import Settings
from containers.toolkit.networks.training import take_state, write_state

CLIP_NORM = 12.0
"""nnU-Net's."""


class ExchangeSides(BasicTransform):  # type: ignore[misc]
    """Mirrors a patch left to right with probability 1/2 and exchanges the labels of the two sides."""

    def __init__(self, exchange: dict[int, int]) -> None:
        super().__init__()
        self.exchange = exchange

    def get_parameters(self, **data: Any) -> dict[str, bool]:
        """Draw whether this patch is mirrored."""
        return {"mirrored": bool(torch.rand(1) < 0.5)}

    def _apply_to_image(self, image: Tensor, mirrored: bool) -> Tensor:
        return torch.flip(image, [-1]) if mirrored else image

    def _apply_to_segmentation(self, segmentation: Tensor, mirrored: bool) -> Tensor:
        if not mirrored:
            return segmentation
        flipped = torch.flip(segmentation, [-1])
        result = flipped.clone()
        for value, other in self.exchange.items():
            result[flipped == value] = other
        return result


def sides_of(labels: dict[str, int]) -> dict[int, int]:
    """The label of the other side, by label: MUSCLE_left for MUSCLE_right and back. Names without a side stay."""
    other = {"left": "right", "right": "left"}
    found = {}
    for name, value in labels.items():
        muscle, _, side = name.rpartition("_")
        partner = labels.get(f"{muscle}_{other.get(side)}")
        if partner is not None:
            found[value] = partner
    return found


class nnUNetTrainer(stock.nnUNetTrainer):  # type: ignore[misc] # noqa: N801
    """See the module. `adopt` must be called before training."""

    settings: Settings
    seed: int
    tick: Callable[[float], None]
    report: Callable[[], None]

    def adopt(self, settings: Settings, seed: int, tick: Callable[[float], None], report: Callable[[], None]) -> None:
        """Take the run's settings. tick: is called after each step with its loss; report: after each epoch."""
        self.settings, self.seed, self.tick, self.report = settings, seed, tick, report
        self.logger.plot_progress_png = lambda folder: report()  # in place of nnU-Net's picture, which shows times
        self.num_epochs = settings.epochs
        self.num_iterations_per_epoch = settings.steps_per_epoch
        self.num_val_iterations_per_epoch = settings.validation_steps
        self.initial_lr, self.weight_decay = settings.learning_rate, settings.weight_decay
        self.oversample_foreground_percent = settings.foreground
        self.probabilistic_oversampling = True
        self.save_every = 1
        self.grad_scaler = None  # bfloat16 needs none

    def configure_optimizers(self) -> tuple[torch.optim.Optimizer, Any]:
        """AdamW with nnU-Net's polynomial decay."""
        optimiser = torch.optim.AdamW(self.network.parameters(), self.initial_lr, weight_decay=self.weight_decay)
        return optimiser, PolyLRScheduler(optimiser, self.initial_lr, self.num_epochs)

    def configure_rotation_dummyDA_mirroring_and_inital_patch_size(self) -> tuple[Any, bool, Any, tuple[int, ...]]:  # noqa: N802
        """Small turns within slices; no mirroring of nnU-Net's kind, in training or inference."""
        _, _, initial, _ = super().configure_rotation_dummyDA_mirroring_and_inital_patch_size()
        patch = self.configuration_manager.patch_size
        turn = float(np.deg2rad(self.settings.rotation_deg))
        initial = [
            patch[0],
            *(min(int(first), int(edge * 1.3)) for first, edge in zip(initial[1:], patch[1:], strict=True)),
        ]
        self.inference_allowed_mirroring_axes = None
        return (-turn, turn), True, initial, ()

    def get_dataloaders(self) -> tuple[SingleThreadedAugmenter, SingleThreadedAugmenter]:
        """Stock loaders; the exchange of sides goes in before labels are thinned out for deep supervision."""
        training, validation = super().get_dataloaders()
        if self.settings.flip:
            steps = training.data_loader.transforms.transforms
            steps.insert(len(steps) - 1, ExchangeSides(sides_of(self.dataset_json["labels"])))
        return training, validation

    def on_train_epoch_start(self) -> None:
        """Seeds by run and epoch, so that a run that goes on sees what a whole one does."""
        words = np.random.SeedSequence([self.seed, self.current_epoch]).generate_state(3)
        random.seed(int(words[0]))
        np.random.seed(int(words[1]))  # noqa: NPY002 - nnU-Net draws from the global generators
        torch.manual_seed(int(words[2]))
        super().on_train_epoch_start()

    def train_step(self, batch: dict[str, Any]) -> dict[str, Any]:
        """One step; the network in bfloat16, the loss in float32."""
        image = batch["data"].to(self.device)
        target = [part.to(self.device) for part in batch["target"]]
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            logits = self.network(image)
        loss = self.loss([part.float() for part in logits], target)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP_NORM)
        self.optimizer.step()
        value = loss.detach().cpu().numpy()
        if not np.isfinite(value):
            raise EnvironmentFault("the loss is not a number any more", where="training", fix="lower the learning rate")
        self.tick(float(value))
        return {"loss": value}

    def validation_step(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Stock step with the network in bfloat16."""
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            found: dict[str, Any] = super().validation_step(batch)
        return found

    def save_checkpoint(self, filename: str) -> None:
        """The state to go on from, numbers only. The best epoch so far is not kept: the last one is used."""
        if filename.endswith("checkpoint_best.pth"):
            return
        state = {
            "settings": self.settings.model_dump_json(),
            "seed": self.seed,
            "epoch": self.current_epoch + 1,
            "network": self.network.state_dict(),
            "optimiser": self.optimizer.state_dict(),
            "best": None if self._best_ema is None else float(self._best_ema),
            "logging": json.loads(json.dumps(self.logger.get_checkpoint(), default=float)),
        }
        write_state(Path(filename), state)

    def load_checkpoint(self, filename_or_checkpoint: str) -> None:
        """Go on from a checkpoint of `save_checkpoint`. Raises EnvironmentFault for one of another run or no such."""
        path = Path(filename_or_checkpoint)
        if not self.was_initialized:
            self.initialize()
        if not take_state(path, self.device, self._take):
            raise EnvironmentFault("is of other settings or another seed", where=path.name, fix="use another folder")

    def _take(self, state: dict[str, Any]) -> bool:
        """Go on from a state; False for one of other settings or another seed."""
        if state["settings"] != self.settings.model_dump_json() or state["seed"] != self.seed:
            return False
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimiser"])
        self.logger.load_checkpoint(state["logging"])
        self.current_epoch, self._best_ema = state["epoch"], state["best"]
        return True

    def print_to_log_file(self, *arguments: Any, also_print_to_console: bool = True, **options: Any) -> None:
        """Into nnU-Net's log only: the console has a progress bar."""
        super().print_to_log_file(*arguments, also_print_to_console=False, **options)

    def plot_network_architecture(self) -> None:
        """Not drawn: what would draw it is not installed."""

    def _save_debug_information(self) -> None:
        """Not written: it holds the machine's name."""
