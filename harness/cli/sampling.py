"""Commands that draw many cohorts: spread of checks, and simulations."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options
from harness.cli.options import JobsOption, RunnerOption, WorkOption
from harness.cli.shared import CORES, KEPT, Stopped, examples

app = typer.Typer()


@app.command(epilog=examples("myorepro sample ukb_imaging --cohorts 10"))
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
    from harness.reproduce.session import Options, data_folder
    from harness.simulate.sampling import sample as run

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


@app.command(epilog=examples("myorepro simulate ukb_simulation --draws 200", "myorepro simulate nako_simulation"))
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
    """Draw cohorts of known truth; print bias and coverage.

    A run that is stopped goes on where it was. Exit status 0 when the case's checks hold, 1 when one does not, 4 when
    the draws are too few for a verdict (under 20).
    """
    from harness.cli.last_lines import closing_lines
    from harness.progress import Progress
    from harness.reproduce.session import Options, data_folder
    from harness.simulate.command import simulate as run

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
