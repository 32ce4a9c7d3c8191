"""Overlap measures of 28 classes: the agreement stage's joint histogram against MONAI, in time and memory.

Run: python benchmarks/bench_agreement.py [--size 299 299 440] [--class-batch 7] [--repeats 1]
Each side runs in a process of its own on the same arrays. Peak memory is the resident high-water mark over what
is held once the two label maps are loaded. MONAI is given what its metrics ask for, one-hot float tensors; its
time is printed with and without the making of them, and the ratio uses the smaller one. At 299x299x440 all
28 classes at once need about 20 GB; --class-batch gives MONAI fewer classes at a time, which saves its memory.
Both sides' Dice, IoU, precision and recall are compared before any time is printed. Exit status 1 when a ratio
is under its target.
"""

import argparse
import functools
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil

ROOT = Path(__file__).resolve().parents[1]
CLASSES = 28
SPEED_TARGET = 10.0
MEMORY_TARGET = 10.0
MONAI_TENSORS = 5
"""One-hot float tensors that MONAI holds at its peak (measured: 4.5); guards the machine's memory."""

Labels = npt.NDArray[np.uint8]


def make_labels(size: tuple[int, int, int]) -> tuple[Labels, Labels]:
    """Two label maps (k, j, i): blocks of 28 labels with background at one side, and the same shifted by a voxel."""
    k, j, i = size[2], size[1], size[0]
    blocks = np.random.default_rng(0).integers(0, CLASSES, (k // 8 + 1, j // 8 + 1, i // 8 + 1), dtype=np.uint8)
    truth = np.repeat(np.repeat(np.repeat(blocks, 8, 0), 8, 1), 8, 2)[:k, :j, :i].copy()
    truth[:, :, : i // 3] = 0
    return np.roll(truth, 1, axis=2), truth


def high_water() -> int:
    """Peak resident bytes since the last reset."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024


def measure(side: str, size: tuple[int, int, int], repeats: int, batch: int) -> dict[str, Any]:
    """Run one side in this process. Returns seconds (best of repeats), peak bytes and the measures (4, classes)."""
    labels, truth = make_labels(size)
    run = ours if side == "ours" else functools.partial(monai, batch=batch)
    tiny = make_labels((16, 16, 16))
    run(*tiny)  # imports and first-call costs are no part of the comparison
    Path("/proc/self/clear_refs").write_text("5")
    before = psutil.Process().memory_info().rss
    totals, metrics, values = [], [], None
    for _ in range(repeats):
        start = time.perf_counter()
        values, prepared = run(labels, truth)
        totals.append(time.perf_counter() - start)
        metrics.append(totals[-1] - prepared)
    return {"total": min(totals), "metrics": min(metrics), "peak": high_water() - before, "values": values}


def ours(labels: Labels, truth: Labels) -> tuple[list[list[float | None]], float]:
    """Measures by the agreement stage, and seconds of preparation (none)."""
    from containers.agreement.overlap import class_agreement, joint_histogram

    values = {str(label): label for label in range(CLASSES)}
    classes = class_agreement(joint_histogram(labels, truth), values, values)
    return [[getattr(one, name) for one in classes] for name in ("dice", "iou", "precision", "recall")], 0.0


def monai(labels: Labels, truth: Labels, batch: int) -> tuple[list[list[float | None]], float]:
    """Measures by MONAI, `batch` classes at a time, and the seconds that making one-hot tensors took."""
    import torch
    from monai.metrics import ConfusionMatrixMetric, DiceMetric

    names = ["threat score", "precision", "recall"]
    rows: list[list[float | None]] = [[], [], [], []]
    prepared = 0.0
    for first in range(0, CLASSES, batch):
        start = time.perf_counter()
        hot = []
        for array in map(torch.from_numpy, (labels, truth)):
            hot.append(torch.empty((1, min(batch, CLASSES - first), *labels.shape), dtype=torch.float32))
            for channel in range(hot[-1].shape[1]):
                hot[-1][0, channel] = array == first + channel
        prepared += time.perf_counter() - start
        dice = DiceMetric(include_background=True, reduction="none")
        dice(*hot)
        confusion = ConfusionMatrixMetric(include_background=True, metric_name=names, reduction="none")
        confusion(*hot)
        for row, values in zip(rows, [dice.aggregate(), *confusion.aggregate()], strict=True):
            row += [float(value) for value in values[0]]
    return rows, prepared


def in_child(side: str, size: tuple[int, int, int], repeats: int, batch: int) -> dict[str, Any]:
    """Run `measure` in a fresh process."""
    command = [sys.executable, __file__, "--child", side, "--size", *map(str, size)]
    command += ["--repeats", str(repeats), "--class-batch", str(batch)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench_agreement: {side} failed with status {done.returncode}: {done.stderr.strip()[-500:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def main() -> int:
    """Print the table. Returns 0 when both targets are met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, nargs=3, default=(299, 299, 55), metavar=("I", "J", "K"))
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--class-batch", type=int, default=CLASSES, help="classes given to MONAI at a time")
    parser.add_argument("--child", choices=["ours", "monai"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    size = tuple(options.size)
    if options.child:
        sys.path.insert(0, str(ROOT))
        print(json.dumps(measure(options.child, size, options.repeats, options.class_batch)))
        return 0
    need = int(np.prod(size)) * options.class_batch * 4 * MONAI_TENSORS
    free = psutil.virtual_memory().available
    if need > free:
        sys.exit(
            f"bench_agreement: MONAI needs about {need / 1e9:.1f} GB, {free / 1e9:.1f} GB are free;"
            " take fewer slices or a smaller --class-batch"
        )
    found = {side: in_child(side, size, options.repeats, options.class_batch) for side in ("ours", "monai")}
    a, b = (np.array(found[side]["values"], dtype=float) for side in ("ours", "monai"))
    gap = float(np.nanmax(np.abs(a - b)))
    if gap > 1e-6:
        sys.exit(f"bench_agreement: the two sides differ by {gap:g}; no time is worth printing")
    speed = found["monai"]["metrics"] / found["ours"]["total"]
    memory = found["monai"]["peak"] / max(found["ours"]["peak"], 1)
    print(f"overlap of {CLASSES} classes at {'x'.join(map(str, size))}, largest difference {gap:.1e}")
    print(f"{'':24}{'seconds':>10}{'peak MB':>10}")
    print(f"{'joint histogram':24}{found['ours']['total']:10.3f}{found['ours']['peak'] / 1e6:10.1f}")
    print(f"{'MONAI, metrics only':24}{found['monai']['metrics']:10.3f}{found['monai']['peak'] / 1e6:10.1f}")
    print(f"{'MONAI, one-hot included':24}{found['monai']['total']:10.3f}{found['monai']['peak'] / 1e6:10.1f}")
    print(f"speed ratio {speed:.0f} (target {SPEED_TARGET:g}), memory ratio {memory:.0f} (target {MEMORY_TARGET:g})")
    return 0 if speed >= SPEED_TARGET and memory >= MEMORY_TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
