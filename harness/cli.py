"""The command line: thin; every command calls one function of the harness.

Exit status: 0 as expected, 1 a mismatch, 2 wrong usage or specification, 3 the environment, 4 incomplete.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from containers.contract.errors import EnvironmentFault, Fault, RequestFault
from containers.contract.files import dumps
from harness.results import ExitStatus
from harness.spec import PRESETS, Preset

app = typer.Typer(
    name="myorepro",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Run published muscle-MRI methods as containers on phantoms and data, and judge what the papers claim.",
)
stage_app = typer.Typer(no_args_is_help=True, help="Look at a stage, or test that it keeps the contract.")
schema_app = typer.Typer(no_args_is_help=True, help="JSON Schemas of requests, records, stages, cases and results.")
images_app = typer.Typer(no_args_is_help=True, help="Container images of the stages.")
app.add_typer(stage_app, name="stage")
app.add_typer(schema_app, name="schema")
app.add_typer(images_app, name="images")

RunnerOption = Annotated[str, typer.Option(help="auto, process, docker or apptainer")]
DeviceOption = Annotated[str, typer.Option(help="cpu, or cuda: the stages are given the GPU")]
Pairs = list[str]


def _pairs(values: Pairs, option: str) -> dict[str, str]:
    """`name=value` options as a mapping. Raises RequestFault for anything else."""
    pairs = {}
    for value in values:
        name, equals, rest = value.partition("=")
        if not equals or not name:
            raise RequestFault(f"is not name=value: {value!r}", where=option, mend=f"write {option} name=value")
        pairs[name] = rest
    return pairs


@app.command()
def reproduce(
    runner: RunnerOption = "auto",
    preset: Annotated[str, typer.Option(help="small, or full: with one participant at the full protocol")] = "full",
    case: Annotated[list[str] | None, typer.Option(help="run only this case (may be repeated)")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="cores to use")] = len(os.sched_getaffinity(0)),
    work: Annotated[Path, typer.Option(help="folder of the cache and of the runs")] = Path("work"),
    report: Annotated[Path, typer.Option(help="folder of the report")] = Path("report"),
    device: DeviceOption = "cpu",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print the plan and what is cached; run nothing")] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="use nothing from earlier runs")] = False,
) -> None:
    """Run the cases, judge the claims, write the report.

    Example: myorepro reproduce --runner process --preset small --case ukb_imaging
    """
    from harness.progress import Progress
    from harness.reproduce import Options, data_folder
    from harness.reproduce import reproduce as run

    options = Options(
        runner=runner,
        preset=_preset(preset),
        cases=case or [],
        cores=jobs,
        work=work,
        report=report,
        data=data_folder(),
        device=_device(device),
        dry_run=dry_run,
        use_cache=not no_cache,
    )
    progress = Progress()
    results = run(options, progress)
    if not dry_run:
        _summary(results, progress.console, report)
    raise typer.Exit(results.exit_status)


def _preset(text: str) -> Preset:
    for known in PRESETS:
        if text == known:
            return known
    raise RequestFault(f"no preset {text!r}", where="--preset", mend=f"known: {', '.join(PRESETS)}")


def _device(text: str) -> Literal["cpu", "cuda"]:
    if text == "cuda":
        return "cuda"
    if text == "cpu":
        return "cpu"
    raise RequestFault(f"no device {text!r}", where="--device", mend="known: cpu, cuda")


def _summary(results: Any, console: Console, report: Path) -> None:
    """A few lines at the end: failures one by one, then the counts."""
    for check in results.checks:
        if check.skipped or check.passed:
            continue
        word = "broken" if check.broken else "FAILED"
        value = "" if check.measured is None else f" measured {check.measured:g} {check.unit}"
        console.print(f"{word}: {check.case}/{check.check}{value} {check.note}", markup=False)
    passed = sum(check.passed for check in results.checks)
    skipped = sum(check.skipped for check in results.checks)
    verdicts: dict[str, int] = {}
    for claim in results.claims:
        verdicts[claim.verdict.value] = verdicts.get(claim.verdict.value, 0) + 1
    console.print(f"checks: {passed} of {len(results.checks)} passed, {skipped} not run", markup=False)
    if verdicts:
        console.print("claims: " + ", ".join(f"{n} {verdict}" for verdict, n in sorted(verdicts.items())), markup=False)
    console.print(f"report: {report / 'index.html'} (exit status {results.exit_status})", markup=False)


@app.command("run")
def run_command(
    stage: Annotated[str, typer.Argument(help="stage name, folder, program or image")],
    path: Annotated[Path, typer.Argument(metavar="INPUT", help="file or folder of the stage's first input")],
    out: Annotated[Path, typer.Option(help="folder for the result")] = Path("out"),
    runner: RunnerOption = "process",
    setting: Annotated[list[str] | None, typer.Option("-p", help="parameter, as name=value")] = None,
    more: Annotated[list[str] | None, typer.Option("-i", help="a further input, as name=path")] = None,
    fact: Annotated[list[str] | None, typer.Option("-f", help="a fact of the item, as name=value")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="cores to use")] = len(os.sched_getaffinity(0)),
    device: DeviceOption = "cpu",
) -> None:
    """Run one stage on one input.

    Example: myorepro run fusion ../shared/data/siemens_two_station.zip --out out
    """
    from harness.run_stage import StageRun, run_stage
    from harness.runners.base import Limits

    console = Console(stderr=False, soft_wrap=True, highlight=False)
    inputs = {"": path, **{name: Path(value) for name, value in _pairs(more or [], "-i").items()}}
    asked = StageRun(
        stage=stage,
        inputs=inputs,
        settings=_pairs(setting or [], "-p"),
        facts=_pairs(fact or [], "-f"),
        output=out,
        limits=Limits(threads=jobs, device=_device(device)),
    )
    raise typer.Exit(run_stage(asked, _runner(runner, stage), console))


def _runner(name: str, stage: str) -> Any:
    """The runner for one stage. `auto`: docker for an image reference, else process."""
    from harness import images
    from harness.runners.apptainer import ApptainerRunner
    from harness.runners.choose import RUNNERS
    from harness.runners.docker import DockerRunner
    from harness.runners.process import ProcessRunner

    if name == "auto":
        try:
            ProcessRunner().command(stage)
            name = "process"
        except RequestFault:
            name = "docker"
    if name == "process":
        return ProcessRunner()
    if name == "docker":
        known = images.stage_folders()
        return DockerRunner({stage: images.reference(stage)} if stage in known else {})
    if name == "apptainer":
        return ApptainerRunner()
    raise RequestFault(f"no runner {name!r}", where="--runner", mend=f"known: {', '.join(RUNNERS)}")


@stage_app.command("check")
def stage_check(
    stage: Annotated[str, typer.Argument(help="stage name, folder, program or image")],
    runner: RunnerOption = "auto",
    sample: Annotated[
        list[str] | None, typer.Option("--input", help="a good sample input, as name=path, instead of a generated one")
    ] = None,
    fact: Annotated[list[str] | None, typer.Option("-f", help="a fact of the sample item, as name=value")] = None,
) -> None:
    """Test that a stage keeps the contract; any language, any image. Exit status 0 when it does, else 1.

    Example: myorepro stage check myorepro/fusion:0.1.0 --runner docker
    """
    from harness.conformance import check_stage

    console = Console(soft_wrap=True, highlight=False)
    given = {name: Path(value) for name, value in _pairs(sample or [], "--input").items()}
    findings = check_stage(_runner(runner, stage), stage, given, _pairs(fact or [], "-f"))
    table = Table("check", "result", "reason")
    for finding in findings:
        table.add_row(finding.check, finding.result, finding.reason)
    console.print(table)
    failed = sum(finding.result == "failed" for finding in findings)
    unchecked = sum(finding.result == "not checked" for finding in findings)
    said = "conforms" if not failed else f"{failed} checks failed"
    console.print(f"{stage}: {said}" + (f", {unchecked} not checked" if unchecked else ""), markup=False)
    raise typer.Exit(ExitStatus.MISMATCH if failed else ExitStatus.OK)


@stage_app.command("describe")
def stage_describe(stage: str, runner: RunnerOption = "auto") -> None:
    """Print what a stage takes, gives and measures, as JSON."""
    print(dumps(_runner(runner, stage).identify(stage).spec.model_dump(mode="json")), end="")


@schema_app.command("export")
def schema_export(folder: Path) -> None:
    """Write every schema as `<name>.schema.json` into a folder."""
    from harness.schemas import export

    for path in export(folder):
        print(path)


@images_app.command("build")
def images_build(
    stages: Annotated[list[str] | None, typer.Argument(help="stages; all when none is named")] = None,
    base_image: Annotated[str | None, typer.Option(help="registry image with Python 3.11 to build on")] = None,
    variant: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    rebuild: Annotated[bool, typer.Option("--rebuild", help="build even what is there")] = False,
) -> None:
    """Build the images of the stages; print their size and time."""
    from harness import images

    if variant not in ("cpu", "cuda"):
        raise RequestFault(f"no variant {variant!r}", where="--variant", mend="cpu or cuda")
    chosen: Any = variant
    for info in images.build(stages or None, base_image=base_image, variant=chosen, rebuild=rebuild):
        how = "reused" if info.reused else f"built in {info.seconds:.1f} s"
        print(f"{info.stage}: {info.reference} {info.image_id} {info.size_bytes / 1e6:.0f} MB, {how}")


@app.command()
def sample(
    case: Annotated[str, typer.Argument(help="the case whose sampled checks get new values")],
    cohorts: Annotated[int, typer.Option(min=3, help="cohorts with other seeds")] = 10,
    out: Annotated[Path | None, typer.Option(help="file; by default reference_results/baselines/CASE.json")] = None,
    runner: RunnerOption = "auto",
    jobs: Annotated[int, typer.Option(min=1, help="cores to use")] = len(os.sched_getaffinity(0)),
    work: Annotated[Path, typer.Option(help="folder of the cache and of the runs")] = Path("work"),
) -> None:
    """Sample the spread of a case's checks over seeds; the tolerances in the case file come from it.

    Example: myorepro sample ukb_imaging --cohorts 10
    """
    from containers.contract.files import write_json
    from harness.progress import Progress
    from harness.reproduce import Options
    from harness.sampling import sample as run

    place = out or Path("reference_results") / "baselines" / f"{case}.json"
    found = run(case, cohorts, Options(runner=runner, cores=jobs, work=work), Progress())
    write_json(place, found)
    for name, row in found["checks"].items():
        low, high = row["bounds"]
        print(f"{name}: mean {row['mean']:.4g}, SD {row['sd']:.2g} {row['unit']}: {low:g} to {high:g}")


@app.command()
def cases() -> None:
    """List the cases."""
    from harness.reproduce import case_lines
    from harness.spec import load_cases

    for line in case_lines(load_cases()):
        print(line)


class Stopped(BaseException):
    """The user or the system asked the program to end."""


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped


def main(arguments: list[str] | None = None) -> None:
    """Entry point. Faults become one line on stderr and the exit status that says whose they are."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        app(args=arguments)
    except RequestFault as fault:
        print(f"myorepro: {fault}", file=sys.stderr)
        sys.exit(ExitStatus.USAGE)
    except Fault as fault:
        kind = "environment: " if isinstance(fault, EnvironmentFault) else ""
        print(f"myorepro: {kind}{fault}", file=sys.stderr)
        sys.exit(ExitStatus.ENVIRONMENT)
    except Stopped:
        print("myorepro: stopped; finished items are kept, run again to go on", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
