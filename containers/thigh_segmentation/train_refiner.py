"""Training of the second pass (see `refine`) on the training volumes, behind a finished UNETR that stays as it is.

For each volume the UNETR's logits are made once, blended as in inference; patches are then cut at the volume's own
resolution around random labelled voxels. Brightness, noise and blur of the image vary. The state is saved after every
volume, so a run that was stopped goes on from there with the same draws.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import Progress
from torch import Tensor
from torch.nn import functional

from containers.thigh_segmentation.blend import sliding_logits
from containers.thigh_segmentation.case import read_case
from containers.thigh_segmentation.config import Config, Refinement
from containers.thigh_segmentation.grid import axes_of, image_to_working, windowed
from containers.thigh_segmentation.infer import interpolate
from containers.thigh_segmentation.losses import dice_and_cross_entropy
from containers.thigh_segmentation.model import Unetr, device_of
from containers.thigh_segmentation.refine import Refiner
from containers.toolkit.networks.case import Case
from containers.toolkit.networks.training import take_state, write_state
from containers.toolkit.networks.training_set import Dataset

RESUME = "resume_refiner.pt"


def train_refiner(config: Config, dataset: Dataset, unetr: Unetr, out: Path, seed: int) -> Refiner:
    """Train, or go on training, the second pass of a configuration that has one."""
    settings = config.refinement
    if settings is None:
        raise ValueError(f"{config.name} has no refinement")
    torch.manual_seed(seed)
    device = device_of(unetr)
    refiner = Refiner(config, dataset.labels)
    refiner.to(device)
    optimiser = torch.optim.AdamW(refiner.parameters(), lr=settings.learning_rate, weight_decay=0.0)
    losses = _resume(out / RESUME, refiner, optimiser)
    pairs = dataset.sets["train"]
    total = settings.epochs * len(pairs)
    with Progress() as progress:
        bar = progress.add_task("second pass", total=total, completed=len(losses))
        for number in range(len(losses), total):
            epoch, place = divmod(number, len(pairs))
            rng = np.random.default_rng([seed, 1, number])
            order = np.random.default_rng([seed, 2, epoch]).permutation(len(pairs))
            case = read_case(pairs[int(order[place])], dataset.labels)
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * 0.5 * (1 + float(np.cos(np.pi * number / total)))
            losses.append(_one_volume(config, settings, unetr, refiner, optimiser, case, rng))
            state = {"model": refiner.state_dict(), "optimiser": optimiser.state_dict(), "losses": losses}
            write_state(out / RESUME, state)
            progress.update(bar, advance=1, description=f"second pass, loss {losses[-1]:.3f}")
    refiner.eval()
    return refiner


def _resume(path: Path, refiner: Refiner, optimiser: torch.optim.Optimizer) -> list[float]:
    """Losses of the volumes that are done; networks and optimiser take their state from after the last of them."""

    def take(state: dict[str, Any]) -> list[float]:
        refiner.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        return [float(loss) for loss in state["losses"]]

    return take_state(path, device_of(refiner), take) if path.exists() else []


def _one_volume(
    config: Config,
    settings: Refinement,
    unetr: Unetr,
    refiner: Refiner,
    optimiser: torch.optim.Optimizer,
    case: Case,
    rng: np.random.Generator,
) -> float:
    """Steps on the patches of one volume, one patch a step. Returns the mean loss."""
    axes = axes_of(case.mask.shape, case.spacing_mm, tuple(reversed(config.preprocessing.spacing_mm)))
    network, window = config.network, config.preprocessing.window
    reduced = config.training.mixed_precision
    working = windowed(image_to_working(np.asarray(case.image, dtype=np.float32), axes), window)
    blocks = sliding_logits(unetr.eval(), working, network.patch, 0.25, reduced)
    logits = torch.cat(list(blocks), dim=1)
    device = device_of(refiner)
    tissue = refiner.tissue.cpu().numpy()
    losses = []
    for centre in _centres(case.mask, settings.patches_per_volume, rng):
        part = tuple(
            _around(at, edge, size) for at, edge, size in zip(centre, settings.patch, case.mask.shape, strict=True)
        )
        coarse = logits
        for n, (axis, span) in enumerate(zip(axes, part, strict=True)):
            coarse = interpolate(coarse, axis.to_working()[span], n + 1)
        image = _varied(torch.from_numpy(windowed(case.image[part], window))[None, None], rng)
        target = torch.from_numpy(tissue[case.mask[part]])[None]
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=reduced):
            tissues = refiner.log_tissues(coarse[None].to(device).log_softmax(dim=1))
            better = refiner.corrected(tissues, image.to(device))
        loss = dice_and_cross_entropy(better, target.to(device))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(refiner.parameters(), 1.0)
        optimiser.step()
        losses.append(float(loss.detach()))
    return float(np.mean(losses))


def _centres(mask: npt.NDArray[np.uint8], number: int, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """Labelled voxels (z, y, x): a structure first, each as likely as the others, then one of its voxels."""
    places = np.flatnonzero(mask)
    labels = mask.reshape(-1)[places]
    order = np.argsort(labels, kind="stable")
    present, first, size = np.unique(labels[order], return_index=True, return_counts=True)
    chosen = rng.integers(0, len(present), number)
    voxels = places[order[first[chosen] + rng.integers(0, size[chosen])]]
    return [tuple(int(at) for at in place) for place in np.transpose(np.unravel_index(voxels, mask.shape))]


def _around(centre: int, edge: int, size: int) -> slice:
    """A span of `edge` voxels (or all of them) around a voxel, inside the volume."""
    edge = min(edge, size)
    first = min(max(0, centre - edge // 2), size - edge)
    return slice(first, first + edge)


def _varied(image: Tensor, rng: np.random.Generator) -> Tensor:
    """The image with another gain, some blur (as of a fusion between voxels) and noise."""
    image = image * float(np.exp(0.15 * rng.standard_normal()))
    blurred = functional.avg_pool3d(image, 3, stride=1, padding=1, count_include_pad=False)
    image = torch.lerp(image, blurred, 0.4 * float(rng.random()))
    noise = torch.from_numpy(rng.standard_normal(tuple(image.shape), dtype=np.float32))
    return (image + 0.03 * float(rng.random()) * noise).clamp(0.0, 1.0)
