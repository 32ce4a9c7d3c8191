"""The command line: thin; every command calls one function of the harness.

Exit status: 0 as expected, 1 a mismatch, 2 wrong usage or specification, 3 the environment, 4 incomplete;
130 and 143 stopped by Ctrl-C and by SIGTERM.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from containers.contract.errors import EnvironmentFault, Fault, RequestFault
from containers.contract.files import dumps
from harness import options
from harness.options import DeviceOption, FactOption, JobsOption, RunnerOption, StageArgument, WorkOption
from harness.results import ExitStatus

_WIDE = 10_000
"""Columns of a line that is never cut."""

CORES = len(os.sched_getaffinity(0))


def _examples(*lines: str) -> str:
    # The sign keeps click from joining the lines.
    return "\n".join(["\b", "Example:" if len(lines) == 1 else "Examples:", *(f"  {line}" for line in lines)])


app = typer.Typer(
    name="myorepro",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Run published muscle-MRI methods as containers on phantoms and data, and judge what the papers claim.",
    epilog=_examples("myorepro reproduce --preset small", "myorepro run --help"),
)
stage_app = typer.Typer(
    no_args_is_help=True,
    help="Look at a stage, or test that it keeps the contract.",
    epilog=_examples("myorepro stage describe fusion", "myorepro stage check fusion"),
)
schema_app = typer.Typer(
    no_args_is_help=True,
    help="JSON Schemas of requests, records, stages, cases and results.",
    epilog=_examples("myorepro schema export schemas"),
)
images_app = typer.Typer(
    no_args_is_help=True,
    help="Container images of the stages.",
    epilog=_examples("myorepro images build fusion"),
)
app.add_typer(stage_app, name="stage")
app.add_typer(schema_app, name="schema")
app.add_typer(images_app, name="images")


def _console() -> Console:
    """Standard output; in a file or a pipe as wide as a table's longest line, since a cut name is of no use there."""
    return Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else _WIDE)


def _version(asked: bool) -> None:
    if asked:
        from harness.reproduce import project_version

        print(f"myorepro {project_version()}")
        raise typer.Exit


@app.callback()
def every_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version and end")
    ] = False,
) -> None:
    """Options that stand before any command."""


@app.command(
    epilog=_examples(
        "myorepro reproduce", "myorepro reproduce --runner process --preset small --case ukb_imaging --case bad_input"
    )
)
def reproduce(
    runner: RunnerOption = "auto",
    preset: Annotated[
        str, typer.Option(metavar="NAME", help="small, or full: with one participant at the full protocol")
    ] = "full",
    case: Annotated[
        list[str] | None, typer.Option(metavar="CASE", help="run only this case; may be repeated (see `cases`)")
    ] = None,
    jobs: JobsOption = CORES,
    work: WorkOption = Path("work"),
    report: Annotated[Path, typer.Option(parser=options.folder, metavar="FOLDER", help="folder of the report")] = Path(
        "report"
    ),
    device: DeviceOption = "cpu",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print the plan and what is cached; run nothing")] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="use nothing from earlier runs")] = False,
) -> None:
    """Run the cases, judge the claims, write the report."""
    from harness.closing import closing_lines
    from harness.progress import Progress
    from harness.reproduce import Options, data_folder
    from harness.reproduce import reproduce as run

    asked = Options(
        runner=runner,
        preset=options.preset(preset),
        cases=case or [],
        cores=jobs,
        work=work,
        report=report,
        data=data_folder(),
        device=options.device(device),
        dry_run=dry_run,
        use_cache=not no_cache,
    )
    progress = Progress()
    try:
        results = run(asked, progress)
    except Stopped as stop:
        stop.note = "" if no_cache else KEPT
        raise
    if not dry_run:
        for line in closing_lines(results, report):
            progress.line(line)
    raise typer.Exit(results.exit_status)


