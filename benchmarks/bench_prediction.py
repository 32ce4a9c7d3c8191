"""Bootstrap validation and calibration of a logistic model at the size of nako_cbp: the association stage against rms.

Run: python benchmarks/bench_prediction.py [--resamples 1000] [--r-resamples 40] [--repeats 3] [--rows 27518]
Ten covariates, five continuous and five binary. Both sides take the same table and the same rows of every resample;
their corrected c-index, calibration slope and calibration curve after R's number of resamples are compared before any
time is printed. Times are per resample, since 1,000 take R minutes: processor time (user and system) of one thread,
R's by system.time, the best of the repeats on both sides, so that what else runs on the machine counts little. Memory
is what the stage's functions hold at their peak beyond their input (tracemalloc), as a multiple of the table (all
columns as 64-bit numbers). Exit status 1 when a ratio is under its target.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[1]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

SPEED_TARGET, MEMORY_TARGET = 20.0, 2.0
TOLERANCE = 1e-6
SEED = 1

Array = npt.NDArray[np.float64]


def make_cohort(rows: int) -> tuple[Array, Array]:
    """x (rows, 11) with the intercept column, columns contiguous, and y (rows,) with about 22 % events."""
    draw = np.random.default_rng(0)
    x = np.ones((11, rows))
    x[1:6], x[6:] = draw.standard_normal((5, rows)), draw.random((5, rows)) < 0.3
    beta = [-1.75, 0.2, -0.15, 0.3, 0.1, -0.1, 0.4, 0.3, 0.2, -0.2, 0.1]
    return x.T, (draw.random(rows) < 1 / (1 + np.exp(-np.array(beta) @ x))).astype(np.float64)


def run_r(x: Array, y: Array, resamples: int, repeats: int) -> dict[str, Any]:
    """R's seconds and numbers."""
    from containers.association.draws import draw_rows

    with tempfile.TemporaryDirectory() as folder:
        columns = np.column_stack([y, x[:, 1:]])
        header = ",".join(["y", *(f"x{k}" for k in range(1, x.shape[1]))])
        np.savetxt(Path(folder, "table.csv"), columns, fmt="%.17g", delimiter=",", header=header, comments="")
        draws = np.array([draw_rows(SEED, k, len(y)) + 1 for k in range(resamples)], dtype=np.int32)
        Path(folder, "draws.bin").write_bytes(draws.tobytes())
        command = ["Rscript", str(ROOT / "benchmarks/bench_prediction.R"), folder, str(resamples), str(repeats)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"bench_prediction: R failed with status {done.returncode}: {done.stderr.strip()[-500:]}")
        answer: dict[str, Any] = json.loads(Path(folder, "r.json").read_text())
        return answer


def main() -> int:
    """Print the table. Returns 0 when all targets are met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=27518)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--r-resamples", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        # Threads are counted when numpy is loaded.
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ONE_THREAD)
    sys.path.insert(0, str(ROOT))
    from containers.association.c_index import bootstrap_c
    from containers.association.calibration import calibration_curve
    from containers.association.logistic import fit_logistic
    from containers.association.resampling import harrell_optimism

    x, y = make_cohort(options.rows)
    full = fit_logistic(x, y).coefficients
    calls = {"validate": harrell_optimism, "calibrate": calibration_curve}
    found: dict[str, Any] = {}
    seconds, peaks = {}, {}
    for name, call in calls.items():
        found[name] = call(x, y, full, SEED, options.r_resamples)
        seconds[name] = math.inf
        for _ in range(options.repeats):
            start = time.process_time()
            call(x, y, full, SEED, options.resamples)
            seconds[name] = min(seconds[name], time.process_time() - start)
        tracemalloc.start()
        call(x, y, full, SEED, 3)
        peaks[name] = tracemalloc.get_traced_memory()[1] / (x.nbytes + y.nbytes)
        tracemalloc.stop()
    start = time.process_time()
    bootstrap_c(x @ full, y, SEED, options.resamples)
    of_c = time.process_time() - start
    r = run_r(x, y, options.r_resamples, options.repeats)
    curve = np.array(r["corrected"], dtype=np.float64)
    gaps = {
        "c-index": abs(found["validate"].corrected - (r["dxy"] + 1) / 2),
        "slope": abs(found["validate"].slope - r["slope"]),
        "curve": float(np.nanmax(np.abs(found["calibrate"].corrected - curve))),
    }
    print(", ".join(f"{name} differs by {gap:.1e}" for name, gap in gaps.items()))
    if not max(gaps.values()) <= TOLERANCE:
        sys.exit(f"bench_prediction: the two sides differ by more than {TOLERANCE:g}; no time is worth printing")
    print(
        f"{options.rows} rows; ms of processor time per resample ({options.resamples} here, {options.r_resamples} in R)"
    )
    print(f"{'':12}{'rms':>10}{'stage':>10}{'ratio':>8}{'peak over table':>18}")
    ratios = {}
    for name in calls:
        ours, theirs = 1e3 * seconds[name] / options.resamples, 1e3 * r[f"{name}_seconds"] / options.r_resamples
        ratios[name] = theirs / ours
        print(f"{name:12}{theirs:10.1f}{ours:10.2f}{ratios[name]:8.1f}{peaks[name]:18.2f}")
    print(f"{'bootstrap c':12}{'':>10}{1e3 * of_c / options.resamples:10.2f}   (score kept; rms has no counterpart)")
    print(f"targets: speed ratio {SPEED_TARGET:g}, memory {MEMORY_TARGET:g}")
    return 0 if min(ratios.values()) >= SPEED_TARGET and max(peaks.values()) < MEMORY_TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
