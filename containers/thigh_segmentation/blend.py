"""Sliding-window inference in slabs: no buffer holds a whole volume's features.

Patches are worked in order of their height z. A buffer of one patch's depth adds up their features under a Gaussian
weight, on the device of the network; what no later patch touches is handed on in blocks of SLAB slices and dropped.
Patches of one height are computed in batches; they are added in order, so that the batch does not change the sum.
Images are (z, y, x), blocks (slices, y, x, features) float32.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from containers.thigh_segmentation.grid import Array
from containers.thigh_segmentation.on_cpu import MOST_AT_ONCE, OnCpu
from containers.thigh_segmentation.prepare import Prepared, prepare

SLAB = 8
"""Slices per block: memory and speed depend on it."""
MEMORY_SHARE = 0.7
"""Share of a GPU's free memory that a batch of patches may fill."""


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


def patch_count(size: tuple[int, ...], patch: tuple[int, int, int], overlap: float) -> int:
    """How many patches a volume of this size takes."""
    return int(np.prod([len(starts(max(n, edge), edge, overlap)) for n, edge in zip(size, patch, strict=True)]))


def batch_that_fits(prepared: Prepared, patch: tuple[int, int, int], most: int) -> int:
    """Patches computed at once, up to `most`: on a CPU one a thread (see `on_cpu`), elsewhere one, whose caches a
    second would only crowd; on a GPU what fits.

    Memory of a patch is measured by computing one.
    """
    if isinstance(prepared.features, OnCpu):
        threads: int = torch.get_num_threads()
        return min(most, threads, MOST_AT_ONCE)
    if prepared.device.type != "cuda":
        return 1
    torch.cuda.reset_peak_memory_stats(prepared.device)
    held = torch.cuda.memory_allocated(prepared.device)
    with torch.inference_mode():
        prepared.features(torch.zeros(1, 1, *patch, device=prepared.device))
    needed = max(1, torch.cuda.max_memory_allocated(prepared.device) - held)
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info(prepared.device)
    return max(1, min(most, int(MEMORY_SHARE * free / needed)))


def blended_features(
    prepared: Prepared, image: Array, patch: tuple[int, int, int], overlap: float, batch: int | None = None
) -> Iterator[Tensor]:
    """Blended features of the working grid as consecutive blocks (up to SLAB, y, x, features), from z = 0 on.

    batch: patches computed at once; None: `batch_that_fits`.
    """
    size, depth, device = image.shape, patch[0], prepared.device
    whole, before = padded(image, patch)
    voxels = torch.from_numpy(np.ascontiguousarray(whole, dtype=np.float32)).to(device)
    weight = importance(patch).to(device)[..., None]
    columns = [
        (y, x) for y in starts(whole.shape[1], patch[1], overlap) for x in starts(whole.shape[2], patch[2], overlap)
    ]
    batch = batch_that_fits(prepared, patch, len(columns)) if batch is None else batch
    rows = starts(whole.shape[0], depth, overlap)
    share = torch.zeros(depth, *whole.shape[1:], 1, device=device)
    total: Tensor | None = None
    window = (slice(before[1], before[1] + size[1]), slice(before[2], before[2] + size[2]))
    for n, z in enumerate(rows):
        for first in range(0, len(columns), batch):
            group = columns[first : first + batch]
            for (y, x), found in zip(
                group, _features(prepared, voxels[z : z + depth], patch, group, batch), strict=True
            ):
                if total is None:
                    total = torch.zeros(depth, *whole.shape[1:], found.shape[-1], device=device)
                there = (slice(y, y + patch[1]), slice(x, x + patch[2]))
                # One slice at a time: the product stays in the cache.
                for k in range(depth):
                    total[(k, *there)] += found[k] * weight[k]
                share[(slice(None), *there)] += weight
        assert total is not None
        done = rows[n + 1] - z if n + 1 < len(rows) else depth
        for low in range(0, done, SLAB):
            start, stop = max(low, before[0] - z), min(low + SLAB, done, before[0] + size[0] - z)
            if start < stop:
                yield total[(slice(start, stop), *window)] / share[(slice(start, stop), *window)]
        _advance(total, done)
        _advance(share, done)


def _features(
    prepared: Prepared, slices: Tensor, patch: tuple[int, int, int], columns: list[tuple[int, int]], batch: int
) -> Iterator[Tensor]:
    """Features (z, y, x, features) of the patches that start at `columns` (y, x) of a row's slices."""
    patches = torch.stack([slices[None, :, y : y + patch[1], x : x + patch[2]] for y, x in columns])
    # A compiled network knows one size: the last batch is filled up.
    lack = batch - len(columns)
    if lack and not isinstance(prepared.features, OnCpu):
        patches = torch.cat([patches, patches[:1].expand(lack, *patches.shape[1:])])
    with torch.inference_mode():
        found = prepared.features(patches)
    yield from found[: len(columns)].permute(0, 2, 3, 4, 1)


def _advance(buffer: Tensor, done: int) -> None:
    """Drop the first `done` slices of a buffer, slice by slice so that no second buffer is needed."""
    kept = len(buffer) - done
    for k in range(kept):
        buffer[k] = buffer[k + done]
    buffer[kept:] = 0


def sliding_logits(
    model: nn.Module, image: Array, patch: tuple[int, int, int], overlap: float, reduced: bool
) -> Iterator[Tensor]:
    """Blended logits of the working grid as consecutive blocks (channels, up to SLAB, y, x), from z = 0 on.

    reduced: bfloat16 arithmetic inside the network. Blocks lie in main memory.
    """
    prepared = prepare(model, reduced)
    for block in blended_features(prepared, image, patch, overlap):
        yield logits_of(prepared, block).cpu()


def logits_of(prepared: Prepared, block: Tensor) -> Tensor:
    """Logits (channels, slices, y, x) of a block of features."""
    return prepared.head(block).permute(3, 0, 1, 2).contiguous()
