"""Random changes of training patches: place, shape, brightness, noise. All draws come from one generator."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from containers.thigh_segmentation.config import Augmentation

Points = npt.NDArray[np.float64]
CONTROL = 5
"""Control points per axis of the smooth displacement and of the smooth change of brightness."""


def augmented(image: Tensor, mask: Tensor, settings: Augmentation, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A changed copy of image (n, 1, z, y, x) and mask (n, z, y, x), int64: linear for images, nearest for masks."""
    moved = _moved_grid(image.shape, settings, rng)
    if moved is not None:
        image = functional.grid_sample(image, moved, mode="bilinear", padding_mode="border", align_corners=False)
        labels = functional.grid_sample(
            mask[:, None].to(image.dtype), moved, mode="nearest", padding_mode="border", align_corners=False
        )
        mask = labels[:, 0].to(torch.int64)
    if settings.mirror and rng.random() < settings.mirror:
        image, mask = image.flip(-1), mask.flip(-1)
    if settings.gain or settings.bias:
        field = settings.bias * _smooth(rng.standard_normal((image.shape[0], 1, *[CONTROL] * 3)), image.shape[2:])
        image = image * torch.exp(field + settings.gain * float(rng.standard_normal()))
    if settings.noise:
        sigma = settings.noise * float(rng.random())
        image = image + sigma * torch.from_numpy(rng.standard_normal(tuple(image.shape), dtype=np.float32))
    return image.clamp(0.0, 1.0), mask


def _moved_grid(shape: torch.Size, settings: Augmentation, rng: np.random.Generator) -> Tensor | None:
    """Places (n, z, y, x, 3) that the voxels are taken from, in the units of `grid_sample` (x, y, z from -1 to 1)."""
    if not (settings.scale or settings.rotation_deg or settings.shift_voxels or settings.warp_voxels):
        return None
    n, edges = shape[0], shape[2:]
    angles = np.deg2rad(settings.rotation_deg) * rng.standard_normal((n, 3))
    scales = np.exp(settings.scale * rng.standard_normal((n, 3)))
    matrices = [_rotation(angle) * scale for angle, scale in zip(angles, scales, strict=True)]
    # grid_sample counts a whole edge as 2, in the order x, y, z.
    shifts = settings.shift_voxels * rng.standard_normal((n, 3)) * 2.0 / np.array(edges[::-1])
    pairs = zip(matrices, shifts, strict=True)
    theta = torch.tensor(np.stack([np.column_stack(pair) for pair in pairs]), dtype=torch.float32)
    grid = functional.affine_grid(theta, [n, 1, *edges], align_corners=False)
    if settings.warp_voxels:
        displacement = _smooth(rng.standard_normal((n, 3, *[CONTROL] * 3)), edges)
        half = torch.tensor([2.0 / edge for edge in reversed(edges)])
        grid = grid + settings.warp_voxels * displacement.movedim(1, -1) * half
    return grid


def _smooth(control: Points, edges: torch.Size) -> Tensor:
    """Control values (n, c, 5, 5, 5) as a smooth field (n, c, z, y, x) of about the same SD at the control points."""
    return functional.interpolate(
        torch.tensor(control, dtype=torch.float32), size=tuple(edges), mode="trilinear", align_corners=True
    )


def _rotation(angles: Points) -> Points:
    """Rotation matrix about x, then y, then z."""
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        turn = np.eye(3)
        a, b = [n for n in range(3) if n != axis]
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return matrix
