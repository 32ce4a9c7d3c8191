"""Sliding-window inference in slabs: no buffer holds all channels of a whole volume.

Patches are worked in order of their height z. A buffer of one patch's depth adds up their logits under a Gaussian
weight; what no later patch touches is handed on in blocks of SLAB slices and dropped. The receiver interpolates the
logits to the native grid slab by slab (sub-voxel edges), refines them where the network has a second pass, and keeps
the label of each voxel. Arrays are (z, y, x), logits (channels, z, y, x), float32.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from containers.thigh_segmentation.checkpoint import Checkpoint
from containers.thigh_segmentation.grid import Array, Axis, axes_of, image_to_working, windowed
from containers.thigh_segmentation.refine import HALO, Refiner

SLAB = 8
"""Slices per block: memory and speed depend on it."""
BACKGROUND_FROM = 0.99
"""Only the box where the background's probability is below this is interpolated and refined."""
MARGIN = 4
"""Voxels around that box, beside the second pass's HALO, in which the second pass may still find something."""
REFINED_SPACING = (0.7, 1.45)
"""The second pass knows the voxels it was trained on: it runs where each edge is within these factors of them."""


def device_of(model: nn.Module) -> torch.device:
    """Where a network's weights are; the CPU for one without any."""
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


def starts(size: int, patch: int, overlap: float) -> list[int]:
    """First voxels of the patches along one axis of at least one patch's length."""
    step = max(1, int(patch * (1 - overlap)))
    inner = list(range(0, size - patch, step))
    return [*inner, size - patch]


def importance(patch: tuple[int, int, int]) -> Tensor:
    """Gaussian weight (z, y, x) of a patch's voxels: SD an eighth of the edge, at least 0.001."""
    weight = torch.ones(1)
    for edge in patch:
        place = (torch.arange(edge) - (edge - 1) / 2) / (edge / 8)
        weight = weight[..., None] * torch.exp(-0.5 * place**2)
    weight = weight[0]
    return weight.clamp_min(1e-3)


