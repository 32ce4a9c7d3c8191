"""Commands of the gate: compare candidates, freeze baselines, prove that the gate bites."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options
from harness.cli.options import JobsOption, WorkOption
from harness.cli.shared import CORES, console, examples

app = typer.Typer()
baseline_app = typer.Typer(
    no_args_is_help=True,
    help="Frozen numbers that the gate compares with.",
    epilog=examples("myorepro baseline freeze", "myorepro baseline freeze --case fusion"),
)
app.add_typer(baseline_app, name="baseline")

CASE_OF_GATE = typer.Option("--case", metavar="CASE", help="only this gate case; may be repeated")


@app.command(
    epilog=examples(
        "myorepro gate", "myorepro gate --stage fusion=./my_fusion", "myorepro gate --stage fusion=my_fusion:1.0"
    )
)
def gate(
    stage: Annotated[
        list[str] | None,
        typer.Option(
            "--stage", metavar="NAME=WHAT", help="candidate: a stage folder, a program or an image; may be repeated"
        ),
    ] = None,
    case: Annotated[list[str] | None, CASE_OF_GATE] = None,
    runner: Annotated[str, typer.Option(metavar="NAME", help="of the reference stages: process or docker")] = "process",
    jobs: JobsOption = CORES,
    work: WorkOption = Path("work"),
    report: Annotated[Path, typer.Option(parser=options.folder, metavar="FOLDER", help="folder of the report")] = Path(
        "build/gate"
    ),
) -> None:
    """Compare candidate stages with the frozen baseline.

    They run the gate cases in place of the reference; without any, the project's own stages are compared. Exit status
    0: nothing moved, 1: something did.
    """
    from harness.gate.command import GateOptions
    from harness.gate.command import gate as run
    from harness.gate.report import last_lines, notable, table
    from harness.progress import Progress

    asked = GateOptions(
        stages=options.pairs(stage or [], "--stage"),
        cases=case or [],
        runner=runner,
        cores=jobs,
        work=work,
        report=report,
    )
    result = run(asked, Progress())
    if notable(result.rows()):
        console().print(table(result))
    for line in last_lines(result):
        print(line)
    raise typer.Exit(result.exit_status)


@baseline_app.command("freeze", epilog=examples("myorepro baseline freeze", "myorepro baseline freeze --case fusion"))
def baseline_freeze(
    case: Annotated[list[str] | None, CASE_OF_GATE] = None,
    runner: Annotated[str, typer.Option(metavar="NAME", help="process or docker")] = "process",
    jobs: JobsOption = CORES,
    work: WorkOption = Path("work"),
    out: Annotated[
        Path | None,
        typer.Option(parser=options.folder, metavar="FOLDER", help="[default: reference_results/baselines]"),
    ] = None,
) -> None:
    """Freeze the reference stages' numbers, with tolerances from their spread.

    A run that fails a check is refused.
    """
    from harness.gate.freeze_command import freeze_all
    from harness.progress import Progress

    for line in freeze_all(case or [], runner, jobs, work, out, Progress()):
        print(line)


@app.command(epilog=examples("myorepro mutants", "myorepro mutants --only fusion_nearest --only fusion_flipped"))
def mutants(
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="ID", help="a mutant, a stage or a variation; may be repeated")
    ] = None,
    jobs: JobsOption = CORES,
    work: WorkOption = Path("work"),
    report: Annotated[Path, typer.Option(parser=options.folder, metavar="FOLDER", help="folder of the report")] = Path(
        "build/mutants"
    ),
) -> None:
    """Prove that the gate sees faults, and only faults.

    Every seeded fault must move a number, and no harmless variation may. Exit status 0 when all is so, else 1.
    """
    from harness.gate.proof import prove
    from harness.gate.proof_report import last_lines, tables
    from harness.progress import Progress

    proof = prove(only or [], jobs, work, report, Progress())
    for table in tables(proof):
        console().print(table)
    for line in last_lines(proof):
        print(line)
    raise typer.Exit(proof.exit_status)
