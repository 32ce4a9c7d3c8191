"""The UNETR of ukb_thigh (Methods, "UNETR Architecture") as MONAI has it, for every configuration.

MONAI's class fixes twelve layers and takes its skips from the hidden states 3, 6 and 9 (counted from 0). Here the
transformer may be shorter, with skips at a quarter, a half and three quarters of its length; with twelve layers both
are the same network, with equal names of all weights. Two additions, each a setting: heads for deep supervision, and
output biases at the log frequencies of the classes. Images are (batch, 1, z, y, x), logits (batch, channels, z, y, x).
"""

import torch
from monai.networks.nets.unetr import UNETR
from torch import Tensor, nn

from containers.thigh_segmentation.config import Network


class Unetr(UNETR):  # type: ignore[misc]
    """UNETR with the network's number of transformer layers."""

    def __init__(self, network: Network) -> None:
        super().__init__(
            in_channels=network.in_channels,
            out_channels=network.out_channels,
            img_size=network.patch,
            feature_size=network.features,
            hidden_size=network.hidden,
            mlp_dim=network.mlp,
            num_heads=network.heads,
        )
        self.vit.blocks = self.vit.blocks[: network.layers]
        self.skips = tuple(network.layers * n // 4 for n in (1, 2, 3))
        # Present in every network, so that all have one form; empty without deep supervision.
        widths = (2 * network.features, 4 * network.features) if network.deep_supervision else ()
        self.deep = nn.ModuleList(nn.Conv3d(width, network.out_channels, 1) for width in widths)

    def features(self, image: Tensor) -> list[Tensor]:
        """Feature maps that the heads turn into logits: at the image's grid, at half and at a quarter of it."""
        x, hidden = self.vit(image)
        first, second, third = (self.proj_feat(hidden[n]) for n in self.skips)
        quarter = self.decoder5(self.proj_feat(x), self.encoder4(third))
        quarter = self.decoder4(quarter, self.encoder3(second))
        half = self.decoder3(quarter, self.encoder2(first))
        return [self.decoder2(half, self.encoder1(image)), half, quarter]

    def forward_deep(self, image: Tensor) -> list[Tensor]:
        """Logits at the image's grid, then at half and a quarter of it where the network has those heads."""
        full, *levels = self.features(image)
        return [self.out(full), *(head(level) for head, level in zip(self.deep, levels, strict=False))]

    def forward(self, image: Tensor) -> Tensor:
        """Logits at the image's grid."""
        return self.forward_deep(image)[0]

    def start_at_frequencies(self, frequencies: Tensor) -> None:
        """Set the biases of all outputs to the log of the class frequencies (channels), so that training starts there.

        A channel that never occurs starts at the log of 1e-6.
        """
        start = torch.log(frequencies.clamp_min(1e-6))
        with torch.no_grad():
            for head in (self.out.conv.conv, *self.deep):
                head.bias.copy_(start)


def parameter_count(model: nn.Module) -> int:
    """Number of weights."""
    return sum(p.numel() for p in model.parameters())


def device_of(model: nn.Module) -> torch.device:
    """Where a network's weights are; the CPU for one without any."""
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