def padded(image: Array, patch: tuple[int, int, int]) -> tuple[Array, tuple[int, ...]]:
    """The image with zeros around it where it is smaller than a patch, and how many come before it on each axis."""
    lack = [max(0, edge - size) for edge, size in zip(patch, image.shape, strict=True)]
    return np.pad(image, [(n // 2, n - n // 2) for n in lack]), tuple(n // 2 for n in lack)


def sliding_logits(
    model: nn.Module, image: Array, patch: tuple[int, int, int], channels: int, overlap: float, reduced: bool
) -> Iterator[Tensor]:
    """Blended logits of the working grid as consecutive blocks (channels, up to SLAB, y, x), from z = 0 on.

    reduced: bfloat16 arithmetic inside the network. The network may be on a GPU; the buffers stay in main memory.
    """
    device = device_of(model)
    size = image.shape
    whole, before = padded(image, patch)
    voxels = torch.from_numpy(np.ascontiguousarray(whole, dtype=np.float32))
    weight = importance(patch)
    depth = patch[0]
    total = torch.zeros(channels, depth, *voxels.shape[1:])
    share = torch.zeros(depth, *voxels.shape[1:])
    window = (slice(before[1], before[1] + size[1]), slice(before[2], before[2] + size[2]))
    rows = starts(voxels.shape[0], depth, overlap)
    for n, z in enumerate(rows):
        for y in starts(voxels.shape[1], patch[1], overlap):
            for x in starts(voxels.shape[2], patch[2], overlap):
                there = (slice(y, y + patch[1]), slice(x, x + patch[2]))
                with torch.inference_mode(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=reduced):
                    found = model(voxels[None, None, z : z + depth, there[0], there[1]].to(device))[0].cpu()
                for channel in range(channels):
                    total[(channel, slice(None), *there)] += weight * found[channel]
                share[(slice(None), *there)] += weight
        done = rows[n + 1] - z if n + 1 < len(rows) else depth
        for low in range(0, done, SLAB):
            high = min(low + SLAB, done)
            first, last = max(low, before[0] - z), min(high, before[0] + size[0] - z)
            if first < last:
                yield total[(slice(None), slice(first, last), *window)] / share[(slice(first, last), *window)]
        _advance(total, share, done)


def _advance(total: Tensor, share: Tensor, done: int) -> None:
    """Drop the first `done` slices of the buffers, channel by channel so that no second buffer is needed."""
    for buffer in (*total, share):
        kept = buffer[done:].clone()
        buffer[: len(kept)] = kept
        buffer[len(kept) :] = 0


class _Slices:
    """Consecutive slices of blocks that come one after another; only those still needed are kept."""

    def __init__(self, blocks: Iterator[Tensor]) -> None:
        self._blocks = blocks
        self._first = 0
        self._kept: Tensor | None = None

    def get(self, first: int, last: int) -> Tensor:
        """Slices first to last (inclusive). `first` must not fall from call to call."""
        while self._kept is None or self._first + self._kept.shape[1] <= last:
            block = next(self._blocks)
            self._kept = block if self._kept is None else torch.cat([self._kept, block], dim=1)
            drop = min(max(0, first - self._first), self._kept.shape[1] - 1)
            self._kept = self._kept[:, drop:].clone() if drop else self._kept
            self._first += drop
        return self._kept[:, first - self._first : last + 1 - self._first]


def interpolate(logits: Tensor, positions: npt.NDArray[np.float64], axis: int) -> Tensor:
    """Linear interpolation along one axis; the end values go on outside."""
    last = logits.shape[axis] - 1
    inside = np.clip(positions, 0, last)
    lower = np.minimum(inside.astype(np.int64), max(last - 1, 0))
    shape = [1] * logits.ndim
    shape[axis] = -1
    weight = torch.from_numpy((inside - lower).astype(np.float32)).view(shape)
    low = logits.index_select(axis, torch.from_numpy(lower))
    high = logits.index_select(axis, torch.from_numpy(np.minimum(lower + 1, last)))
    return torch.lerp(low, high, weight)


def box_of(block: Tensor, axes: list[Axis], margin: int) -> tuple[slice, slice] | None:
    """Native rows and columns of a block of working slices outside which every voxel is background; None: all are.

    Where the background leads by some difference at all neighbours, it leads by it at any place that is interpolated
    between them: nothing is lost. margin: native voxels around, for the second pass.
    """
    likely = (block.softmax(dim=0)[0] < BACKGROUND_FROM).any(0)
    if not bool(likely.any()):
        return None
    spans = []
    for axis, along in ((axes[1], likely.any(1)), (axes[2], likely.any(0))):
        found = torch.nonzero(along)[:, 0]
        place = axis.to_working()
        inside = np.flatnonzero((place > float(found[0]) - 1) & (place < float(found[-1]) + 1))
        if len(inside) == 0:
            return None
        spans.append(slice(max(0, int(inside[0]) - margin), min(axis.native, int(inside[-1]) + 1 + margin)))
    return spans[0], spans[1]


def refines(checkpoint: Checkpoint, spacing_mm: tuple[float, float, float]) -> bool:
    """Whether the second pass knows voxels (z, y, x) of this size."""
    settings = checkpoint.config.refinement
    if checkpoint.refiner is None or settings is None:
        return False
    ratios = [here / there for here, there in zip(spacing_mm, reversed(settings.spacing_mm), strict=True)]
    return all(REFINED_SPACING[0] <= ratio <= REFINED_SPACING[1] for ratio in ratios)


def segment(
    checkpoint: Checkpoint,
    data: npt.NDArray[np.generic],
    spacing_mm: tuple[float, float, float],
    *,
    overlap: float = 0.25,
    reduced: bool = True,
    second_pass: bool = True,
) -> npt.NDArray[np.uint8]:
    """Labels (z, y, x) of a turned volume (see `grid`), on its own grid. spacing_mm is along (z, y, x)."""
    config = checkpoint.config
    working_mm = tuple(reversed(config.preprocessing.spacing_mm))
    axes = axes_of(data.shape, spacing_mm, working_mm)
    working = windowed(image_to_working(np.asarray(data, dtype=np.float32), axes), config.preprocessing.window)
    channels = config.network.out_channels
    slices = _Slices(sliding_logits(checkpoint.unetr, working, config.network.patch, channels, overlap, reduced))
    refiner = checkpoint.refiner if second_pass and refines(checkpoint, spacing_mm) else None
    halo, margin = (HALO[0], MARGIN + max(HALO[1:])) if refiner is not None else (0, 0)
    heights = np.clip(axes[0].to_working(), 0, axes[0].working - 1)
    labels = np.zeros(data.shape, dtype=np.uint8)
    used = len(checkpoint.labels) + 1
    for low in range(0, data.shape[0], SLAB):
        high = min(low + SLAB, data.shape[0])
        first, last = max(0, low - halo), min(data.shape[0], high + halo)
        bottom, top = int(heights[first]), min(int(heights[last - 1]) + 1, axes[0].working - 1)
        block = slices.get(bottom, top)
        box = box_of(block, axes, margin)
        if box is None:
            continue
        for n in (1, 0):
            block = interpolate(block, axes[n + 1].to_working()[box[n]], n + 2)
        logits = interpolate(block, heights[first:last] - bottom, 1)
        if refiner is not None:
            image = windowed(data[(slice(first, last), *box)], config.preprocessing.window)
            logits = _refined(refiner, logits, torch.from_numpy(image), reduced)
        found = logits[:used, low - first : high - first].argmax(dim=0)
        labels[(slice(low, high), *box)] = found.to(torch.uint8).numpy()
    return labels


def _refined(refiner: Refiner, logits: Tensor, image: Tensor, reduced: bool) -> Tensor:
    """Logits (channels, z, y, x) after the second pass over the image (z, y, x)."""
    device = device_of(refiner)
    with torch.inference_mode(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=reduced):
        better: Tensor = refiner(logits[None].to(device), image[None, None].to(device))[0]
    return better.float().cpu()
