"""Memory and energy of a call, where the system tells them.

Host memory is the kernel's high-water mark of resident memory, which can be reset (Linux, proc(5), clear_refs). Energy
comes from counters: those of the processor package (RAPL, powercap) and of the graphics card (NVML).
"""

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POWERCAP = Path("/sys/class/powercap")
PROC = Path("/proc")
POLL_SECONDS = 0.005


def status_bytes(pid: int, field: str) -> int | None:
    """A field of /proc/PID/status in bytes, such as VmRSS (held now) or VmHWM (held at most)."""
    with suppress(OSError, StopIteration, ValueError, IndexError):
        lines = (PROC / str(pid) / "status").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith(field + ":"))) * 1024
    return None


class HostPeak:
    """Resident memory of a process at its peak, from now on, over what it holds now. None: not told."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before: int | None = None
        with suppress(OSError):
            (PROC / str(pid) / "clear_refs").write_text("5")
            self._before = status_bytes(pid, "VmRSS")

    def bytes(self) -> int | None:
        """The peak up to now."""
        peak = status_bytes(self._pid, "VmHWM")
        return None if peak is None or self._before is None else max(0, peak - self._before)


class Nvml:
    """The driver's own library. Raises an exception of any kind where there is none."""

    def __init__(self, index: int = 0) -> None:
        self._nvml: Any = importlib.import_module("cuda.bindings.nvml")
        self._nvml.init_v2()
        self._device = self._nvml.device_get_handle_by_index_v2(index)

    def joules(self) -> float:
        """Energy since the driver was loaded."""
        return float(self._nvml.device_get_total_energy_consumption(self._device)) / 1e3

    def used_bytes(self) -> int:
        """Memory in use on the card, by all programs."""
        return int(self._nvml.device_get_memory_info_v2(self._device).used)


def nvml() -> Nvml | None:
    """The driver's library, or None where it does not answer."""
    # The bindings raise errors of their own, of types that differ between versions.
    with suppress(Exception):
        return Nvml()
    return None


class DevicePeak:
    """Memory in use on the card at its peak within `watching`, over what was in use when this was made."""

    def __init__(self, driver: Nvml | None) -> None:
        self._driver = driver
        self._before = driver.used_bytes() if driver else 0
        self._peak = self._before

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look every few milliseconds until the block ends."""
        stop = threading.Event()
        thread = threading.Thread(target=self._watch, args=(stop,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _watch(self, stop: threading.Event) -> None:
        while self._driver is not None and not stop.is_set():
            self._peak = max(self._peak, self._driver.used_bytes())
            stop.wait(POLL_SECONDS)

    def bytes(self) -> int | None:
        """The peak; None without a driver that tells."""
        return self._peak - self._before if self._driver else None


@dataclass(frozen=True)
class _Package:
    """Energy counter of one processor package."""

    counter: Path
    """The file with the counter, in microjoules."""
    wraps_at: int
    """Value at which the counter starts again from 0, in microjoules."""


class Energy:
    """Joules between `start` and `stop` of all counters that can be read. `source` names them."""

    def __init__(self, device: str, driver: Nvml | None, powercap: Path = POWERCAP) -> None:
        self._packages = list(_packages(powercap))
        self._driver = driver if device == "cuda" else None
        names = (["RAPL package"] if self._packages else []) + (["NVML"] if self._driver else [])
        self.source = " and ".join(names) or "not told"
        self._at_start: list[float] = []

    @property
    def told(self) -> bool:
        """Whether there is any counter."""
        return self.source != "not told"

    def _read(self) -> list[float]:
        counts = [float(p.counter.read_text()) for p in self._packages]
        return counts + ([self._driver.joules()] if self._driver else [])

    def start(self) -> None:
        """Read all counters."""
        self._at_start = self._read()

    def stop(self) -> float:
        """Joules since `start`."""
        total = 0.0
        for n, (last, first) in enumerate(zip(self._read(), self._at_start, strict=True)):
            if n < len(self._packages):
                used = last - first if last >= first else last - first + self._packages[n].wraps_at
                total += used / 1e6
            else:
                total += last - first
        return total


def _packages(powercap: Path) -> Iterator[_Package]:
    """Packages whose counter this user may read."""
    for folder in sorted(powercap.glob("intel-rapl:*")):
        if folder.name.count(":") > 1:
            continue  # a part of a package that is counted already
        with suppress(OSError, ValueError):
            float((folder / "energy_uj").read_text())
            yield _Package(folder / "energy_uj", int((folder / "max_energy_range_uj").read_text()))
