"""The command `reproduce`."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options
from harness.cli.options import DeviceOption, JobsOption, RunnerOption, WorkOption
from harness.cli.shared import CORES, KEPT, Stopped, examples

app = typer.Typer()


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
    from harness.cli.last_lines import closing_lines
    from harness.progress import Progress
    from harness.reproduce.session import Options, data_folder
    from harness.reproduce.session import reproduce as run

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
