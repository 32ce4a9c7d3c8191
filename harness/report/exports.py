"""The same results for machines: JUnit XML for CI, Markdown for CI pages, CSV of the claims.

In JUnit a contradicted claim is a passed test with its arithmetic as output: the paper's error is a finding, not a
failure of the run. A broken claim or check is an error, a claim that cannot be tested here is skipped.
"""

import csv
import io
import re
import xml.etree.ElementTree as ElementTree

from harness.report import comparison, overview, summary
from harness.run.results import CheckResult, ClaimResult, ItemResult, Results, Verdict
from harness.text import plural

CLAIM_COLUMNS = (
    "paper",
    "claim",
    "place",
    "quantity",
    "printed",
    "unit",
    "route",
    "kind",
    "verdict",
    "stands_for",
    "formula",
    "computed",
    "reason",
    "explanation",
    "disagreement",
    "half_widths",
    "chance",
    "finding",
    "evidence_from",
    "arithmetic",
)
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def number(value: float) -> str:
    """Six significant digits, with a true minus sign."""
    return f"{value:.6g}".replace("-", "−")


def tolerance(check: CheckResult) -> str:
    """The tolerance in words. A mutant must leave it."""
    unit = f" {check.unit}" if check.unit not in ("", "1") else ""
    low = number(check.minimum) if check.minimum is not None else None
    high = number(check.maximum) if check.maximum is not None else None
    if low is not None and high is not None:
        text = f"exactly {low}" if low == high else f"{low} to {high}"
    else:
        text = f"at least {low}" if low is not None else f"at most {high}" if high is not None else "any value"
    return f"{'must not be ' if check.evidence == 'mutant' else ''}{text}{unit}"


def measured(check: CheckResult) -> str:
    """The measured value with its unit, or a dash."""
    if check.measured is None:
        return "–"
    return number(check.measured) + (f" {check.unit}" if check.unit not in ("", "1") else "")


def printable(value: str) -> str:
    """Without the control characters that XML cannot hold."""
    return _NOT_XML.sub("\ufffd", value)


def _suite(root: ElementTree.Element, name: str, cases: list[ElementTree.Element]) -> None:
    counts = {kind: sum(case.find(kind) is not None for case in cases) for kind in ("failure", "error", "skipped")}
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=printable(name),
        tests=str(len(cases)),
        failures=str(counts["failure"]),
        errors=str(counts["error"]),
        skipped=str(counts["skipped"]),
    )
    suite.extend(cases)


def _check_case(check: CheckResult) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=printable(f"checks.{check.case}"), name=printable(check.check))
    line = (
        f"{check.title}: measured {measured(check)}, {tolerance(check)} ({check.tolerance_source}) {check.note}".strip()
    )
    kind = {"broken": "error", "failed": "failure", "not run": "skipped", "not judged": "skipped"}.get(
        summary.outcome(check)
    )
    if kind:
        ElementTree.SubElement(case, kind, message=printable(check.note or line)).text = printable(line)
    return case


def _missing_case(item: ItemResult) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase", classname=printable(f"items.{item.case}.{item.step}"), name=printable(item.item)
    )
    ElementTree.SubElement(case, "error", message=printable(item.error or "no record"))
    return case


def _claim_case(claim: ClaimResult) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=printable(f"claims.{claim.paper}"), name=printable(claim.claim))
    if claim.verdict == Verdict.BROKEN:
        ElementTree.SubElement(case, "error", message=printable(claim.reason))
    elif claim.verdict == Verdict.NOT_TESTABLE:
        ElementTree.SubElement(case, "skipped", message=printable(claim.reason))
    lines = [f"{claim.verdict.value}: {claim.reason}", *claim.arithmetic]
    ElementTree.SubElement(case, "system-out").text = printable("\n".join(lines))
    return case


def junit(results: Results) -> str:
    """JUnit XML: one suite per case (checks, and items that left no record), one per paper's claims. No times."""
    root = ElementTree.Element("testsuites", name="myorepro")
    cases = list(dict.fromkeys([c.case for c in results.checks] + [j.case for j in results.jobs]))
    for name in cases:
        tests = [_check_case(c) for c in results.checks if c.case == name]
        tests += [_missing_case(i) for i in results.items if i.case == name and i.status == "missing"]
        _suite(root, name, tests)
    for paper in dict.fromkeys(c.paper for c in results.claims):
        _suite(root, f"claims of {paper}", [_claim_case(c) for c in results.claims if c.paper == paper])
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _cell(text: str) -> str:
    """Text that stays inside a Markdown table cell and starts no markup."""
    for mark in "\\`*_[]<>|~":
        text = text.replace(mark, f"\\{mark}" if mark not in "<>" else {"<": "&lt;", ">": "&gt;"}[mark])
    return " ".join(text.split())


def markdown_table(heads: list[str], rows: list[list[str]]) -> list[str]:
    """Lines of a table, with an empty one at the end."""
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    return lines + ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows] + [""]


def _paper(paper: overview.Overview) -> list[str]:
    """One paper: its verdicts, how its claims were settled, and each finding in one row."""
    counts = ", ".join(f"{part.count} {part.verdict.value}" for part in paper.parts)
    lines = [f"## {_cell(paper.paper)}: {plural(paper.total, 'claim')}", "", f"{counts}.", ""]
    lines += [*(f"- {_cell(line)}" for line in paper.lines), ""]
    for title, found in (("Cannot be so as printed", paper.contradictions), ("Shown together", paper.equalities)):
        if found:
            rows = [[line.where, line.subject, line.said] for line in found]
            lines += [f"### {title}", "", *markdown_table(["place", "quantity", "why"], rows)]
    return lines


def summary_markdown(results: Results) -> str:
    """A page for CI: the first lines, verdicts by route, each paper's findings, and checks that did not pass."""
    lines = [f"# myorepro {_cell(results.project_version)}", "", _cell(overview.headline(results)), ""]
    if scope := summary.scope_line(results):
        lines += [_cell(scope), ""]
    lines += [
        f"- {_cell(text)}"
        for text in (
            summary.exit_line(results),
            summary.runner_line(results),
            summary.check_line(results),
            summary.claim_line(results),
            summary.item_line(results),
        )
    ]
    lines.append("")
    if rows := summary.verdict_matrix(results):
        lines += ["## Claims by route and verdict", ""]
        lines += markdown_table(
            ["route", *(v.value for v in Verdict)], [[name, *map(str, counts)] for name, counts in rows]
        )
    if results.comparisons:
        lines += ["## Digit by digit", ""]
        lines += [
            f"- {_cell(f'{c.case} / {c.step} / {c.item} ({c.evidence})')}: {_cell(comparison.line(c))}"
            for c in results.comparisons
        ]
        lines.append("")
    for paper in overview.overviews(results):
        lines += _paper(paper)
    if bad := summary.unsound(results):
        lines += ["## Checks that did not pass", ""]
        rows_bad = [[c.case, c.title, c.evidence, measured(c), tolerance(c), c.note] for c in bad]
        lines += markdown_table(["case", "check", "evidence", "measured", "tolerance", "note"], rows_bad)
    return "\n".join(lines).rstrip() + "\n"


def claims_csv(results: Results) -> str:
    """One row per claim; the lines of the arithmetic are joined by ` | `."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CLAIM_COLUMNS)
    for claim in results.claims:
        row = claim.model_dump(mode="json") | {"arithmetic": " | ".join(claim.arithmetic)}
        writer.writerow([row[name] for name in CLAIM_COLUMNS])
    return out.getvalue()
