"""`myorepro bench`: run the suites, print one table, write the results file and pytest-benchmark's JSON."""

import os
import resource
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from containers.contract.errors import EnvironmentFault, RequestFault
from containers.contract.files import write_json
from harness.bench import bandwidth
from harness.bench.fingerprint import fingerprint, label
from harness.bench.process import Budget, listed
from harness.bench.pytest_json import as_pytest_benchmark
from harness.bench.results import BenchResults, Row, Settings
from harness.bench.running import run_row
from harness.bench.suite import Asked, no_cuda
from harness.bench.table import last_lines, table
from harness.project import ROOT
from harness.run.results import ExitStatus

SCRIPTS = ROOT / "benchmarks"
QUICK_SECONDS = 2.0

Device = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class BenchOptions:
    """What the user asked for."""

    device: str = "auto"
    """`cpu`, `cuda`, or `auto` for both."""
    only: Sequence[str] = ()
    """Names of suites or rows to run; empty for all that are not slow."""
    quick: bool = False
    """Whether to take small inputs and few repeats."""
    threads: int = 1
    """Processor threads that a method may use."""
    seconds: float = 20.0
    """Longest time of samples per method, in seconds."""
    precision: float = 0.05
    """Half-width of the 95 % interval of a median to stop at, as a share of the median."""
    runner: str = "process"
    """How the stages are run: `process` or `docker`."""
    out: Path | None = None
    """The results file to write; None for none."""
    pytest_json: Path | None = None
    """A file to write in the form of pytest-benchmark; None for none."""
    work: Path = Path("work")
    """Folder for inputs that take long to make."""


def devices(name: str) -> list[Device]:
    """The devices that are asked for. `auto` is both: what has no device is listed as not measured.

    Raises RequestFault for an unknown name, EnvironmentFault where CUDA is asked for and none answers.
    """
    known: dict[str, list[Device]] = {"auto": ["cpu", "cuda"], "cpu": ["cpu"], "cuda": ["cuda"]}
    if name not in known:
        raise RequestFault(f"no device {name!r}", where="--device", fix=f"known: {', '.join(known)}")
    if name == "cuda" and (why := no_cuda()):
        raise EnvironmentFault(why, where="--device cuda")
    return known[name]


def scripts(folder: Path = SCRIPTS) -> dict[str, Path]:
    """The suites by name. Raises EnvironmentFault where they are not: an installed wheel has none."""
    found = {path.stem.removeprefix("bench_"): path for path in sorted(folder.glob("bench_*.py"))}
    if not found:
        raise EnvironmentFault("holds no suites", where="benchmarks", fix="run it in the project's repository")
    return found


def bench(options: BenchOptions, say: Callable[[str], None], suites: dict[str, Path] | None = None) -> BenchResults:
    """Run and write. Raises RequestFault for a name that nothing has, EnvironmentFault where nothing can be run."""
    if not 0 < options.precision < 1 or options.seconds <= 0:
        raise RequestFault(
            "must lie between 0 and 1, and over 0", where="--precision and --seconds", fix="correct them"
        )
    chosen = suites or scripts()
    plan = _plan(options, chosen)
    before, own = _ticks(), _own_seconds()
    found = fingerprint(_images(options))
    say(label(found.machine))
    on = {device for device, _, _ in plan}
    roofs: dict[str, float] = {"cpu": bandwidth.host(options.threads)} if "cpu" in on else {}
    if "cuda" in on and not no_cuda("torch"):
        roofs["cuda"] = bandwidth.device()
    seconds = min(options.seconds, QUICK_SECONDS) if options.quick else options.seconds
    budget = Budget(seconds, options.precision)
    results = BenchResults(
        schema_version="1.0",
        measured_on=datetime.now(UTC).date().isoformat(),
        fingerprint=found,
        settings=Settings(
            quick=options.quick, threads=options.threads, seconds=seconds, precision=options.precision,
            runner=options.runner,
        ),
        copy_bandwidth=roofs,
        other_work=None,
        rows=[],
    )  # fmt: skip
    for device, script, facts in plan:
        row = run_row(script, facts, _asked(options, device), budget, roofs.get(device), say)
        other = None if options.runner == "docker" else _other_work(before, own)
        results = results.model_copy(update={"rows": [*results.rows, row], "other_work": other})
        _write(results, options)
    return results


