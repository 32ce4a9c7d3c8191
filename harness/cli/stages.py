"""Commands on stages, their schemas and their images."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from containers.contract.errors import RequestFault
from containers.contract.files import dumps
from harness.cli import options
from harness.cli.options import FactOption, RunnerOption, StageArgument
from harness.cli.shared import console, examples
from harness.run.results import ExitStatus

stage_app = typer.Typer(
    no_args_is_help=True,
    help="Look at a stage, or test that it keeps the contract.",
    epilog=examples("myorepro stage describe fusion", "myorepro stage check fusion"),
)
schema_app = typer.Typer(
    no_args_is_help=True,
    help="JSON Schemas of requests, records, cases and results.",
    epilog=examples("myorepro schema export schemas"),
)
images_app = typer.Typer(
    no_args_is_help=True,
    help="Container images of the stages.",
    epilog=examples("myorepro images build fusion"),
)


@stage_app.command(
    "check",
    epilog=examples(
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
    from harness.conformance.checks import check_stage
    from harness.runners.choose import for_stage

    screen = console()
    good = {name: Path(value) for name, value in options.pairs(sample or [], "--input").items()}
    spoiled = {name: Path(value) for name, value in options.pairs(bad or [], "--bad-input").items()}
    chosen = for_stage(runner, stage)
    screen.print(f"runner: {chosen.name}", markup=False)
    findings = check_stage(chosen, stage, good, options.pairs(fact or [], "-f"), bad=spoiled)
    table = Table("check", "result", "reason")
    for finding in findings:
        table.add_row(finding.check, finding.result, finding.reason)
    screen.print(table)
    failed = sum(finding.result == "failed" for finding in findings)
    unchecked = sum(finding.result == "not checked" for finding in findings)
    said = "conforms" if not failed else f"{failed} checks failed"
    said += f", {unchecked} not checked" if unchecked else ""
    screen.print(f"{stage}: {said} (runner {chosen.name})", markup=False)
    raise typer.Exit(ExitStatus.MISMATCH if failed else ExitStatus.OK)


@stage_app.command("describe", epilog=examples("myorepro stage describe fusion"))
def stage_describe(stage: StageArgument, runner: RunnerOption = "auto") -> None:
    """Print what a stage takes, gives and measures, as JSON."""
    from harness.runners.choose import for_stage

    print(dumps(for_stage(runner, stage).identify(stage).spec.model_dump(mode="json")), end="")


@schema_app.command("export", epilog=examples("myorepro schema export schemas"))
def schema_export(folder: Annotated[Path, typer.Argument(help="folder to write to; made when it is missing")]) -> None:
    """Write every schema as `<name>.schema.json` into a folder."""
    from harness.cli.schemas import export

    for path in export(folder):
        print(path)


@images_app.command(
    "build",
    epilog=examples("myorepro images build fusion composition", "myorepro images build --base-image python:3.11-slim"),
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
    from harness.runners import images

    if variant not in ("cpu", "cuda"):
        raise RequestFault(f"no variant {variant!r}", where="--variant", fix="cpu or cuda")
    chosen: Any = variant
    for info in images.build(stages or None, base_image=base_image, variant=chosen, rebuild=rebuild):
        how = "reused" if info.reused else f"built in {info.seconds:.1f} s"
        print(f"{info.stage}: {info.reference} {info.image_id} {info.size_bytes / 1e6:.0f} MB, {how}")
