"""What `audit` prints. Apart from the command, so that its help does not wait for the engine to be imported."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from containers.contract.errors import RequestFault
from harness.claims.audit import (
    COLUMNS,
    Audit,
    as_csv,
    as_json,
    as_markdown,
    count_lines,
    finding_lines,
    rows,
)
from harness.claims.audit import audit as judge_path
from harness.run.results import ExitStatus, Verdict

_FORMATS = {"json": as_json, "csv": as_csv, "markdown": as_markdown}
_STYLES = {Verdict.CONTRADICTED.value: "red", Verdict.REPRODUCED.value: "green"}


def _shown(audited: Audit, only: str) -> Audit:
    known = [verdict.value for verdict in Verdict]
    if not only:
        return audited
    if only not in known:
        raise RequestFault(f"no verdict {only!r}", where="--only", fix=f"known: {', '.join(known)}")
    claims = [claim for claim in audited.claims if claim.verdict == only]
    kept = {claim.finding for claim in claims}
    return Audit(claims, [finding for finding in audited.findings if finding.id in kept])


def _self_test(console: Console) -> int:
    from harness.claims.selftest.report import run, tables

    outcome = run()
    for table in tables(outcome):
        console.print(table)
    for line in outcome.lines():
        console.print(line, markup=False)
    return ExitStatus.MISMATCH if outcome.false_alarms else ExitStatus.OK


def audit(path: Path | None, formats: list[str], only: str, self_test: bool, console: Console) -> int:
    """Print the audit of a ledger, or the self-test of the engine. Returns the exit status. Raises RequestFault."""
    if self_test:
        if path or formats or only:
            raise RequestFault("takes neither a ledger nor a format", where="--self-test", fix="leave them out")
        return _self_test(console)
    if path is None:
        raise RequestFault("no ledger is named", where="audit", fix="name a .toml file, or --self-test")
    if len(formats) > 1:
        raise RequestFault("two formats at once", where=f"--{formats[1]}", fix="ask for one of them")
    audited = judge_path(path)
    shown = _shown(audited, only)
    if formats:
        print(_FORMATS[formats[0]](shown), end="")
        return audited.exit_status
    table = Table(*COLUMNS)
    for row in rows(shown.claims):
        table.add_row(*(cell.replace("[", "\\[") for cell in row), style=_STYLES.get(row[0], ""))
    if table.row_count:
        console.print(table)
    for line in finding_lines(shown.findings):
        console.print(line, markup=False)
    for line in count_lines(audited):
        console.print(line, markup=False)
    return audited.exit_status