@app.command(
    "run",
    epilog=_examples(
        "myorepro run fusion study.zip --out out",
        "myorepro run fusion study.zip -p 'spacing_mm=[1,1,2]' -p stations=all --item coarse",
        "myorepro run composition labels.seg.nrrd -i water=water.nrrd -i fat=fat.nrrd -f height_m=1.7",
    ),
)
def run_command(
    stage: StageArgument,
    path: Annotated[Path, typer.Argument(metavar="INPUT", help="file or folder of the stage's first input")],
    out: Annotated[
        Path, typer.Option(parser=options.folder, metavar="FOLDER", help="the result goes to FOLDER/ITEM")
    ] = Path("out"),
    item: Annotated[
        str, typer.Option(metavar="NAME", help="name of the item  [default: the input's name without its ending]")
    ] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace an earlier result of the item")] = False,
    runner: RunnerOption = "process",
    setting: Annotated[
        list[str] | None, typer.Option("-p", metavar="NAME=VALUE", help="a parameter; may be repeated")
    ] = None,
    more: Annotated[
        list[str] | None, typer.Option("-i", metavar="NAME=PATH", help="a further input; may be repeated")
    ] = None,
    fact: FactOption = None,
    jobs: JobsOption = CORES,
    device: DeviceOption = "cpu",
) -> None:
    """Run one stage on one input."""
    from harness.run_stage import StageRun, run_stage
    from harness.runners.base import Limits
    from harness.runners.choose import for_stage

    inputs = {"": path, **{name: Path(value) for name, value in options.pairs(more or [], "-i").items()}}
    asked = StageRun(
        stage=stage,
        inputs=inputs,
        settings=options.pairs(setting or [], "-p"),
        facts=options.pairs(fact or [], "-f"),
        output=out,
        limits=Limits(threads=jobs, device=options.device(device)),
        item=item,
        overwrite=overwrite,
    )
    raise typer.Exit(run_stage(asked, for_stage(runner, stage), _console()))


@stage_app.command(
    "check",
    epilog=_examples(
        "myorepro stage check myorepro/fusion:0.1.0 --runner docker",
        "myorepro stage check ./my_stage.sh --input text=good.txt --bad-input text=bad.txt",
    ),
)
def stage_check(
    stage: StageArgument,
    runner: RunnerOption = "auto",
    sample: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="NAME=PATH", help="a good sample input instead of a made one; may be repeated"),
    ] = None,
    bad: Annotated[
        list[str] | None,
        typer.Option("--bad-input", metavar="NAME=PATH", help="an input the stage must refuse; may be repeated"),
    ] = None,
    fact: FactOption = None,
) -> None:
    """Test that a stage keeps the contract; any language, any image.

    Exit status 0 when it does, else 1.
    """
    from harness.conformance import check_stage
    from harness.runners.choose import for_stage

    console = _console()
    good = {name: Path(value) for name, value in options.pairs(sample or [], "--input").items()}
    spoiled = {name: Path(value) for name, value in options.pairs(bad or [], "--bad-input").items()}
    chosen = for_stage(runner, stage)
    console.print(f"runner: {chosen.name}", markup=False)
    findings = check_stage(chosen, stage, good, options.pairs(fact or [], "-f"), bad=spoiled)
    table = Table("check", "result", "reason")
    for finding in findings:
        table.add_row(finding.check, finding.result, finding.reason)
    console.print(table)
    failed = sum(finding.result == "failed" for finding in findings)
    unchecked = sum(finding.result == "not checked" for finding in findings)
    said = "conforms" if not failed else f"{failed} checks failed"
    said += f", {unchecked} not checked" if unchecked else ""
    console.print(f"{stage}: {said} (runner {chosen.name})", markup=False)
    raise typer.Exit(ExitStatus.MISMATCH if failed else ExitStatus.OK)


@stage_app.command("describe", epilog=_examples("myorepro stage describe fusion"))
def stage_describe(stage: StageArgument, runner: RunnerOption = "auto") -> None:
    """Print what a stage takes, gives and measures, as JSON."""
    from harness.runners.choose import for_stage

    print(dumps(for_stage(runner, stage).identify(stage).spec.model_dump(mode="json")), end="")


@schema_app.command("export", epilog=_examples("myorepro schema export schemas"))
def schema_export(folder: Annotated[Path, typer.Argument(help="folder to write to; made when it is missing")]) -> None:
    """Write every schema as `<name>.schema.json` into a folder."""
    from harness.schemas import export

    for path in export(folder):
        print(path)


