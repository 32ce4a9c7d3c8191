"""The clock waits for the device before it starts and before it stops. Nothing here measures a time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.bench import clock

ROOT = Path(__file__).parents[2]


class SlowDevice:
    """Work is queued by a call and done when somebody waits; its own time is 3 s a call, the call's 1 s."""

    def __init__(self) -> None:
        self.now, self.queued, self.log = 0.0, 0, []  # type: ignore[var-annotated]

    def synchronize(self) -> None:
        self.log.append("wait")
        self.now += 3 * self.queued
        self.queued = 0

    def mark(self) -> float:
        self.log.append("mark")
        return self.now + 3 * self.queued

    def between(self, first: float, last: float) -> float:
        return last - first

    def call(self) -> str:
        self.log.append("call")
        self.now += 1
        self.queued += 1
        return f"output {self.log.count('call')}"


def test_all_work_of_the_device_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    device = SlowDevice()
    device.queued = 2  # left over from before: not to be counted
    monkeypatch.setattr(clock.time, "perf_counter", lambda: device.now)
    output, sample = clock.take(device.call, device, calls=2)
    assert device.log == ["wait", "mark", "call", "call", "mark", "wait"]
    assert sample.seconds == pytest.approx((2 * 1 + 2 * 3) / 2)
    assert sample.device_seconds == pytest.approx((2 + 2 * 3) / 2)
    assert output == "output 2"


def test_short_calls_are_repeated_within_a_sample() -> None:
    assert clock.calls_per_sample(1.0) == 1
    assert clock.calls_per_sample(clock.SHORTEST_SAMPLE / 10) == 10


def test_numba_device_on_the_simulator() -> None:
    """The path of a GPU without torch: a kernel's result is there when the clock has stopped."""
    program = """
import numpy as np
from numba import cuda
from harness.bench.clock import NumbaCuda, take

@cuda.jit
def double(values):
    i = cuda.grid(1)
    if i < values.size:
        values[i] *= 2

values = cuda.to_device(np.arange(8.0))
_, sample = take(lambda: double[1, 8](values), NumbaCuda())
assert values.copy_to_host().tolist() == [0, 2, 4, 6, 8, 10, 12, 14]
assert sample.seconds > 0 and sample.device_seconds is None
print("done")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == "done", done.stderr
