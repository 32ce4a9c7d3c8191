"""A trained network made ready for inference: the same function in a cheaper form.

What changes: images lie channels last in memory, so that convolutions need no reordering; weights are turned to
bfloat16 once, in place of at every patch (autocast), while the transformer's residual sums and layer norms stay
float32; the one-channel image gets channels of zeros, for which convolutions have faster kernels; instance norm
is group norm of one channel a group, which has a kernel for this layout; the heads of deep supervision are left out.
On a processor all but the transformer's form is computed by `on_cpu`.

The last layer, a 1x1x1 convolution, is split off. It is linear, so that it may come after blending: the features of
patches are blended (16 channels in place of 29), and logits are made of them once for each voxel. Images are
(n, 1, z, y, x), features (n, features, z, y, x).
"""

import copy
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from containers.thigh_segmentation.model import Unetr, device_of
from containers.thigh_segmentation.on_cpu import OnCpu
from containers.toolkit.networks.precision import computes_in_bfloat16

LAYOUT = torch.channels_last_3d
PADDED_CHANNELS = {torch.bfloat16: 2, torch.float32: 4}
"""Input channels for which a 3x3x3 convolution is fastest: 33 ms with one, 6 ms with two in bfloat16 (one thread)."""
TOKEN_EDGE = 16


@dataclass(frozen=True)
class Prepared:
    """A network made ready for a device.

    On a CPU the features hold until the next call, which writes to the same memory.
    """

    features: Callable[[Tensor], Tensor]
    """Patches (n, 1, z, y, x) on `device` to features."""
    head: Callable[[Tensor], Tensor]
    """Features (..., f) to logits (..., channels)."""
    device: torch.device
    """Where it computes."""


class _FewChannels(nn.Module):  # type: ignore[misc]
    """A convolution of the one-channel image, which is given channels of zeros."""

    def __init__(self, convolution: nn.Conv3d, channels: int) -> None:
        super().__init__()
        self.lack = (0, 0, 0, 0, 0, 0, 0, channels - convolution.in_channels)
        self.weight = nn.Parameter(functional.pad(convolution.weight.detach(), self.lack), requires_grad=False)
        self.padding = convolution.padding

    def forward(self, image: Tensor) -> Tensor:
        return functional.conv3d(
            functional.pad(image, self.lack).contiguous(memory_format=LAYOUT), self.weight, padding=self.padding
        )


class _InstanceNorm(nn.GroupNorm):  # type: ignore[misc]
    """Instance norm of an image with its channels last."""

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__(channels, channels, eps=eps, affine=False)

    def forward(self, image: Tensor) -> Tensor:
        found: Tensor
        if image.device.type != "cpu":
            found = super().forward(image)
            return found
        # The kernel sums by thread: one thread, so that labels are the same bytes whatever the number of threads.
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            found = super().forward(image)
        finally:
            torch.set_num_threads(threads)
        return found


class _Pointwise(nn.Module):  # type: ignore[misc]
    """A 1x1x1 convolution as the product of matrices that it is in this layout."""

    def __init__(self, convolution: nn.Conv3d) -> None:
        super().__init__()
        self.weight = nn.Parameter(convolution.weight.detach().flatten(1), requires_grad=False)

    def forward(self, image: Tensor) -> Tensor:
        return functional.linear(image.permute(0, 2, 3, 4, 1), self.weight).permute(0, 4, 1, 2, 3)


class _Block(nn.Module):  # type: ignore[misc]
    """A transformer layer whose sums and layer norms are float32, whatever its matrices are."""

    def __init__(self, block: nn.Module, kind: torch.dtype) -> None:
        super().__init__()
        self.norm1, self.attn = block.norm1, block.attn
        self.norm2, self.mlp = block.norm2, block.mlp
        self.kind = kind

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        x = x + self.attn(self.norm1(x).to(self.kind))
        return x + self.mlp(self.norm2(x).to(self.kind))


class _Narrowed(nn.Module):  # type: ignore[misc]
    """A layer after the transformer's float32 states."""

    def __init__(self, layer: nn.Module, kind: torch.dtype) -> None:
        super().__init__()
        self.layer, self.kind = layer, kind

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layer(x.to(self.kind))
        return found


def _converted(model: Unetr, kind: torch.dtype) -> Unetr:
    """A copy with weights of another kind; layer norms and the tokens' places stay as they are."""
    kept = {id(p) for module in model.modules() if isinstance(module, nn.LayerNorm) for p in module.parameters()}
    kept.add(id(model.vit.patch_embedding.position_embeddings))
    # The copy finds its parameters here: none is copied in float32 first.
    weights = {
        id(p): nn.Parameter(p.detach() if id(p) in kept else p.detach().to(kind), requires_grad=False)
        for p in model.parameters()
    }
    net: Unetr = copy.deepcopy(model, memo=dict(weights)).eval()
    return net


def can_compile() -> bool:
    """Whether torch.compile finds the C compiler that it needs."""
    return any(shutil.which(name) for name in (os.environ.get("CC", ""), "cc", "gcc", "clang") if name)


def prepare(model: nn.Module, reduced: bool, *, compiled: bool = False) -> Prepared:
    """The network for inference on the device where its weights are; the network itself is left as it is.

    reduced: bfloat16. compiled: by torch.compile at the first patch, which pays on a GPU only. A network that is no
    UNETR is used as it is, with its logits as features.
    """
    device = device_of(model)
    if not isinstance(model, Unetr):
        return Prepared(model, nn.Identity(), device)
    kind = torch.bfloat16 if reduced else torch.float32
    net = _converted(model, kind)
    if _by_onednn(device, reduced):
        net.vit.blocks = nn.ModuleList(_Block(block, kind) for block in net.vit.blocks)
        return Prepared(OnCpu(net, kind, PADDED_CHANNELS[kind]), _head(model), device)
    for module in list(net.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.InstanceNorm3d):
                setattr(module, name, _InstanceNorm(child.num_features, child.eps))
            elif isinstance(child, nn.Conv3d) and child.in_channels == 1 and child.kernel_size[0] < TOKEN_EDGE:
                setattr(module, name, _FewChannels(child, PADDED_CHANNELS[kind]))
            elif isinstance(child, nn.Conv3d) and child.kernel_size == (1, 1, 1) and child.bias is None:
                setattr(module, name, _Pointwise(child))
    net = net.to(memory_format=LAYOUT)
    net.vit.blocks = nn.ModuleList(_Block(block, kind) for block in net.vit.blocks)
    for encoder in (net.encoder2, net.encoder3, net.encoder4):
        encoder.transp_conv_init = _Narrowed(encoder.transp_conv_init, kind)
    net.decoder5.transp_conv = _Narrowed(net.decoder5.transp_conv, kind)

    def features(patches: Tensor) -> Tensor:
        return net.features(patches.to(kind))[0]

    return Prepared(torch.compile(features, dynamic=False) if compiled else features, _head(model), device)


def _by_onednn(device: torch.device, reduced: bool) -> bool:
    """Whether oneDNN's own functions serve: bfloat16 they refuse where the processor has no instructions for it."""
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    return not reduced or computes_in_bfloat16()


def _head(model: Unetr) -> Callable[[Tensor], Tensor]:
    """The last layer, in float32."""
    last = model.out.conv.conv
    weight, bias = last.weight.detach().flatten(1).float(), last.bias.detach().float()

    def head(found: Tensor) -> Tensor:
        return functional.linear(found.float(), weight, bias)

    return head
