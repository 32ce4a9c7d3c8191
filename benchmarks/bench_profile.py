"""Profile-likelihood intervals of logistic models: this stage against R's glm and confint, in time, memory and result.

Run: python benchmarks/bench_profile.py [--rows 24670] [--models 10] [--peer-models 10] [--repeats 5]
Both fit the same simulated models in this run, with one thread, and give the interval of every coefficient: two
tertiles, age, sex, body mass index and three levels of activity, five outcomes from rare to common for each of two
exposures. Seconds are the processor's, so that other work on the machine counts less; ours are the best of
`--repeats`. The results are compared before any time is printed: R interpolates the profile by a spline, so that ends
may differ by 0.001 standard errors. Our memory is what Python allocated at its peak over the arrays given, in units
of their size. Exit status 1 when a target is missed, 3 when there is no R.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[1]
SPEED_TARGET = 10.0
MEMORY_TARGET = 2.0
LARGEST_DIFFERENCE = 1e-3
"""Between our ends and those of confint, in standard errors."""

Array = npt.NDArray[np.float64]

PEER = """
suppressMessages(library(MASS))
arguments <- commandArgs(trailingOnly = TRUE)
frame <- read.csv(arguments[1])
for (k in seq_len(as.integer(arguments[2]))) {
  exposure <- paste0("high", (k - 1) %% 2 + 1)
  formula <- reformulate(c(exposure, "age", "sex", "bmi", "activity1", "activity2"), paste0("y", k))
  seconds <- sum(system.time({
    fit <- glm(formula, binomial, frame)
    ends <- suppressMessages(confint(fit))
  })[1:2])
  cat(sprintf("%.3f %s\\n", seconds, paste(sprintf("%.17g", t(ends)), collapse = " ")))
}
"""

EXPOSURES = ("high1", "high2")
COVARIATES = ("age", "sex", "bmi", "activity1", "activity2")
SHARES = (-4.4, -3.9, -2.4, -2.3, -1.5)
"""Log odds of the five outcomes at the covariates' means: from sarcopenia to falls."""


def make_models(rows: int, models: int, seed: int = 0) -> tuple[dict[str, Array], list[tuple[str, Array]]]:
    """Columns by name, and per model its exposure and outcome (rows,)."""
    draw = np.random.default_rng(seed)
    activity = draw.integers(0, 3, rows)
    columns = {name: (draw.random(rows) < 0.5).astype(float) for name in EXPOSURES}
    columns |= {"age": draw.normal(64.5, 7.9, rows).round(1), "sex": (draw.random(rows) < 0.48).astype(float)}
    columns |= {"bmi": draw.normal(26.5, 4.4, rows), "activity1": activity == 1.0, "activity2": activity == 2.0}
    columns = {name: np.asarray(values, float) for name, values in columns.items()}
    asked = []
    for k in range(models):
        exposure = EXPOSURES[k % 2]
        logit = SHARES[k // 2 % 5] + 0.3 * columns[exposure] + 0.06 * (columns["age"] - 64.5) + 0.1 * columns["sex"]
        asked.append((exposure, (draw.random(rows) < 1 / (1 + np.exp(-logit))).astype(float)))
    return columns, asked


def design(columns: dict[str, Array], exposure: str) -> Array:
    """(rows, 7) with the intercept."""
    return np.column_stack([np.ones(len(columns["age"])), *(columns[name] for name in (exposure, *COVARIATES))])


def main() -> int:
    """Print the table. Returns 0 when all targets are met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=24670)
    parser.add_argument("--models", type=int, default=10)
    parser.add_argument("--peer-models", type=int, default=10, help="of these, how many R does too")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from containers.association.logistic import fit_logistic
    from containers.association.profile import profile_intervals

    columns, asked = make_models(options.rows, options.models)
    best, ends, errors, memory = [], [], [], 0.0
    for exposure, y in asked:
        x = design(columns, exposure)
        seconds = []
        for _ in range(options.repeats):
            start = time.process_time()
            fit = fit_logistic(x, y)
            found = profile_intervals(x, y, fit)
            seconds.append(time.process_time() - start)
        tracemalloc.start()
        profile_intervals(x, y, fit_logistic(x, y))
        memory = max(memory, tracemalloc.get_traced_memory()[1] / (x.nbytes + y.nbytes))
        tracemalloc.stop()
        best.append(min(seconds))
        ends.append(found)
        errors.append(fit.standard_errors)
    print(f"{options.models} logistic models, {options.rows} rows, all 7 profile intervals of each, one thread")
    if shutil.which("Rscript") is None:
        print(f"ours {sum(best):.3f} s, memory {memory:.2f} tables")
        print("bench_profile: no Rscript here, so nothing was compared; install R with MASS", file=sys.stderr)
        return 3
    compared = min(options.peer_models, options.models)
    theirs = _peer(columns, asked, compared)
    gap = max(float(np.abs((ends[k] - theirs[k][1]) / errors[k][:, None]).max()) for k in range(compared))
    if gap > LARGEST_DIFFERENCE:
        sys.exit(f"bench_profile: the two sides differ by {gap:g} standard errors")
    mine, other = sum(best[:compared]), sum(seconds for seconds, _ in theirs)
    ratio = other / mine
    print("".join(f"{title:>12}" for title in ("models", "ours s", "confint s", "ratio", "memory", "diff/SE")))
    print(f"{compared:12d}{mine:12.3f}{other:12.1f}{ratio:12.0f}{memory:12.2f}{gap:12.1e}")
    met = ratio >= SPEED_TARGET and memory < MEMORY_TARGET
    print(f"targets: ratio {SPEED_TARGET:g}, memory under {MEMORY_TARGET:g} tables: {'met' if met else 'missed'}")
    return 0 if met else 1


def _peer(columns: dict[str, Array], asked: list[tuple[str, Array]], models: int) -> list[tuple[float, Array]]:
    """Seconds and ends (7, 2) of each model by R."""
    with tempfile.TemporaryDirectory() as folder:
        table, script = Path(folder) / "cohort.csv", Path(folder) / "peer.R"
        outcomes = {f"y{k + 1}": y for k, (_, y) in enumerate(asked[:models])}
        every = {**columns, **outcomes}
        np.savetxt(table, np.column_stack(list(every.values())), "%.17g", ",", header=",".join(every), comments="")
        script.write_text(PEER)
        command = ["Rscript", str(script), str(table), str(models)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench_profile: R failed with status {done.returncode}: {done.stderr.strip()[-500:]}")
    lines = [np.array(line.split(), float) for line in done.stdout.splitlines()]
    return [(float(line[0]), line[1:].reshape(-1, 2)) for line in lines]


if __name__ == "__main__":
    sys.exit(main())