def _write(results: BenchResults, options: BenchOptions) -> None:
    """After each row, so that a run that is stopped keeps what it has."""
    try:
        if options.out:
            write_json(options.out, results.model_dump(mode="json"))
        if options.pytest_json:
            write_json(options.pytest_json, as_pytest_benchmark(results))
    except OSError as error:
        where = str(options.out or options.pytest_json)
        raise EnvironmentFault(
            f"cannot be written ({error.strerror})", where=where, fix="give another --out"
        ) from error


def _asked(options: BenchOptions, device: Device) -> Asked:
    work = str((options.work / "bench").resolve())
    return Asked(device=device, quick=options.quick, threads=options.threads, runner=options.runner, work=work)


def _plan(options: BenchOptions, suites: dict[str, Path]) -> list[tuple[Device, Path, dict[str, Any]]]:
    """Device, script and facts of each row to run. A slow row is run when it is asked for by its own name."""
    only = set(options.only)
    for name in options.only:
        if name.split(".")[0] not in suites:
            raise RequestFault(f"no suite or row {name!r}", where="--only", fix=f"known: {', '.join(suites)}")
    plan, rows = [], set()
    for suite, script in suites.items():
        if only and not any(name.split(".")[0] == suite for name in only):
            continue
        for device in devices(options.device):
            for facts in listed(script, _asked(options, device)):
                rows.add(facts["name"])
                if facts["name"] in only or (not facts["slow"] and (not only or suite in only)):
                    plan.append((device, script, facts))
    if unknown := sorted(name for name in only if "." in name and name not in rows):
        raise RequestFault(f"no row {unknown[0]!r}", where="--only", fix=f"known: {', '.join(sorted(rows))}")
    if not plan:
        raise EnvironmentFault("nothing to measure", where="--only and --device", fix="leave one of them out")
    return plan


def _images(options: BenchOptions) -> dict[str, str]:
    """Digests of the stages' images where the bench runs them in containers."""
    if options.runner != "docker":
        return {}
    from harness.runners.choose import for_stage

    stages = ("fusion", "thigh_segmentation", "composition")
    return {name: for_stage("docker", name).identify(name).digest for name in stages}


def _own_seconds() -> float:
    """Processor seconds of this process and of all its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _ticks() -> list[int]:
    """Clock ticks of all cores by use (proc(5), /proc/stat): user, nice, system, idle, iowait, irq, softirq, steal."""
    with suppress(OSError, ValueError):
        return [int(word) for word in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
    return []


def _other_work(before: list[int], own_before: float) -> float | None:
    """Share of the cores' time since `before` that other programs, or other machines on this host, took."""
    spent = [last - first for last, first in zip(_ticks(), before, strict=False)]
    if sum(spent) <= 0 or len(os.sched_getaffinity(0)) != os.cpu_count():
        return None
    busy = sum(spent) - spent[3] - spent[4]
    own = (_own_seconds() - own_before) * os.sysconf("SC_CLK_TCK")
    return round(min(1.0, max(0.0, busy - own) / sum(spent)), 4)


def exit_status(rows: Sequence[Row]) -> int:
    """1 a result differs or a target is missed, 3 nothing was measured, 4 a method of ours failed, else 0."""
    measured = [row for row in rows if row.ours.measured]
    if any(not check.passed for row in rows for check in row.checks):
        return ExitStatus.MISMATCH
    if any(ratio.met is False for row in rows for ratio in row.ratios):
        return ExitStatus.MISMATCH
    if any(row.ours.failed for row in rows):
        return ExitStatus.INCOMPLETE
    return ExitStatus.OK if measured else ExitStatus.ENVIRONMENT


def show(results: BenchResults, console: Console) -> None:
    """Print the table and what is to be said of it."""
    console.print(table(results.rows))
    for line in last_lines(results):
        console.print(line, markup=False)


def alone(script: Path, device: str, *, quick: bool) -> int:
    """One script's suite, without a results file. Returns the exit status."""
    import sys

    options = BenchOptions(device=device, quick=quick, threads=len(os.sched_getaffinity(0)))
    suite = {script.stem.removeprefix("bench_"): script.resolve()}
    results = bench(options, lambda line: print(line, file=sys.stderr), suite)
    show(results, Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 10_000))
    return exit_status(results.rows)
