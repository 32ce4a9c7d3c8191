"""Labels of a volume on its own grid, slab by slab.

Blocks of blended features (see `blend`) become logits, which are interpolated to the native grid slab by slab
(sub-voxel edges) and refined where the network has a second pass; the label of each voxel is kept. Where the working
grid is the native one and there is no second pass, labels come from the blocks directly. What lies outside the body's
box (see `air`) is background. Arrays are (z, y, x), logits (channels, z, y, x), float32.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from containers.thigh_segmentation.air import Box, body_box
from containers.thigh_segmentation.blend import SLAB, blended_features, logits_of, patch_count
from containers.thigh_segmentation.checkpoint import Checkpoint
from containers.thigh_segmentation.config import Config
from containers.thigh_segmentation.grid import Axis, axes_of, image_to_working, windowed
from containers.thigh_segmentation.model import device_of
from containers.thigh_segmentation.prepare import Prepared, prepare
from containers.thigh_segmentation.refine import HALO, Refiner

BACKGROUND_FROM = 0.99
"""Only the box where the background's probability is below this is interpolated and refined."""
MARGIN = 4
"""Voxels around that box, next to the second pass's HALO, in which the second pass may still find something."""
REFINED_SPACING = (0.7, 1.45)
"""The second pass knows the voxels it was trained on: it runs where each edge is within these factors of them."""
VOXELS_AT_ONCE = 16384
"""Voxels whose logits are made and compared at once, within a cache."""

Labels = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.float64]


class Segmented(NamedTuple):
    """What inference gives."""

    labels: Labels
    """Labels, (z, y, x)."""
    patches: int
    """Patches that were computed."""
    patches_of_all: int
    """Patches that the volume has without leaving out air."""


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
    weight = torch.from_numpy((inside - lower).astype(np.float32)).view(shape).to(logits.device)
    low = logits.index_select(axis, torch.from_numpy(lower).to(logits.device))
    high = logits.index_select(axis, torch.from_numpy(np.minimum(lower + 1, last)).to(logits.device))
    return torch.lerp(low, high, weight)


def box_of(block: Tensor, rows: Positions, columns: Positions, margin: int) -> tuple[slice, slice] | None:
    """Native rows and columns of a block of working slices outside which every voxel is background; None: all are.

    rows, columns: positions of the native voxels on the block's grid. Where the background leads by some difference at
    all neighbours, it leads by it at any place that is interpolated between them: nothing is lost. margin: native
    voxels around, for the second pass.
    """
    likely = (block.softmax(dim=0)[0] < BACKGROUND_FROM).any(0).cpu()
    if not bool(likely.any()):
        return None
    spans = []
    for place, along in ((rows, likely.any(1)), (columns, likely.any(0))):
        found = torch.nonzero(along)[:, 0]
        inside = np.flatnonzero((place > float(found[0]) - 1) & (place < float(found[-1]) + 1))
        if len(inside) == 0:
            return None
        spans.append(slice(max(0, int(inside[0]) - margin), min(len(place), int(inside[-1]) + 1 + margin)))
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
    skip_air: bool = False,
) -> Labels:
    """Labels (z, y, x) of a turned volume, on its own grid (see `toolkit.images.turn`). spacing_mm: along (z, y, x)."""
    prepared = prepare(checkpoint.unetr, reduced)
    found = segment_prepared(
        checkpoint,
        prepared,
        data,
        spacing_mm,
        overlap=overlap,
        reduced=reduced,
        second_pass=second_pass,
        skip_air=skip_air,
    )
    return found.labels


