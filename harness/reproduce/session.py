"""`myorepro reproduce`: run the cases, judge, write results and report. The one place where a run is put together.

Invariants: a report is always written, also when nothing could be measured; results hold nothing that
changes from run to run; a finished item is never lost to a later failure.
"""

import os
import platform
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from containers.contract import CONTRACT_VERSION
from containers.contract.errors import EnvironmentFault
from containers.contract.files import write_json
from harness import claims as verdicts
from harness import report
from harness.claims.loader import ledgers
from harness.progress import Progress
from harness.project import ROOT, project_version
from harness.provenance import facts as provenance_facts
from harness.report import print_figures
from harness.report.comparison import comparison
from harness.run.case import Case, load_cases
from harness.run.checks import evaluate
from harness.run.context import Context
from harness.run.folder import link_items, open_run, require_writable
from harness.run.outcome import Outcome
from harness.run.pipeline import CaseRun
from harness.run.plan import plan_lines
from harness.run.results import CheckResult, Comparison, ExitStatus, ItemResult, JobResult, Picture, Results
from harness.run.steps.base import Preset
from harness.run.steps.compare import Compare
from harness.run.store import Store
from harness.run.workers import Workers
from harness.runners.base import Runner
from harness.runners.choose import Chosen, choose
from harness.runners.docker import DockerRunner


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    runner: str = "auto"
    """Name of the runner; `auto` takes containers where an engine answers."""
    preset: Preset = "full"
    """How much is run."""
    cases: list[str] = field(default_factory=list)
    """Names of the cases; empty for all."""
    case_folder: Path | None = None
    """Folder of the cases; None for the project's own."""
    cores: int = 1
    """Processor cores that the run may use."""
    work: Path = Path("work")
    """Folder of the cache and of the run."""
    report: Path = Path("report")
    """Folder of the report."""
    data: Path | None = None
    """The data folder; None for none."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where stages compute."""
    dry_run: bool = False
    """Whether to print what would be done, and do nothing."""
    use_cache: bool = True
    """Whether finished items are taken from the cache."""
    draws: int | None = None
    """Draws of every simulation, in place of the number in its case; None for that number."""


def data_folder() -> Path:
    """The data folder: MYOREPRO_DATA, or `../shared/data` next to the project."""
    return Path(os.environ.get("MYOREPRO_DATA") or ROOT.parent / "shared" / "data")


def looked_in(data: Path | None) -> str:
    """Which data folder was used and why, for people: results name no path of this machine."""
    how = "as MYOREPRO_DATA says" if os.environ.get("MYOREPRO_DATA") else "as MYOREPRO_DATA is not set"
    return f"looked in {data}, {how}" if data else "no data folder was given"


