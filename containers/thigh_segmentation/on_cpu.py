"""The network's layers as a processor computes them in inference: few passes over memory, and no new memory.

A patch's images at full size are 56 MB each, more than any cache holds, and the system hands out such blocks page by
page: eager torch spends a quarter of its time on new pages, and as much again on normalization. Here

- images are (z, y, x, channels), and those that stay are kept from patch to patch (`Buffers`);
- a convolution is added to a buffer of zeros, as oneDNN writes to given memory only so; it is called by its own name,
  as torch takes a slow kernel for small images;
- statistics are summed, and norm, residual and leaky ReLU applied, a few slices at a time, within a cache;
- both inputs of a decoder are written to where it reads them, so that none is concatenated;
- transposed convolutions of kernel and stride 2 are matrix products, and all matrices lie as oneDNN wants them;
- a patch is computed by one thread, and threads take patches: nobody waits for the others at thousands of small steps.

Sums have one order: labels are the same bytes whatever the number of threads.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from threading import get_ident

import torch
from monai.networks.blocks.dynunet_block import UnetResBlock
from monai.networks.blocks.unetr_block import UnetrPrUpBlock, UnetrUpBlock
from torch import Tensor, nn
from torch.nn import functional

from containers.thigh_segmentation.model import Unetr

ROWS_AT_ONCE = 16384
"""Voxels, at most, of the slices that are worked on at once: with 16 channels a megabyte."""
MOST_AT_ONCE = 8
"""Patches that are computed at once, at most: each takes a core and, at full size in float32, 340 MB."""


class Buffers:
    """Images that are kept between patches, by use and shape, for each thread its own."""

    def __init__(self, kind: torch.dtype) -> None:
        self.kind = kind
        self._kept: dict[tuple[object, ...], Tensor] = {}

    def get(self, use: str, *shape: int) -> Tensor:
        """The buffer, with whatever is in it; zeros at first."""
        key = (get_ident(), use, *shape)
        if key not in self._kept:
            self._kept[key] = torch.zeros(shape, dtype=self.kind)
        return self._kept[key]

    def forget(self) -> None:
        """Give all memory back."""
        self._kept.clear()


class Matrix(nn.Module):  # type: ignore[misc]
    """A linear layer whose weights (out, in) lie as oneDNN wants them."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.bias = None if bias is None else bias.detach()
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous())

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")
        return found


def convolve(image: Tensor, weight: Tensor, out: Tensor) -> Tensor:
    """A convolution of kernel 3 into `out`."""
    one = (1, 1, 1)
    there, here = (x[None].permute(0, 4, 1, 2, 3) for x in (out.zero_(), image))
    torch.ops.mkldnn._convolution_pointwise_(there, here, weight, None, one, one, one, 1, "add", 1.0, None, [], None)
    return out