def segment_prepared(
    checkpoint: Checkpoint,
    prepared: Prepared,
    data: npt.NDArray[np.generic],
    spacing_mm: tuple[float, float, float],
    *,
    overlap: float,
    reduced: bool,
    second_pass: bool,
    skip_air: bool,
) -> Segmented:
    """As `segment`, with the checkpoint's UNETR made ready by `prepare` once for many volumes."""
    config = checkpoint.config
    axes = axes_of(data.shape, spacing_mm, tuple(reversed(config.preprocessing.spacing_mm)))
    working = windowed(image_to_working(np.asarray(data, dtype=np.float32), axes), config.preprocessing.window)
    patch = config.network.patch
    box = body_box(working, patch) if skip_air else _whole(working.shape)
    native, places = _native_part(axes, box)
    labels = np.zeros(data.shape, dtype=np.uint8)
    blocks = blended_features(prepared, working[box], patch, overlap)
    used = len(checkpoint.labels) + 1
    refiner = checkpoint.refiner if second_pass and refines(checkpoint, spacing_mm) else None
    if refiner is None and all(axis.native == axis.working and axis.native_mm == axis.working_mm for axis in axes):
        _label_directly(prepared, blocks, used, labels[native])
    else:
        slices = _Slices(logits_of(prepared, block) for block in blocks)
        _label_slabs(slices, places, used, labels[native], refiner, data[native], config, reduced)
    computed = tuple(span.stop - span.start for span in box)
    return Segmented(labels, patch_count(computed, patch, overlap), patch_count(working.shape, patch, overlap))


def _whole(shape: tuple[int, ...]) -> Box:
    """The box that leaves out nothing."""
    return slice(0, shape[0]), slice(0, shape[1]), slice(0, shape[2])


def _native_part(axes: list[Axis], box: Box) -> tuple[Box, list[Positions]]:
    """The native voxels within a box of the working grid, and their positions in it along each axis.

    Where the box reaches an end of the working grid, so do the native voxels: the last values go on.
    """
    parts, places = [], []
    for axis, span in zip(axes, box, strict=True):
        place = np.clip(axis.to_working(), 0, axis.working - 1)
        inside = np.flatnonzero((place >= span.start) & (place <= span.stop - 1))
        part = slice(int(inside[0]), int(inside[-1]) + 1) if len(inside) else slice(0, 0)
        parts.append(part)
        places.append(place[part] - span.start)
    return (parts[0], parts[1], parts[2]), places


def _label_directly(prepared: Prepared, blocks: Iterator[Tensor], used: int, labels: Labels) -> None:
    """Fill labels (z, y, x) from blocks of features on the same grid; channels from `used` on are never a target."""
    low = 0
    for block in blocks:
        flat = block.flatten(0, 2)
        found = torch.cat([prepared.head(part)[:, :used].argmax(dim=1).byte() for part in flat.split(VOXELS_AT_ONCE)])
        labels[low : low + len(block)] = found.view(block.shape[:3]).cpu().numpy()
        low += len(block)


def _label_slabs(
    slices: "_Slices",
    places: list[Positions],
    used: int,
    labels: Labels,
    refiner: Refiner | None,
    data: npt.NDArray[np.generic],
    config: Config,
    reduced: bool,
) -> None:
    """Fill labels (z, y, x) at `places` of the working slices, after the second pass over `data` where there is one."""
    halo, margin = (HALO[0], MARGIN + max(HALO[1:])) if refiner is not None else (0, 0)
    heights = places[0]
    for low in range(0, len(heights), SLAB):
        high = min(low + SLAB, len(heights))
        first, last = max(0, low - halo), min(len(heights), high + halo)
        bottom, top = int(heights[first]), int(np.ceil(heights[last - 1]))
        block = slices.get(bottom, top)
        box = box_of(block, places[1], places[2], margin)
        if box is None:
            continue
        for n in (1, 0):
            block = interpolate(block, places[n + 1][box[n]], n + 2)
        logits = interpolate(block, heights[first:last] - bottom, 1)
        if refiner is not None:
            image = windowed(data[(slice(first, last), *box)], config.preprocessing.window)
            logits = _refined(refiner, logits, torch.from_numpy(image), reduced)
        found = logits[:used, low - first : high - first].argmax(dim=0)
        labels[(slice(low, high), *box)] = found.to(torch.uint8).cpu().numpy()


def _refined(refiner: Refiner, logits: Tensor, image: Tensor, reduced: bool) -> Tensor:
    """Logits (channels, z, y, x) after the second pass over the image (z, y, x)."""
    device = device_of(refiner)
    with torch.inference_mode(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=reduced):
        better: Tensor = refiner(logits[None].to(device), image[None, None].to(device))[0]
    return better.float()
