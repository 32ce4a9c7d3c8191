"""One call for all backends. They agree to 1e-3 of the intensity range; `numpy` is the reference."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from containers.contract.errors import EnvironmentFault
from containers.fusion import interpolate_numpy, interpolate_torch
from containers.fusion.stack import Station
from containers.toolkit.images.volume import Geometry
from containers.toolkit.runtime import cuda


def resolve(backend: str, device: str) -> str:
    """The backend that `auto` stands for: numba on a CPU; on CUDA numba_cuda, or torch where that cannot run.

    Raises EnvironmentFault when the device or a part of the backend's library is missing, or the two do not fit.
    """
    if backend == "auto":
        if device == "cpu":
            return "numba"
        if cuda.missing("numba") is None:
            return "numba_cuda"
        if cuda.missing("torch") is not None:
            cuda.require("numba", where="backend auto, device cuda")
        return "torch"
    if device == "cuda" and backend in ("numpy", "numba"):
        raise EnvironmentFault(
            f"backend {backend} has no CUDA", where="resources.device", fix="choose numba_cuda or torch, or device cpu"
        )
    if backend == "numba_cuda":
        cuda.require("numba", where="backend numba_cuda")
    if backend == "torch":
        interpolate_torch.require(device)
    return backend


def fuse(
    stations: Sequence[Station],
    grid: Geometry,
    backend: str = "numba",
    *,
    threads: int = 1,
    device: str = "cpu",
    out: npt.NDArray[np.float32] | None = None,
) -> npt.NDArray[np.float32]:
    """Interpolate all stations on `grid` and average where they overlap. Returns float32 (k, j, i).

    backend: a name that `resolve` returned. out: memory to use again, of the grid's shape.
    """
    if out is None:
        out = np.empty(grid.shape, np.float32)
    if backend == "numpy":
        interpolate_numpy.fuse(stations, grid, out)
    elif backend == "torch":
        interpolate_torch.fuse(stations, grid, out, threads, device)
    elif backend == "numba_cuda":
        from containers.fusion import interpolate_cuda

        interpolate_cuda.fuse(stations, grid, out)
    else:
        # Imported here, as above: loading numba takes half a second that the other backends need not wait for.
        from containers.fusion import interpolate_numba

        interpolate_numba.fuse(stations, grid, out, threads)
    return out
