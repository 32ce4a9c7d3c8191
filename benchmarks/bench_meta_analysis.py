"""Three-level meta-regression and CR2: the meta_analysis stage's estimators against metafor and clubSandwich.

Run: python benchmarks/bench_meta_analysis.py [--studies 14] [--repeats 3]
Needs Rscript with metafor and clubSandwich. Both sides get the same drawn effects (1 to 15 per study, four moderators)
and run in a process of their own, best of the repeats; loading of R and its packages is not counted. metafor works with
whole k x k matrices: 50 studies take it minutes. Variances, CR2 errors and degrees of freedom are compared to
1e-4 (metafor's default optimiser stops earlier than ours).
Exit status 1 when they differ, 2 when R is missing. There is no target: the ratios are printed.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from containers.meta_analysis.robust import cr2
from containers.meta_analysis.three_level import fit_three_level
from containers.meta_analysis.two_level import fit_two_level

Floats = npt.NDArray[np.float64]

R_SCRIPT = """
suppressMessages({library(metafor); library(clubSandwich)})
arguments <- commandArgs(TRUE)
d <- read.csv(arguments[1]); repeats <- as.integer(arguments[2])
best <- function(f) {
  seconds <- Inf
  for (i in seq_len(repeats)) {
    start <- Sys.time()
    value <- f()
    seconds <- min(seconds, as.numeric(Sys.time() - start, units = "secs"))
  }
  list(seconds = seconds, value = value)
}
d$row <- seq_len(nrow(d))
reml <- best(function() rma(y, v, data = d))
three <- best(function() rma.mv(y, v, mods = ~ a + b + c + e, random = ~ 1 | study/row, data = d))
robust <- best(function() coef_test(three$value, vcov = "CR2", cluster = d$study))
out <- function(name, seconds, values) {
  cat(name, format(c(seconds, values), digits = 15), "\\n")
}
out("reml", reml$seconds, reml$value$tau2)
out("three_level", three$seconds, three$value$sigma2)
out("cr2", robust$seconds, c(robust$value$SE, robust$value$df_Satt))
"""


def draw(studies: int) -> tuple[Floats, Floats, Floats, npt.NDArray[np.int64]]:
    """Effects (k,), design (k, 5), variances (k,) and study codes (k,)."""
    rng = np.random.default_rng(studies)
    study = np.repeat(np.arange(studies), rng.integers(1, 16, studies)).astype(np.int64)
    k = len(study)
    moderators = np.column_stack([rng.normal(size=studies)[study], rng.normal(size=(k, 3))])
    v = rng.uniform(0.02, 0.15, k)
    effect = 0.4 + moderators @ [0.1, 0.2, 0.0, -0.1]
    noise = rng.normal(0, 0.35, studies)[study] + rng.normal(0, 0.25, k) + rng.normal(0, np.sqrt(v))
    return effect + noise, np.column_stack([np.ones(k), moderators]), v, study


def best(repeats: int, call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the fastest call, and what it gave."""
    seconds, value = np.inf, None
    for _ in range(repeats):
        start = time.perf_counter()
        value = call()
        seconds = min(seconds, time.perf_counter() - start)
    return seconds, value


def run_r(y: Floats, x: Floats, v: Floats, study: npt.NDArray[np.int64], repeats: int) -> dict[str, list[float]]:
    """Seconds and values by name from R."""
    with tempfile.TemporaryDirectory() as name:
        table, script = Path(name, "table.csv"), Path(name, "bench.R")
        script.write_text(R_SCRIPT)
        rows = np.column_stack([y, v, study, x[:, 1:]])
        np.savetxt(table, rows, delimiter=",", header="y,v,study,a,b,c,e", comments="", fmt="%.17g")
        command = ["Rscript", str(script), str(table), str(repeats)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines() if line.strip()]
    return {line[0]: [float(value) for value in line[1:]] for line in lines}


def compare(studies: int, repeats: int) -> tuple[bool, dict[str, float]]:
    """Whether both sides agree, and the ratios of their times."""
    y, x, v, study = draw(studies)
    seconds: dict[str, float] = {}
    seconds["reml"], two = best(repeats, lambda: fit_two_level(y, np.ones((len(y), 1)), v, "REML"))
    seconds["three_level"], three = best(repeats, lambda: fit_three_level(y, x, v, study))
    seconds["cr2"], robust = best(repeats, lambda: cr2(y, x, three.blocks, three.weights()))
    ours = {"reml": [two.tau2], "three_level": [three.between, three.within], "cr2": [*robust.se, *robust.df]}
    theirs = run_r(y, x, v, study, repeats)
    agree = all(np.allclose(theirs[name][1:], ours[name], rtol=1e-4, atol=1e-7) for name in ours)
    print(f"{studies} studies, {len(y)} effects; gradient {three.gradient_max:.1e}")
    ratios = {}
    for name in ours:
        ratios[name] = theirs[name][0] / seconds[name]
        print(f"  {name:12} ours {seconds[name]:.4f} s   R {theirs[name][0]:.4f} s   {ratios[name]:.1f} times faster")
    return agree, ratios


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--studies", type=int, nargs="+", default=[14])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the ratios here")
    options = parser.parse_args()
    if shutil.which("Rscript") is None:
        print("Rscript is missing: nothing is compared", file=sys.stderr)
        return 2
    results = {studies: compare(studies, options.repeats) for studies in options.studies}
    if options.json:
        options.json.write_text(json.dumps({studies: ratios for studies, (_, ratios) in results.items()}))
    if not all(agree for agree, _ in results.values()):
        print("the two sides differ", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
