"""Counters of memory and energy, on folders made like the kernel's and on a driver that is made up."""

import mmap
import os
import threading
from pathlib import Path

import pytest

from harness.bench.resources import DevicePeak, Energy, HostPeak


@pytest.mark.needs("high-water mark")
def test_peak_of_memory_that_was_given_back() -> None:
    """64 MiB that live only between two looks; the limits leave 8 MiB to what else Python does."""
    peak = HostPeak(os.getpid())
    # In small pages: the kernel adds up a process's memory every few dozen page faults, and huge pages are few.
    with mmap.mmap(-1, 64 * 2**20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as block:
        block.madvise(mmap.MADV_NOHUGEPAGE)
        for start in range(0, len(block), mmap.PAGESIZE):
            block[start] = 1
    found = peak.bytes()
    assert found is not None
    assert 56 * 2**20 < found < 72 * 2**20


def test_no_such_process_tells_nothing() -> None:
    assert HostPeak(2**22 + 1).bytes() is None


def counter(folder: Path, microjoules: int) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    (folder / "max_energy_range_uj").write_text("10000000\n")


def test_energy_of_packages(tmp_path: Path) -> None:
    """One package counts 2 J, the other begins again after 1 J: 1 J before, 0.5 J after. Cores count once."""
    first, second, part = (tmp_path / name for name in ("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"))
    counter(first, 1_000_000)
    counter(second, 9_000_000)
    counter(part, 0)
    energy = Energy("cpu", None, tmp_path)
    energy.start()
    counter(first, 3_000_000)
    counter(second, 500_000)
    counter(part, 900_000)
    assert energy.stop() == pytest.approx(3.5)
    assert energy.source == "RAPL package"


def test_energy_that_nobody_tells(tmp_path: Path) -> None:
    energy = Energy("cpu", None, tmp_path)
    assert not energy.told
    assert energy.source == "not told"


class Driver:
    """A card whose memory fills and empties from look to look."""

    def __init__(self) -> None:
        self.readings = [100, 900, 200]
        self.all_read = threading.Event()
        self.energy = 5.0

    def used_bytes(self) -> int:
        if len(self.readings) == 1:
            self.all_read.set()
            return self.readings[0]
        return self.readings.pop(0)

    def joules(self) -> float:
        return self.energy


def test_energy_and_memory_of_a_card(tmp_path: Path) -> None:
    driver = Driver()
    energy = Energy("cuda", driver, tmp_path)  # type: ignore[arg-type]
    assert Energy("cpu", driver, tmp_path).source == "not told"  # type: ignore[arg-type]
    energy.start()
    driver.energy = 12.5
    assert energy.stop() == 7.5
    assert energy.source == "NVML"
    peak = DevicePeak(driver)  # type: ignore[arg-type]
    with peak.watching():
        assert driver.all_read.wait(30)
    assert peak.bytes() == 800
    assert DevicePeak(None).bytes() is None
