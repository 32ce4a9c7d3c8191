"""Seconds and peak memory of one full-protocol phantom participant, against the limits of 60 s and 3 GiB on two cores.

Run as `python benchmarks/bench_phantoms.py`. Compilation (once per machine) is timed apart, on the small preset. The
peer in the same run is a plain copy of the same bytes through zlib at the same level: the floor that the zip sets.
"""

import resource
import sys
import tempfile
import time
import zipfile
import zlib
from pathlib import Path

import phantoms

SECONDS_LIMIT, GIB_LIMIT = 60.0, 3.0


def timed(preset: str, folder: Path) -> float:
    start = time.perf_counter()
    phantoms.make("ukb_participant", {"preset": preset, "seed": 1}, folder)
    return time.perf_counter() - start


def main() -> int:
    """Print the figures; exit status 1 when a limit is broken."""
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / n for n in ("first", "small", "full")]
        for folder in folders:
            folder.mkdir()
        first, small = timed("small", folders[0]), timed("small", folders[1])
        full = timed("full", folders[2])
        gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        with zipfile.ZipFile(next(folders[2].glob("*.zip"))) as archive:
            content = [archive.read(n) for n in archive.namelist()]
        start = time.perf_counter()
        for block in content:
            zlib.compress(block, 1)
        floor = time.perf_counter() - start
    print(f"small preset, first call (compiles or loads): {first:.1f} s; again: {small:.2f} s")
    print(f"full preset: {full:.1f} s (limit {SECONDS_LIMIT:.0f}), peak {gib:.2f} GiB (limit {GIB_LIMIT:.0f})")
    print(f"ratio to deflating the same {sum(map(len, content)) / 2**20:.0f} MiB: {full / floor:.1f}")
    return int(full > SECONDS_LIMIT or gib > GIB_LIMIT)


if __name__ == "__main__":
    sys.exit(main())
