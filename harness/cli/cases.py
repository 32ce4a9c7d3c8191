"""The command `cases`."""

import typer

from harness.cli.shared import examples

app = typer.Typer()


@app.command(epilog=examples("myorepro cases"))
def cases() -> None:
    """List the cases."""
    from harness.reproduce.session import case_lines
    from harness.run.case import load_cases

    for line in case_lines(load_cases()):
        print(line)