def _slices(image: Tensor) -> int:
    """Slices that are worked on at once."""
    return max(1, ROWS_AT_ONCE // (int(image.shape[1]) * int(image.shape[2])))


def _scale_and_shift(image: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """What instance norm multiplies each channel by, and then adds to it."""
    total, square = torch.zeros(2, image.shape[-1], dtype=torch.float64)
    for part in image.split(_slices(image)):
        rows = part.flatten(0, 1).float()
        total += rows.sum(1).double().sum(0)
        square += rows.square().sum(1).double().sum(0)
    voxels = image[..., 0].numel()
    mean = total / voxels
    scale = (square / voxels - mean.square()).clamp_min(0).add(eps).rsqrt()
    return scale.float(), (-mean * scale).float()


class ResBlock:
    """MONAI's residual block. `channels`: of the image that it is given, with zeros after the block's own."""

    def __init__(self, block: UnetResBlock, buffers: Buffers, channels: int | None = None) -> None:
        self._buffers = buffers
        self._eps: float = block.norm1.eps
        self._slope: float = block.lrelu.negative_slope
        first: Tensor = block.conv1.conv.weight
        lack = (0, 0, 0, 0, 0, 0, 0, (channels or first.shape[1]) - first.shape[1])
        self._first = functional.pad(first.detach(), lack)
        self._second: Tensor = block.conv2.conv.weight.detach()
        self._beside: Tensor | None = None
        if block.downsample:
            self._beside = functional.pad(block.conv3.conv.weight.detach(), lack).flatten(1).t()

    def __call__(self, image: Tensor, out: Tensor | None = None) -> Tensor:
        """Into `out`; without one, into memory that the next block of this size writes to."""
        shape = *image.shape[:3], len(self._second)
        one, two = self._buffers.get("one", *shape), self._buffers.get("two", *shape)
        self._finish(convolve(image, self._first, one), one)
        convolve(one, self._second, two)
        if self._beside is None:
            return self._finish(two, two if out is None else out, image)
        for part, found in zip(image.split(_slices(image)), one.split(_slices(image)), strict=True):
            torch.mm(part.flatten(0, 2), self._beside, out=found.flatten(0, 2))
        return self._finish(two, two if out is None else out, one, _scale_and_shift(one, self._eps))

    def _finish(
        self, image: Tensor, out: Tensor, residual: Tensor | None = None, norm: tuple[Tensor, Tensor] | None = None
    ) -> Tensor:
        """Into `out`: instance norm, plus `residual` (after a norm of its own), and leaky ReLU."""
        scale, shift = _scale_and_shift(image, self._eps)
        if norm is not None:
            shift = shift + norm[1]
        n = _slices(image)
        for low in range(0, len(image), n):
            found = (image[low : low + n] * scale).add_(shift)
            if residual is not None:
                part = residual[low : low + n]
                found.add_(part if norm is None else part * norm[0])
            out[low : low + n] = functional.leaky_relu_(found, self._slope)
        return out


class Upsampling:
    """A transposed convolution of kernel and stride 2."""

    def __init__(self, layer: nn.Module) -> None:
        weight: Tensor = layer.conv.weight
        self.channels = weight.shape[1]
        self._matrix = Matrix(weight.detach().permute(2, 3, 4, 1, 0).flatten(0, 3), None)

    def __call__(self, image: Tensor, out: Tensor) -> Tensor:
        """Into `out`, of twice the size."""
        n = _slices(image)
        for low in range(0, len(image), n):
            part = image[low : low + n]
            found = self._matrix(part.flatten(0, 2)).view(*part.shape[:3], 2, 2, 2, self.channels)
            there = out[2 * low : 2 * (low + n)].unflatten(2, (-1, 2)).unflatten(1, (-1, 2)).unflatten(0, (-1, 2))
            there.copy_(found.permute(0, 3, 1, 4, 2, 5, 6))
        return out


class Encoder:
    """Hidden states of the transformer to a skip connection: upsampling, then upsampled residual blocks."""

    def __init__(self, block: UnetrPrUpBlock, buffers: Buffers) -> None:
        self._buffers = buffers
        self._first = Upsampling(block.transp_conv_init)
        self._rest = [(Upsampling(up), ResBlock(res, buffers)) for up, res in block.blocks]

    def __call__(self, image: Tensor, out: Tensor) -> Tensor:
        """Into `out`."""
        if not self._rest:
            return self._first(image, out)
        image = self._first(image, self._larger(image))
        for n, (up, res) in enumerate(self._rest, 1):
            image = res(up(image, self._larger(image)), out if n == len(self._rest) else None)
        return image

    def _larger(self, image: Tensor) -> Tensor:
        return self._buffers.get("up", *(2 * n for n in image.shape[:3]), self._first.channels)


class Decoder:
    """A smaller image, upsampled, and a skip connection to the next image."""

    def __init__(self, block: UnetrUpBlock, buffers: Buffers) -> None:
        self._buffers = buffers
        self._up = Upsampling(block.transp_conv)
        self._res = ResBlock(block.conv_block, buffers)

    def both(self, shape: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
        """Its input, and the part of it that is the skip connection."""
        both = self._buffers.get("both", *shape, 2 * self._up.channels)
        return both, both[..., self._up.channels :]

    def __call__(self, image: Tensor, both: Tensor, out: Tensor | None = None) -> Tensor:
        """From an image and the input, of which the skip connection has been filled in."""
        self._up(image, both[..., : self._up.channels])
        return self._res(both, out)


class OnCpu:
    """The features of a network whose transformer is made ready: patches (n, 1, z, y, x) to (n, features, z, y, x).

    They lie in memory that the next call writes to.
    """

    def __init__(self, net: Unetr, kind: torch.dtype, image_channels: int) -> None:
        self._net, self._kind, self._channels = net, kind, image_channels
        self._features: int = net.out.conv.conv.in_channels
        for module in list(net.vit.blocks.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, nn.Linear):
                    setattr(module, name, Matrix(child.weight, child.bias))
        buffers = self._buffers = Buffers(kind)
        self._fine = ResBlock(net.encoder1.layer, buffers, image_channels)
        self._encoders = [Encoder(block, buffers) for block in (net.encoder4, net.encoder3, net.encoder2)]
        self._decoders = [Decoder(block, buffers) for block in (net.decoder5, net.decoder4, net.decoder3, net.decoder2)]
        self._found: Tensor | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._workers = 0

    def __call__(self, patches: Tensor) -> Tensor:
        found = self._memory_for(patches)
        threads = torch.get_num_threads()
        try:
            if threads == 1:
                for pair in zip(patches.split(1), found, strict=True):
                    self._one(*pair)
            else:
                pool = self._pool_of(min(threads, MOST_AT_ONCE))
                work = [pool.submit(self._one, *pair) for pair in zip(patches.split(1), found, strict=True)]
                # None goes on writing after this call, also where another one fails.
                wait(work)
                for one in work:
                    one.result()
        finally:
            # A worker's setting is also what threads to come begin with.
            torch.set_num_threads(threads)
        return found.permute(0, 4, 1, 2, 3)

    def _memory_for(self, patches: Tensor) -> Tensor:
        """Features (n, z, y, x, features) of n patches: a part of the largest such memory so far."""
        shape = *patches.shape[2:], self._features
        if self._found is None or len(self._found) < len(patches) or self._found.shape[1:] != shape:
            self._found = torch.zeros(len(patches), *shape, dtype=self._kind)
        return self._found[: len(patches)]

    def _pool_of(self, workers: int) -> ThreadPoolExecutor:
        """As many threads; others than before have none of the memory of those before."""
        if self._pool is None or self._workers != workers:
            if self._pool is not None:
                self._pool.shutdown()
            self._buffers.forget()
            self._pool, self._workers = ThreadPoolExecutor(workers), workers
        return self._pool

    def _one(self, patch: Tensor, out: Tensor) -> None:
        """Features of one patch into `out` (z, y, x, features), by this thread alone."""
        torch.set_num_threads(1)
        with torch.inference_mode():
            last, hidden = self._net.vit(patch.to(self._kind))
            coarse = self._grid(last)
            skips = self._skips(patch, [hidden[n] for n in self._net.skips])
            for decoder, both in zip(self._decoders, skips, strict=True):
                coarse = decoder(coarse, both, out if decoder is self._decoders[-1] else None)

    def _skips(self, patch: Tensor, hidden: list[Tensor]) -> Iterator[Tensor]:
        """The inputs of the decoders from the coarsest, with their skip connections filled in."""
        for n, (decoder, encoder) in enumerate(zip(self._decoders, self._encoders, strict=False), 1):
            both, skip = decoder.both(tuple(size * 2**n for size in self._net.feat_size))
            encoder(self._grid(hidden[-n]), skip)
            yield both
        both, skip = self._decoders[-1].both(patch.shape[2:])
        padded = self._buffers.get("image", *patch.shape[2:], self._channels)
        padded[..., 0] = patch[0, 0]
        self._fine(padded, skip)
        yield both

    def _grid(self, states: Tensor) -> Tensor:
        """Hidden states (1, tokens, hidden) as an image."""
        return states.view(*self._net.feat_size, -1).to(self._kind)