@images_app.command(
    "build",
    epilog=_examples("myorepro images build fusion composition", "myorepro images build --base-image python:3.11-slim"),
)
def images_build(
    stages: Annotated[list[str] | None, typer.Argument(help="stages; all when none is named")] = None,
    base_image: Annotated[
        str | None, typer.Option(metavar="IMAGE", help="registry image with Python 3.11 to build on")
    ] = None,
    variant: Annotated[str, typer.Option(metavar="NAME", help="cpu or cuda")] = "cpu",
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


@app.command(epilog=_examples("myorepro sample ukb_imaging --cohorts 10"))
def sample(
    case: Annotated[str, typer.Argument(help="the case whose sampled checks get new values")],
    cohorts: Annotated[int, typer.Option(min=3, metavar="N", help="cohorts with other seeds")] = 10,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="file to write  [default: reference_results/baselines/CASE.json]"),
    ] = None,
    runner: RunnerOption = "auto",
    jobs: JobsOption = CORES,
    work: WorkOption = Path("work"),
) -> None:
    """Sample the spread of a case's checks over seeds.

    The tolerances in the case file come from it.
    """
    from containers.contract.files import write_json
    from harness.progress import Progress
    from harness.reproduce import Options, data_folder
    from harness.sampling import sample as run

    place = out or Path("reference_results") / "baselines" / f"{case}.json"
    try:
        found = run(case, cohorts, Options(runner=runner, cores=jobs, work=work, data=data_folder()), Progress())
    except Stopped as stop:
        stop.note = KEPT
        raise
    write_json(place, found)
    for name, row in found["checks"].items():
        low, high = row["bounds"]
        print(f"{name}: mean {row['mean']:.4g}, SD {row['sd']:.2g} {row['unit']}: {low:g} to {high:g}")


@app.command(epilog=_examples("myorepro simulate ukb_simulation --draws 200", "myorepro simulate nako_simulation"))
def simulate(
    case: Annotated[str, typer.Argument(help="a case with simulations (see `cases`)")],
    draws: Annotated[int, typer.Option(min=2, metavar="N", help="draws of each simulation")] = 200,
    preset: Annotated[str, typer.Option(metavar="NAME", help="full: cohorts of the papers' sizes; or small")] = "full",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="tables, pictures and report  [default: report/simulation/CASE]"),
    ] = None,
    runner: RunnerOption = "process",
    jobs: JobsOption = CORES,
    work: WorkOption = Path("work"),
    no_cache: Annotated[bool, typer.Option("--no-cache", help="use nothing from earlier runs")] = False,
) -> None:
    """Draw cohorts of known truth; print bias, coverage and power.

    A run that is stopped goes on where it was. Exit status 0 when the case's checks hold, else 1.
    """
    from harness.closing import closing_lines
    from harness.progress import Progress
    from harness.reproduce import Options, data_folder
    from harness.simulation_command import simulate as run

    place = out or Path("report") / "simulation" / case
    asked = Options(
        runner=runner,
        preset=options.preset(preset),
        cores=jobs,
        work=work,
        report=place,
        data=data_folder(),
        use_cache=not no_cache,
    )
    progress = Progress()
    try:
        results, lines = run(case, draws, asked, progress)
    except Stopped as stop:
        stop.note = "" if no_cache else KEPT
        raise
    for line in lines:
        print(line)
    for line in closing_lines(results, place):
        progress.line(line)
    raise typer.Exit(results.exit_status)


@app.command(epilog=_examples("myorepro cases"))
def cases() -> None:
    """List the cases."""
    from harness.reproduce import case_lines
    from harness.spec import load_cases

    for line in case_lines(load_cases()):
        print(line)


KEPT = "; finished items are kept, run again to go on"


class Stopped(BaseException):
    """The user or the system asked the program to end, by signal `number`. note: what becomes of finished work."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
        self.note = ""


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped(number)


def main(arguments: list[str] | None = None) -> None:
    """Entry point. Faults become one line on stderr and the exit status that says whose they are."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        app(args=arguments, prog_name="myorepro")
    except RequestFault as fault:
        print(f"myorepro: {fault}", file=sys.stderr)
        sys.exit(ExitStatus.USAGE)
    except Fault as fault:
        kind = "environment: " if isinstance(fault, EnvironmentFault) else ""
        print(f"myorepro: {kind}{fault}", file=sys.stderr)
        sys.exit(ExitStatus.ENVIRONMENT)
    except Stopped as stop:
        print(f"myorepro: stopped{stop.note}", file=sys.stderr)
        sys.exit(128 + stop.number)


if __name__ == "__main__":
    main()