def reproduce(options: Options, progress: Progress, ended: Callable[[list[CaseRun]], None] | None = None) -> Results:
    """Run everything asked for and write the report. Raises RequestFault for a wrong specification, before any run.

    ended: called with the runs once they are judged, while their folder is there.
    """
    cases = load_cases(options.cases, options.case_folder) if options.case_folder else load_cases(options.cases)
    if options.dry_run:
        return _plan(options, cases, progress)
    require_writable(options.report, "--report")
    run_folder, lock, leftovers = open_run(options.work)
    try:
        results = _run(options, cases, run_folder, leftovers, progress, ended)
    except BaseException:
        # Nothing in it is of use without a report; finished items are in the cache.
        shutil.rmtree(run_folder, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(run_folder / ".scratch", ignore_errors=True)
        lock.close()
    return results


def _stages(cases: list[Case]) -> list[str]:
    return list(dict.fromkeys(stage for case in cases for stage in case.stages()))


def _plan(options: Options, cases: list[Case], progress: Progress) -> Results:
    """Print what a run would do, and write nothing."""
    absent = options.work / "runs" / "none"
    chosen = choose(options.runner, _stages(cases), "", progress, descriptions=None, dry_run=True)
    for line in chosen.lines:
        progress.line(line)
    with Workers(options.cores) as pool:
        # Steps say what they did; here nothing is done.
        context = _context(options, chosen.runner, absent, pool, Progress(quiet=True))
        runs = [CaseRun(case, context) for case in cases]
        for run in runs:
            run.check_stages()
        for run in runs:
            run.run()
            for line in plan_lines(run):
                print(line)
            if run.not_run:
                progress.line(f"{run.case.name}: {looked_in(options.data)}")
    return _nothing(options, "dry run", ExitStatus.OK)


def _run(
    options: Options,
    cases: list[Case],
    run_folder: Path,
    leftovers: list[str],
    progress: Progress,
    ended: Callable[[list[CaseRun]], None] | None,
) -> Results:
    start = time.monotonic()
    try:
        results, timings = _measure(options, cases, run_folder, leftovers, progress, ended)
    except EnvironmentFault as fault:
        progress.line(f"myorepro: environment: {fault}")
        results, timings = _nothing(options, str(fault)), {}
    _report(results, {"total_seconds": round(time.monotonic() - start, 3), **timings}, run_folder, options)
    return results


def _measure(
    options: Options,
    cases: list[Case],
    run_folder: Path,
    leftovers: list[str],
    progress: Progress,
    ended: Callable[[list[CaseRun]], None] | None,
) -> tuple[Results, dict[str, Any]]:
    """Run the cases: results, and what changes from run to run. Raises EnvironmentFault when nothing can be run."""
    chosen = choose(
        options.runner, _stages(cases), str(run_folder.resolve()), progress, descriptions=options.work / "descriptions"
    )
    if isinstance(chosen.runner, DockerRunner):
        for label in leftovers:
            chosen.runner.remove_leftovers(label)
    for line in chosen.lines:
        progress.line(line)
    with Workers(options.cores) as pool:
        context = _context(options, chosen.runner, run_folder, pool, progress)
        runs = [CaseRun(case, context) for case in cases]
        for run in runs:
            run.check_stages()
        for run in runs:
            run.run()
            if run.not_run:
                progress.line(f"{run.case.name}: not run: {run.not_run} ({looked_in(options.data)})")
        results = _results(options, chosen, runs, run_folder)
    for run in runs:
        link_items(run, run_folder)
    if ended:
        ended(runs)
    return results, {"images": chosen.images, **_timings(runs)}


def _context(options: Options, runner: Runner, run_folder: Path, pool: Workers, progress: Progress) -> Context:
    cache = options.work / "cache" if options.use_cache else run_folder / "cache"
    return Context(
        runner=runner,
        store=Store(cache.resolve()),
        run_folder=run_folder,
        data=options.data,
        preset=options.preset,
        cores=options.cores,
        pool=pool,
        progress=progress,
        execute=not options.dry_run,
        device=options.device,
        draws=options.draws,
    )


def environment() -> dict[str, str]:
    """Facts of machine and packages that stay the same between runs."""
    names = ("numpy", "scipy", "numba", "torch", "pydicom", "pydantic")
    facts = {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": str(os.cpu_count()),
    }
    for name in names:
        with suppress(metadata.PackageNotFoundError):
            facts[name] = metadata.version(name)
    return facts


def _nothing(options: Options, note: str, status: int = ExitStatus.ENVIRONMENT) -> Results:
    claims = verdicts.judge([], options.cases)
    return Results(
        project_version=project_version(),
        contract=CONTRACT_VERSION,
        preset=options.preset,
        cases=list(dict.fromkeys(options.cases)),
        runner=options.runner,
        runner_note=note,
        environment=environment(),
        claims=claims,
        findings=verdicts.findings(claims),
        exit_status=status,
    )


def _results(options: Options, chosen: Chosen, runs: list[CaseRun], run_folder: Path) -> Results:
    checks = [check for run in runs for check in evaluate(run)]
    claims = verdicts.judge(checks, options.cases)
    pictures = [picture for run in runs for picture in _pictures(run)]
    if not options.cases:
        pictures += print_figures.draw(claims, ledgers(), run_folder)
    return Results(
        project_version=project_version(),
        contract=CONTRACT_VERSION,
        preset=options.preset,
        cases=list(dict.fromkeys(options.cases)),
        runner=chosen.runner.name,
        runner_note=chosen.note,
        environment=environment() | provenance_facts(ROOT, chosen.engine),
        jobs=[job for run in runs for job in _jobs(run)],
        items=[item for run in runs for item in _items(run)],
        checks=checks,
        claims=claims,
        findings=verdicts.findings(claims),
        comparisons=[found for run in runs for found in _comparisons(run)],
        pictures=pictures,
        exit_status=exit_status(checks, anything_measured(runs), options.cases),
    )


def anything_measured(runs: list[CaseRun]) -> bool:
    """Whether any stage gave a result."""
    stages = [(run, name) for run in runs for name, step in run.case.steps.items() if step.use() is not None]
    return any(o.status == "ok" for run, name in stages for o in run.outcomes.get(name, {}).values())


def exit_status(checks: list[CheckResult], measured: bool, asked: Sequence[str] = ()) -> int:
    """The exit status of design section 7: a mismatch counts before an incomplete run, which counts before none.

    asked: cases that the user named. One of them of which no check was run makes the run incomplete, and so do too few
    draws for a verdict.
    """
    ran = [check for check in checks if not check.skipped]
    if any(not check.passed and not check.broken for check in ran):
        return ExitStatus.MISMATCH
    if any(check.broken for check in ran):
        return ExitStatus.INCOMPLETE if measured else ExitStatus.ENVIRONMENT
    if any(check.too_few for check in checks):
        return ExitStatus.INCOMPLETE
    if set(asked) & {check.case for check in checks} - {check.case for check in ran}:
        return ExitStatus.INCOMPLETE
    return ExitStatus.OK


def _pictures(run: CaseRun) -> list[Picture]:
    """Draw the pictures and put them next to the case's items. A picture that fails is left out, and said so."""
    made = []
    for number, outcome in run.pictures():
        spec = run.case.pictures[number]
        source = outcome.output("picture")
        if source is None:
            run.context.progress.line(f"{run.case.name}: picture {spec.name} not drawn: {outcome.line}")
            continue
        place = run.context.run_folder / run.case.name / "pictures" / f"{spec.name}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)
        path = place.relative_to(run.context.run_folder).as_posix()
        made.append(Picture(case=run.case.name, path=path, title=spec.title, evidence=run.case.evidence, alt=spec.alt))
    return made


def _comparisons(run: CaseRun) -> list[Comparison]:
    return [
        comparison(run.case, name, step, item, outcome)
        for name, step in run.case.steps_of(Compare).items()
        for item, outcome in run.outcomes.get(name, {}).items()
    ]


def _jobs(run: CaseRun) -> list[JobResult]:
    """One row for each step and way it was run: stage digest, runner, isolation."""
    rows: list[JobResult] = []
    for name, step in run.case.steps.items():
        use = step.use()
        if use is None or run.not_run:
            continue
        handle = run.context.handle(use.stage)
        ways: list[tuple[dict[str, Any], list[Outcome]]] = []
        of_stage = run.outcomes[name] if use.own_items else run.draws.get(name, {})
        for outcome in of_stage.values():
            for provenance, members in ways:
                if provenance == outcome.provenance:
                    members.append(outcome)
                    break
            else:
                ways.append((outcome.provenance, [outcome]))
        for provenance, members in ways:
            if provenance:
                rows.append(
                    JobResult(
                        case=run.case.name,
                        step=name,
                        stage=handle.name,
                        version=handle.version,
                        digest=provenance["digest"],
                        digest_kind=provenance["digest_kind"],
                        runner=provenance["runner"],
                        isolation=provenance["isolation"],
                        items_ok=sum(o.status == "ok" for o in members),
                        items_error=sum(o.status == "error" for o in members),
                    )
                )
    return rows


def _items(run: CaseRun) -> list[ItemResult]:
    data = {name for name, entry in run.case.inputs.items() if entry.from_data}
    return [
        ItemResult(
            case=run.case.name,
            step=step,
            item=item,
            status=outcome.status,
            record=f"{run.case.name}/{step}/{item}/record.json" if outcome.record and step not in data else "",
            error=outcome.line,
            warnings=outcome.record.warnings if outcome.record else [],
        )
        for step, outcomes in run.outcomes.items()
        for item, outcome in outcomes.items()
    ]


def _timings(runs: list[CaseRun]) -> dict[str, Any]:
    """What changes from run to run: seconds, memory, and whether an item came from the cache."""
    rows = [
        {"case": run.case.name, "step": step, "item": item, "cached": outcome.cached, **outcome.timing()}
        for run in runs
        for step, outcomes in run.outcomes.items()
        for item, outcome in outcomes.items()
    ]
    return {"items": rows, "cached": sum(bool(row["cached"]) for row in rows)}


def _report(results: Results, timings: dict[str, Any], run_folder: Path, options: Options) -> None:
    try:
        report.write(results, timings, run_folder, options.report)
        write_json(options.report / "timings.json", timings)
    except OSError as error:
        raise EnvironmentFault(
            f"cannot be written ({error.strerror})", where=str(options.report), fix="free space or give --report"
        ) from error


def case_lines(cases: list[Case]) -> list[str]:
    """One line a case, for `myorepro cases`."""
    return [f"{case.name}: {case.title} ({case.evidence}; stages {', '.join(case.stages())})" for case in cases]
