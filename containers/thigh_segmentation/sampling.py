"""Training patches: volumes on the working grid, kept in memory, cropped as ukb_thigh says, changed at random.

Every draw follows from (seed, epoch, number of the volume in it), so that a resumed run goes on as an unbroken one.
"""

from collections import OrderedDict

import numpy as np
import numpy.typing as npt
import torch
from monai.transforms import RandCropByLabelClasses, RandCropByPosNegLabel, SpatialPad
from torch import Tensor

from containers.contract.errors import ItemFault
from containers.thigh_segmentation.augment import augmented
from containers.thigh_segmentation.case import read_case
from containers.thigh_segmentation.config import Config
from containers.thigh_segmentation.grid import (
    Array,
    axes_of,
    image_to_working,
    mask_to_working,
    windowed,
)
from containers.toolkit.networks.training_set import Pair


class Volumes:
    """Images (0..1) and masks on the working grid, the last `cached_volumes` of them in memory."""

    def __init__(self, config: Config, labels: dict[int, str]) -> None:
        self._config, self._labels = config, labels
        self._kept: OrderedDict[str, tuple[Array, npt.NDArray[np.uint8]]] = OrderedDict()

    def get(self, pair: Pair) -> tuple[Array, npt.NDArray[np.uint8]]:
        """Image and mask (z, y, x) of a pair on the working grid."""
        if pair.identifier in self._kept:
            self._kept.move_to_end(pair.identifier)
            return self._kept[pair.identifier]
        case = read_case(pair, self._labels)
        preprocessing = self._config.preprocessing
        axes = axes_of(case.mask.shape, case.spacing_mm, tuple(reversed(preprocessing.spacing_mm)))
        image = windowed(image_to_working(np.asarray(case.image, dtype=np.float32), axes), preprocessing.window)
        mask = mask_to_working(case.mask, axes)
        if not mask.any():
            raise ItemFault("has no labelled voxel", where=pair.mask.name, fix="take it out of the split")
        self._kept[pair.identifier] = image, mask
        if len(self._kept) > self._config.training.cached_volumes:
            self._kept.popitem(last=False)
        return image, mask


def class_frequencies(volumes: Volumes, pairs: list[Pair], channels: int) -> Tensor:
    """Frequencies (channels) of the labels over up to four volumes."""
    count = np.zeros(channels)
    for pair in pairs[:4]:
        count += np.bincount(volumes.get(pair)[1].reshape(-1), minlength=channels)
    return torch.tensor(count / count.sum(), dtype=torch.float32)


def patches(config: Config, volumes: Volumes, pair: Pair, draw: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    """Patches of one volume: images (n, 1, z, y, x), masks (n, z, y, x). draw: seed, epoch, number of the volume."""
    image, mask = volumes.get(pair)
    pad = SpatialPad(spatial_size=config.network.patch)
    channel_first = pad(torch.from_numpy(image)[None]), pad(torch.from_numpy(mask)[None])
    crop = _crop(config, mask)
    rng = np.random.default_rng(draw)
    crop.set_random_state(seed=int(rng.integers(2**31)))
    crop.randomize(channel_first[1])
    # The same centres for both: the transform draws again on each call unless asked not to.
    images = crop(channel_first[0], randomize=False)
    masks = crop(channel_first[1], randomize=False)
    return augmented(
        torch.stack([i.as_tensor() for i in images]),
        torch.stack([m.as_tensor() for m in masks]).to(torch.int64)[:, 0],
        config.augmentation,
        rng,
    )


def _crop(config: Config, mask: npt.NDArray[np.uint8]) -> RandCropByPosNegLabel | RandCropByLabelClasses:
    """MONAI's crop around centres that the configuration asks for. mask: the volume's, (z, y, x)."""
    training = config.training
    if training.centres == "labelled":
        return RandCropByPosNegLabel(
            spatial_size=config.network.patch,
            pos=training.positive,
            neg=training.negative,
            num_samples=training.patches_per_volume,
        )
    present = np.bincount(mask.reshape(-1), minlength=config.network.out_channels)[1:] > 0
    return RandCropByLabelClasses(
        spatial_size=config.network.patch,
        ratios=[training.negative, *(training.positive * present / present.sum())],
        num_classes=config.network.out_channels,
        num_samples=training.patches_per_volume,
        warn=False,
    )
