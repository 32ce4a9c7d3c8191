"""The second pass: edges at the volume's own resolution, from the image and the UNETR's upsampled logits.

The UNETR of `phantom-small` works at about 5 mm. It knows which muscle a place belongs to; where muscle ends at a sheet
of fat 2 mm thin, only the image at its own resolution shows. So a small convolutional network sees the image next to
the probabilities of the tissues (background; the groups of structures that `refinement.tissues` names; all other
structures), interpolated to the native grid, and corrects the tissue of each voxel. Within the tissue, the structure
is the one that the UNETR likes best there. The correction is added to the tissues' log probabilities; its last layer
starts at zero, so that training starts at plain interpolation. No normalisation layer, so a slab gives what the whole
volume gives.
"""

import torch
from torch import Tensor, nn

from containers.contract.errors import RequestFault
from containers.thigh_segmentation.config import Config

WIDTHS = (1, 2, 4, 1)
"""Dilation of each convolution within the slices; across slices, which are thicker, it is 1."""
HALO = (len(WIDTHS), sum(WIDTHS), sum(WIDTHS))
"""Voxels around a place (z, y, x) that its result depends on."""
FLOOR = -10.0
"""Log probabilities are cut off here: below, differences say nothing."""


class Refiner(nn.Module):  # type: ignore[misc]
    """3x3x3 convolutions of several dilations and a 1x1x1 one, added to the log probabilities of the tissues.

    tissue: for each channel of the UNETR the number of its tissue: 0 background, and any channel without a structure;
    1 the structures that no group names; then one for each group of `refinement.tissues`.
    Raises RequestFault where the configuration has no refinement or a group names an unknown structure.
    """

    tissue: Tensor

    def __init__(self, config: Config, labels: dict[int, str]) -> None:
        super().__init__()
        if config.refinement is None:
            raise RequestFault("names no refinement", where=config.name, fix="add the section to the configuration")
        width = config.refinement.channels
        tissue = [0] * config.network.out_channels
        for value in labels:
            tissue[value] = 1
        for number, group in enumerate(config.refinement.tissues, start=2):
            for value, name in labels.items():
                if name in group:
                    tissue[value] = number
        self.tissues = max(tissue) + 1
        self.register_buffer("tissue", torch.tensor(tissue), persistent=False)
        layers: list[nn.Module] = []
        channels = self.tissues + 1
        for step in WIDTHS:
            layers += [
                nn.Conv3d(channels, width, 3, padding=(1, step, step), dilation=(1, step, step)),
                nn.LeakyReLU(0.1, inplace=True),
            ]
            channels = width
        last = nn.Conv3d(width, self.tissues, 1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(*layers, last)

    def log_tissues(self, log_probability: Tensor) -> Tensor:
        """Log probabilities of the tissues (n, tissues, z, y, x) from those of the channels (n, channels, z, y, x)."""
        n, _, *grid = log_probability.shape
        total = log_probability.new_zeros(n, self.tissues, *grid)
        total.index_add_(1, self.tissue, log_probability.exp())
        return total.clamp_min(1e-30).log().clamp_min(FLOOR)

    def corrected(self, log_tissues: Tensor, image: Tensor) -> Tensor:
        """Better logits of the tissues from `log_tissues` and the windowed image (n, 1, z, y, x)."""
        better: Tensor = log_tissues + self.layers(torch.cat([log_tissues.exp(), image], dim=1))
        return better

    def forward(self, logits: Tensor, image: Tensor) -> Tensor:
        """Scores (n, channels, z, y, x), highest for the best channel of the best tissue.

        logits: interpolated from the UNETR's, (n, channels, z, y, x); image: windowed, (n, 1, z, y, x).
        """
        log_probability = logits.log_softmax(dim=1)
        better = self.corrected(self.log_tissues(log_probability), image)
        scores = torch.empty_like(log_probability)
        for number in range(self.tissues):
            members = torch.nonzero(self.tissue == number)[:, 0]
            inside = log_probability[:, members]
            scores[:, members] = inside - inside.amax(dim=1, keepdim=True) + better[:, number : number + 1].float()
        return scores
