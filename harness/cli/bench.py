"""Commands of the bench: time the stages, compare two results files."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options
from harness.cli.options import JobsOption, WorkOption
from harness.cli.shared import CORES, console, examples

app = typer.Typer(
    invoke_without_command=True,
    epilog=examples(
        "myorepro bench --quick",
        "myorepro bench --only fusion --only inference.unetr_full --out bench.json",
        "myorepro bench compare before.json after.json",
    ),
)


@app.callback()
def bench(
    context: typer.Context,
    device: Annotated[str, typer.Option(metavar="NAME", help="cpu, cuda, or auto: both where both are")] = "auto",
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="NAME", help="a suite or a row; may be repeated")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="small inputs, few repeats, no targets")] = False,
    seconds: Annotated[float, typer.Option(metavar="S", help="of repeats per method, at most")] = 20.0,
    precision: Annotated[
        float, typer.Option(metavar="SHARE", help="repeat until a median's 95 % interval is within this")
    ] = 0.05,
    runner: Annotated[
        str, typer.Option(metavar="NAME", help="of the whole participant: process or docker")
    ] = "process",
    jobs: JobsOption = CORES,
    out: Annotated[Path, typer.Option(parser=options.folder, metavar="FILE", help="results file")] = Path(
        "build/bench/results.json"
    ),
    pytest_json: Annotated[
        Path | None,
        typer.Option("--pytest-json", metavar="FILE", help="for pytest-benchmark  [default: next to the results file]"),
    ] = None,
    work: WorkOption = Path("work"),
) -> None:
    """Time the stages against other tools in the same run.

    The outputs that were timed are checked. Exit status 0 all right, 1 a result differs or a target is missed, 3
    nothing measured, 4 a stage failed.
    """
    if context.invoked_subcommand:
        return
    from harness.bench import command
    from harness.bench.hardware import PYTEST
    from harness.progress import Progress

    asked = command.BenchOptions(
        device=device,
        only=only or [],
        quick=quick,
        threads=jobs,
        seconds=seconds,
        precision=precision,
        runner=runner,
        out=out,
        pytest_json=pytest_json or out.with_suffix(PYTEST),
        work=work,
    )
    results = command.bench(asked, Progress().line)
    command.show(results, console())
    print(f"results: {out}")
    raise typer.Exit(command.exit_status(results.rows))


@app.command(
    "compare",
    epilog=examples("myorepro bench compare before.json after.json", "myorepro bench compare a.json b.json --across"),
)
def bench_compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="results file, the one before")],
    b: Annotated[Path, typer.Argument(metavar="B", help="results file, the one after")],
    margin: Annotated[float, typer.Option(metavar="SHARE", help="a change within it counts as none")] = 0.05,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="FIELD", help="a field of the fingerprint that may differ; may be repeated"),
    ] = None,
    across: Annotated[bool, typer.Option("--across", help="the machines are known to differ: only show both")] = False,
) -> None:
    """How many times longer B takes than A, with intervals.

    Results of different machines are not ranked. Exit status 0 nothing is slower, 1 something is, 2 a wrong file, 4
    nothing could be ranked.
    """
    from harness.bench import compare
    from harness.bench.results import load

    first, second = load(a), load(b)
    found = compare.compare(first, second, margin=margin, ignore=ignore or [])
    console().print(compare.table(found))
    for line in compare.last_lines(found, first, second):
        print(line)
    raise typer.Exit(compare.exit_status(found, across=across))
