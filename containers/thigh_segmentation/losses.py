"""Dice plus cross entropy (ukb_thigh, Methods: L = L_Dice + L_CE) over classes present.

Classes that are absent from the truth are left out of every mean (ukb_thigh, Methods, eq. 6 and the rule after it), so
masks that lack a structure can be trained on. Background counts in the cross entropy, not in Dice.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

SMOOTH = 1e-5


def dice_and_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Sum of both losses for logits (n, channels, z, y, x) and truth (n, z, y, x), int64.

    The Dice part is 1 - soft Dice, the mean over the foreground classes that `target` has; 0 where it has none. Sizes
    run over the whole batch. What is needed of the truth is gathered: no one-hot volume is made.
    """
    log_probability = logits.float().log_softmax(dim=1)
    own = log_probability.gather(1, target[:, None])[:, 0]
    classes = logits.shape[1]
    flat = target.reshape(-1)
    both = own.new_zeros(classes).index_add(0, flat, own.exp().reshape(-1))
    size = torch.bincount(flat, minlength=classes).to(own.dtype)
    dice = (2 * both + SMOOTH) / (log_probability.exp().sum((0, 2, 3, 4)) + size + SMOOTH)
    present = size[1:] > 0
    missed = (1 - dice[1:][present]).mean() if bool(present.any()) else own.new_zeros(())
    return missed - own.mean()


def segmentation_loss(logits: Sequence[Tensor], target: Tensor) -> Tensor:
    """Dice loss plus cross entropy; coarser levels (deep supervision) count a half, a quarter, and see every 2nd, 4th
    voxel of `target` (n, z, y, x), int64."""
    steps = [2**level for level in range(len(logits))]
    parts = [
        dice_and_cross_entropy(found, target[:, ::step, ::step, ::step].contiguous()) / step
        for found, step in zip(logits, steps, strict=True)
    ]
    return torch.stack(parts).sum() / sum(1 / step for step in steps)
