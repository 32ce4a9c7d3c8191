"""What a plain copy of memory reaches, in bytes read and written per second: the roof for work that only moves data."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

HOST_BYTES = 256 * 2**20
DEVICE_BYTES = 2**30
REPEATS = 7


def host(threads: int, size: int = HOST_BYTES) -> float:
    """Copy bandwidth of main memory with `threads` threads, each on its share; median of REPEATS after one call.

    Far larger than the caches. numpy copies without the interpreter's lock.
    """
    source = np.ones(size // 8)
    target = np.zeros_like(source)
    edges = np.linspace(0, len(source), threads + 1).astype(int)
    parts = [slice(edges[n], edges[n + 1]) for n in range(threads)]
    times = []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(REPEATS + 1):
            start = time.perf_counter()
            list(pool.map(lambda part: np.copyto(target[part], source[part]), parts))
            times.append(time.perf_counter() - start)
    return 2 * source.nbytes / statistics.median(times[1:])


def device(size: int = DEVICE_BYTES) -> float:
    """Copy bandwidth of the graphics card's memory, between events; median of REPEATS after one call."""
    import torch

    source = torch.ones(size // 4, device="cuda")
    target = torch.empty_like(source)
    times: list[float] = []
    for _ in range(REPEATS + 1):
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        first.record()
        target.copy_(source)
        last.record()
        torch.cuda.synchronize()
        times.append(first.elapsed_time(last) / 1e3)
    return float(2 * size / statistics.median(times[1:]))
