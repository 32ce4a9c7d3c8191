"""One method in a process of its own: the parent says `call`, `many`, `energy` or `end`, the worker answers in JSON.

The first call is not counted: it compiles and loads what is loaded late, and its memory is measured. Standard output
carries the answers; whatever a library prints goes to standard error, as does any error, whose last line the parent
shows.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from containers.contract.errors import Fault
from harness.bench.clock import Device, Sample, device_for, take
from harness.bench.resources import DevicePeak, Energy, HostPeak, nvml
from harness.bench.suite import Method, save

ENERGY_SECONDS = 2.0
"""The counters move every few milliseconds: a measurement lasts at least this long."""


def serve(method: Method, device: str) -> None:
    """Answer until `end` or the end of the input."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        _serve(method, device, answers)
    except Fault as fault:
        _say(answers, {"fault": str(fault)})


def _say(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _serve(method: Method, name: str, answers: TextIO) -> None:
    driver = nvml() if name == "cuda" else None
    on_device = DevicePeak(driver)
    prepared = method.prepare()
    device, energy = device_for(name), Energy(name, driver)
    output: Any = None
    try:
        _say(answers, {"alone": prepared.pid is None and prepared.peak_bytes is None})
        for line in sys.stdin:
            word, *rest = line.split()
            if word == "first":
                output = None
                host = HostPeak(prepared.pid or os.getpid())
                with on_device.watching():
                    output, sample = take(prepared.call, device)
                peak = prepared.peak_bytes() if prepared.peak_bytes else host.bytes()
                _say(answers, _of(sample) | {"host": peak, "device": on_device.bytes()})
            elif word == "call":
                output = None
                output, sample = take(prepared.call, device, int(rest[0]))
                _say(answers, _of(sample))
            elif word == "energy":
                _say(answers, _energy(prepared.call, device, energy))
            elif word == "end":
                save(Path(rest[0]), prepared.values(output))
                _say(answers, {"saved": True})
                return
    finally:
        prepared.close()


def _of(sample: Sample) -> dict[str, Any]:
    return {"seconds": sample.seconds, "cpu": sample.cpu_seconds, "on_device": sample.device_seconds}


def _energy(call: Callable[[], Any], device: Device, energy: Energy) -> dict[str, Any]:
    """Joules per call, from as many calls as the counters need."""
    if not energy.told:
        return {"joules": None, "source": energy.source}
    calls, start = 0, time.perf_counter()
    energy.start()
    while time.perf_counter() - start < ENERGY_SECONDS:
        take(call, device)
        calls += 1
    return {"joules": energy.stop() / calls, "source": energy.source}
