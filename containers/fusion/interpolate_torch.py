"""The torch backend, for CPU and CUDA: `grid_sample` slab by slab. torch is imported only when it is used."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from containers.contract.errors import EnvironmentFault
from containers.fusion.grid import EDGE_TOLERANCE_VOXELS, affine
from containers.fusion.stack import Station
from containers.toolkit.images.volume import Geometry
from containers.toolkit.runtime import cuda
from containers.toolkit.runtime.process_state import torch_settings_restored

SLAB_PLANES = 32
"""Output planes at a time: the sampling points take three times the memory of the values."""


def require(device: str) -> None:
    """Raise EnvironmentFault when torch, or CUDA where `device` asks for it, is missing."""
    try:
        import torch  # noqa: F401 - whether it can be
    except ImportError as error:
        raise EnvironmentFault(
            "torch is not installed here", where="backend torch", fix="choose backend numba, or an image with torch"
        ) from error
    if device == "cuda":
        cuda.require("torch", where="backend torch")


@torch_settings_restored()
def fuse(stations: Sequence[Station], grid: Geometry, out: npt.NDArray[np.float32], threads: int, device: str) -> None:
    """Fill `out` (k, j, i) with the plain average of all stations that contain each point of `grid`.

    device: `cpu` or `cuda`. Raises EnvironmentFault when torch or the device is missing.
    """
    require(device)
    import torch

    if device == "cpu":
        torch.set_num_threads(threads)
    volumes = [
        torch.from_numpy(station.data).to(device=device, dtype=torch.float32) * station.slope + station.intercept
        for station in stations
    ]
    index = [torch.arange(n, device=device, dtype=torch.float64) for n in grid.size]
    for start in range(0, grid.size[2], SLAB_PLANES):
        k, j, i = torch.meshgrid(index[2][start : start + SLAB_PLANES], index[1], index[0], indexing="ij")
        total, count = torch.zeros_like(i, dtype=torch.float32), torch.zeros_like(i, dtype=torch.float32)
        for station, volume in zip(stations, volumes, strict=True):
            matrix, offset = affine(grid, station.geometry)
            inside = torch.ones_like(i, dtype=torch.bool)
            points = []
            for axis in range(3):
                at = matrix[axis, 0] * i + matrix[axis, 1] * j + matrix[axis, 2] * k + offset[axis]
                last = station.geometry.size[axis] - 1
                inside &= (at >= -EDGE_TOLERANCE_VOXELS) & (at <= last + EDGE_TOLERANCE_VOXELS)
                points.append((at / last * 2 - 1).to(torch.float32))
            # align_corners: -1 and 1 are voxel centres; border: points within the edge tolerance are clamped.
            sampled = torch.nn.functional.grid_sample(
                volume[None, None], torch.stack(points, dim=-1)[None], "bilinear", "border", align_corners=True
            )[0, 0]
            total += torch.where(inside, sampled, 0.0)
            count += inside
        out[start : start + SLAB_PLANES] = (total / count.clamp(min=1)).cpu().numpy()
