"""A gate's findings for people and machines: a table, Markdown for a pull request, JUnit XML, JSON."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from containers.contract.files import write_json, write_text
from harness.gate.comparison import LARGEST, worst_first
from harness.gate.result import REGRESSIONS, CaseResult, GateResult, Outcome, Row
from harness.report.exports import markdown_table, printable
from harness.run.results import ExitStatus

SHOWN = 40
"""Rows of a table for people; the JSON file has all."""
NEARLY = 0.5
"""A number that used up this part of its tolerance is shown too."""
HEADS = ("case", "item", "metric", "frozen", "now", "tolerance", "moved by")


def notable(rows: list[Row]) -> list[Row]:
    """Regressions, what was broken, and what came near its tolerance; the worst first."""
    return [
        row
        for row in worst_first(rows)
        if row.outcome in REGRESSIONS or row.outcome == Outcome.BROKEN or abs(row.tolerances or 0.0) > NEARLY
    ]


def cells(row: Row) -> tuple[str, ...]:
    """A row as it is shown, in the order of HEADS."""
    unit = f" {row.unit}" if row.unit not in ("", "1") else ""

    def number(value: float | None) -> str:
        return "–" if value is None else f"{value:.6g}{unit}"

    tolerance = "–" if row.tolerance is None else f"{row.tolerance:.2g}{unit}"
    return (
        row.case,
        f"{row.step}/{row.item}",
        row.metric,
        number(row.frozen),
        number(row.value),
        tolerance,
        moved_by(row),
    )


def moved_by(row: Row) -> str:
    """How far a number moved, in words: `3.2 tolerances`, `missing: ...`."""
    if row.tolerances is None or row.metric == "item":
        return f"{row.outcome.value}: {row.note}" if row.note else row.outcome.value
    shown = f"more than {LARGEST:.0e}" if abs(row.tolerances) >= LARGEST else f"{row.tolerances:+.3g}"
    return f"{shown} tolerances"


def headline(result: GateResult) -> str:
    """One line: what the exit status says."""
    rows = result.rows()
    moved = sum(row.outcome == Outcome.MOVED for row in rows)
    lost = sum(row.outcome in (Outcome.MISSING, Outcome.FAILED) for row in rows)
    broken = sum(row.outcome == Outcome.BROKEN for row in rows)
    compared = sum(case.compared for case in result.cases)
    said = {
        ExitStatus.OK: f"green: {compared} numbers of {len(result.cases)} cases, none moved",
        ExitStatus.MISMATCH: f"red: {moved} of {compared} numbers moved, {lost} metrics or items lost",
        ExitStatus.ENVIRONMENT: "nothing was measured: the machine could not run the stages",
        ExitStatus.INCOMPLETE: f"incomplete: {broken} items could not be measured, {compared} numbers hold",
    }
    return f"{said[result.exit_status]} (exit status {result.exit_status})"


def table(result: GateResult) -> Table:
    """What moved, for a terminal."""
    made = Table(*HEADS)
    for row in notable(result.rows())[:SHOWN]:
        made.add_row(*(escape(cell) for cell in cells(row)))
    return made


def last_lines(result: GateResult) -> list[str]:
    """Lines after the table."""
    rows = result.rows()
    shown = len(notable(rows))
    new = sum(row.outcome == Outcome.NEW for row in rows)
    lines = [f"note: {case.case}: {note}" for case in result.cases for note in case.notes]
    if shown > SHOWN:
        lines.append(f"{shown - SHOWN} more rows in gate.json")
    if new:
        lines.append(f"{new} numbers are not in the baseline and were not judged")
    return [*lines, headline(result)]


def markdown(result: GateResult) -> str:
    """A comment for a pull request."""
    lines = ["# Gate", "", f"**{printable(headline(result))}**", ""]
    if result.candidates:
        lines += markdown_table(["stage", "candidate"], [[name, shown] for name, shown in result.candidates.items()])
    rows = notable(result.rows())
    if rows:
        lines += ["## What moved", ""]
        lines += markdown_table(list(HEADS), [list(cells(row)) for row in rows[:SHOWN]])
        if len(rows) > SHOWN:
            lines += [f"{len(rows) - SHOWN} more rows in `gate.json`.", ""]
    lines += ["## Cases", ""]
    lines += markdown_table(["case", "numbers", "largest movement"], [_line(case) for case in result.cases])
    if notes := [f"- {case.case}: {printable(note)}" for case in result.cases for note in case.notes]:
        lines += ["## Notes", "", *notes, ""]
    return "\n".join(lines).rstrip() + "\n"


def _line(case: CaseResult) -> list[str]:
    worst = next(worst_first([row for row in case.rows if row.outcome != Outcome.NEW]), None)
    return [case.case, str(case.compared), "–" if worst is None else f"{worst.step}/{worst.metric}: {moved_by(worst)}"]


def junit(result: GateResult) -> str:
    """JUnit XML: a suite for each case, a test for each number of each item's step. No times."""
    root = ElementTree.Element("testsuites", name="myorepro gate")
    for case in result.cases:
        tests = [_test(row) for row in case.rows if row.outcome != Outcome.NEW]
        counts = {kind: sum(test.find(kind) is not None for test in tests) for kind in ("failure", "error")}
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=printable(case.case),
            tests=str(len(tests)),
            failures=str(counts["failure"]),
            errors=str(counts["error"]),
            skipped="0",
        )
        suite.extend(tests)
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _test(row: Row) -> ElementTree.Element:
    test = ElementTree.Element(
        "testcase", classname=printable(f"gate.{row.case}.{row.step}.{row.item}"), name=printable(row.metric)
    )
    if row.outcome == Outcome.BROKEN:
        ElementTree.SubElement(test, "error", message=printable(row.note or row.outcome.value))
    elif row.outcome in REGRESSIONS:
        _, _, _, frozen, value, tolerance, moved = cells(row)
        message = printable(f"frozen {frozen}, now {value}, tolerance {tolerance}: {moved}")
        ElementTree.SubElement(test, "failure", message=message)
    return test


def write(result: GateResult, folder: Path) -> None:
    """Write gate.json, junit.xml and summary.md into `folder`."""
    write_json(folder / "gate.json", result.model_dump(mode="json"))
    write_text(folder / "junit.xml", junit(result))
    write_text(folder / "summary.md", markdown(result))
