"""Times of a call, synchronised with the device that works for it.

A call on a GPU returns before its work is done: the clock waits for the device before it starts and before it stops,
and takes the time between two events on the device next to the wall clock's.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from containers.toolkit.runtime import cuda

SHORTEST_SAMPLE = 2e-3
"""Seconds that a sample takes at least; shorter calls are repeated within a sample."""


@dataclass(frozen=True)
class Sample:
    """Mean time of a call in one sample."""

    seconds: float
    """Wall-clock seconds of a call."""
    cpu_seconds: float
    """Processor seconds of a call, over all threads of this process."""
    device_seconds: float | None = None
    """Seconds of a call between two events on the device; None where it has no such clock."""


class Device(Protocol):
    """What a clock needs of a device."""

    def synchronize(self) -> None:
        """Wait until the device has done all work."""

    def mark(self) -> Any:
        """An event in the device's stream, from now on."""

    def between(self, first: Any, last: Any) -> float | None:
        """Seconds between two marks that the device has passed."""


class Host:
    """The processor: nothing to wait for."""

    def synchronize(self) -> None:
        """Nothing to wait for."""

    def mark(self) -> None:
        """No events."""

    def between(self, first: Any, last: Any) -> float | None:
        """No events."""
        return None


class TorchCuda:
    """A GPU, by torch."""

    def __init__(self) -> None:
        import torch

        self._cuda = torch.cuda

    def synchronize(self) -> None:
        """Wait for all streams of the device, whichever library fills them."""
        self._cuda.synchronize()

    def mark(self) -> Any:
        """A timing event in the current stream."""
        event = self._cuda.Event(enable_timing=True)
        event.record()
        return event

    def between(self, first: Any, last: Any) -> float | None:
        """Seconds between two events."""
        return float(first.elapsed_time(last)) / 1e3


class NumbaCuda:
    """A GPU by numba, where torch has none. The simulator has events, but not the time between them."""

    def __init__(self) -> None:
        from numba import cuda

        self._cuda = cuda

    def synchronize(self) -> None:
        """Wait for all streams of the device."""
        self._cuda.synchronize()

    def mark(self) -> Any:
        """A timing event in the default stream."""
        event = self._cuda.event()
        event.record()
        return event

    def between(self, first: Any, last: Any) -> float | None:
        """Seconds between two events."""
        elapsed = getattr(self._cuda, "event_elapsed_time", None)
        return None if elapsed is None else float(elapsed(first, last)) / 1e3


def device_for(name: str) -> Device:
    """The device called `cpu` or `cuda`. Raises EnvironmentFault where neither torch nor numba can use CUDA."""
    if name == "cpu":
        return Host()
    if cuda.missing("torch") is None:
        return TorchCuda()
    cuda.require("numba", where="device cuda")
    return NumbaCuda()


def take(call: Callable[[], Any], device: Device, calls: int = 1) -> tuple[Any, Sample]:
    """The last output and the mean time of `calls` calls, one after another."""
    output = None
    device.synchronize()
    first = device.mark()
    cpu, start = time.process_time(), time.perf_counter()
    for _ in range(calls):
        output = None  # the memory of the call before is free for this one
        output = call()
    last = device.mark()
    device.synchronize()
    seconds = time.perf_counter() - start
    cpu = time.process_time() - cpu
    between = device.between(first, last)
    return output, Sample(seconds / calls, cpu / calls, None if between is None else between / calls)


def calls_per_sample(seconds: float) -> int:
    """How many calls of this length make a sample that the clock resolves."""
    return max(1, round(SHORTEST_SAMPLE / max(seconds, 1e-9)))
