"""The command `audit`."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.shared import console, examples

app = typer.Typer()


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
    from harness.cli.audit_output import audit as run

    wanted = [name for name, asked in (("json", json), ("csv", table), ("markdown", markdown)) if asked]
    raise typer.Exit(run(path, wanted, only, self_test, console()))
