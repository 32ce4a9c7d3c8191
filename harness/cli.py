"""The command line: thin; every command calls one function of the harness.

Exit status: 0 as expected, 1 a mismatch, 2 wrong usage or specification, 3 the environment, 4 incomplete;
130 and 143 stopped by Ctrl-C and by SIGTERM.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from containers.contract.errors import EnvironmentFault, Fault, RequestFault
from harness import options
from harness.commands import bench, gate, sampling, stages
from harness.commands.shared import CORES, KEPT, Stopped, console, examples
from harness.options import DeviceOption, FactOption, JobsOption, RunnerOption, StageArgument, WorkOption
from harness.results import ExitStatus

app = typer.Typer(
    name="myorepro",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Run published muscle-MRI methods as containers on phantoms and data, and judge what the papers claim.",
    epilog=examples("myorepro reproduce --preset small", "myorepro run --help"),
)
for group in (sampling.app, gate.app):
    app.add_typer(group)
app.add_typer(bench.app, name="bench")
app.add_typer(stages.stage_app, name="stage")
app.add_typer(stages.schema_app, name="schema")
app.add_typer(stages.images_app, name="images")


def _version(asked: bool) -> None:
    if asked:
        from harness.version import project_version

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
    epilog=examples(
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
    epilog=examples(
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
    raise typer.Exit(run_stage(asked, for_stage(runner, stage), console()))


@app.command(
    epilog=examples(
        "myorepro audit my_claims.toml",
        "myorepro audit reference_results/ukb_thigh --only contradicted",
        "myorepro audit --self-test",
    )
)
def audit(
    path: Annotated[
        Path | None, typer.Argument(metavar="LEDGER", help="ledger file, a paper's folder or a folder of papers")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="print claims and findings as JSON")] = False,
    table: Annotated[bool, typer.Option("--csv", help="print one row per claim")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="print a page in Markdown")] = False,
    only: Annotated[str, typer.Option(metavar="VERDICT", help="show only claims of this verdict")] = "",
    self_test: Annotated[
        bool, typer.Option("--self-test", help="made tables: false alarms, errors found (minutes)")
    ] = False,
) -> None:
    """Recompute what a table of numbers claims.

    Exit status 0 nothing is contradicted, 1 something is, 2 a wrong file.
    """
    from harness.audit_command import audit as run

    wanted = [name for name, asked in (("json", json), ("csv", table), ("markdown", markdown)) if asked]
    raise typer.Exit(run(path, wanted, only, self_test, console()))


@app.command(epilog=examples("myorepro cases"))
def cases() -> None:
    """List the cases."""
    from harness.reproduce import case_lines
    from harness.spec import load_cases

    for line in case_lines(load_cases()):
        print(line)


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped(number)


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM and SIGINT raise Stopped for the length of the block; then the handlers of before are back.

    A handler that stayed would be inherited by whatever the process forks later, and raise there: a pool that ends its
    workers by SIGTERM would wait for them for ever.
    """
    before = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            # None: the handler was not set from Python, and cannot be set again from here.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def main(arguments: list[str] | None = None) -> None:
    """Entry point. Faults become one line on stderr and the exit status that says whose they are."""
    try:
        with _stoppable():
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
