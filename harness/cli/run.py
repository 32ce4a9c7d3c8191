"""The command `run`."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options
from harness.cli.options import DeviceOption, FactOption, JobsOption, RunnerOption, StageArgument
from harness.cli.shared import CORES, console, examples

app = typer.Typer()


@app.command(
    "run",
    epilog=examples(
        "myorepro run fusion study.zip --out out",
        "myorepro run fusion study.zip -p 'spacing_mm=[1,1,2]' -p stations=all --item coarse",
        "myorepro run composition labels.seg.nrrd -i water=water.nrrd -i fat=fat.nrrd -f height_m=1.7",
        "myorepro run thigh_segmentation sub-01_megre_wat.nii.gz --format nifti",
        "myorepro run agreement sub-01_dseg.nii.gz -i truth=truth.seg.nrrd   (names from sub-01_dseg.tsv or .json)",
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
    form: Annotated[
        str,
        typer.Option(
            "--format", metavar="NAME", help="file format of the images made: nrrd, or nifti with Muscle-BIDS names"
        ),
    ] = "",
    jobs: JobsOption = CORES,
    device: DeviceOption = "cpu",
) -> None:
    """Run one stage on one input."""
    from harness.run.one_stage import StageRun, run_stage
    from harness.runners.base import Limits
    from harness.runners.choose import for_stage

    settings = options.pairs(setting or [], "-p")
    if form:
        settings = {**settings, "format": form}
    inputs = {"": path, **{name: Path(value) for name, value in options.pairs(more or [], "-i").items()}}
    asked = StageRun(
        stage=stage,
        inputs=inputs,
        settings=settings,
        facts=options.pairs(fact or [], "-f"),
        output=out,
        limits=Limits(threads=jobs, device=options.device(device)),
        item=item,
        overwrite=overwrite,
    )
    raise typer.Exit(run_stage(asked, for_stage(runner, stage), console()))
