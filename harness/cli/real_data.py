"""The command that looks at a user's own DICOM files."""

import csv
from pathlib import Path
from typing import Annotated

import typer

from containers.contract.errors import RequestFault
from containers.contract.files import replacing
from harness.cli.options import RunnerOption
from harness.cli.shared import CORES, console, examples
from harness.run.results import ExitStatus

app = typer.Typer()


@app.command(
    "real-data-check",
    epilog=examples("myorepro real-data-check ~/dicom", "myorepro real-data-check ~/dicom --csv series.csv"),
)
def real_data_check(
    folder: Annotated[Path, typer.Argument(help="folder of DICOM files, with any folders in it")],
    runner: RunnerOption = "process",
    threads: Annotated[int, typer.Option(min=1, metavar="N", help="threads of the stage")] = CORES,
    out: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="also write the lines as CSV")] = None,
) -> None:
    """Say of each DICOM series of a folder whether it is read.

    One line a series: read, or refused and why, and what SimpleITK makes of it. Nothing else is written, and the files
    stay as they are. Exit status 0, or 1 where the stage failed or the two readers see different volumes.
    """
    from harness.progress import Progress
    from harness.real_data.check import check_folder
    from harness.runners.base import Limits
    from harness.runners.choose import for_stage

    if out is not None and not out.parent.is_dir():
        raise RequestFault("lies in no folder", where=str(out), fix="make the folder first")
    screen = console()
    progress = Progress()
    found = check_folder(
        folder,
        for_stage(runner, "fusion"),
        Limits(threads=threads),
        lambda done, total: progress.line(f"{done} of {total} series") if done % 25 == 0 else None,
    )
    for line in found.lines:
        mark = "LOOK AT " if line.doubtful else ""
        screen.print(f"{mark}{line.series}, {line.files} files: {line.outcome}: {line.said}", markup=False)
        for warning in line.warnings:
            screen.print(f"    warning: {warning}", markup=False)
        screen.print(f"    SimpleITK: {line.opinion.said}", markup=False)
    if out is not None:
        with replacing(out) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
            rows = csv.writer(stream)
            rows.writerow(["series", "files", "outcome", "said", "warnings", "simpleitk", "look_at"])
            for line in found.lines:
                told = " | ".join(line.warnings)
                rows.writerow(
                    [line.series, line.files, line.outcome, line.said, told, line.opinion.said, int(line.doubtful)]
                )
    screen.print(found.summary(), markup=False)
    if any(line.doubtful for line in found.lines):
        raise typer.Exit(ExitStatus.MISMATCH)
