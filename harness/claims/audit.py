"""Audit of any ledger: recompute its claims with arithmetic, list the others by route.

The ledger may be one file that somebody wrote on any paper, the folder of a paper, or a folder of papers. Nothing is
run and nothing but the ledger is read.
"""

import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from containers.contract.errors import RequestFault
from containers.contract.files import dumps
from harness.claims import findings, judge_ledger
from harness.claims.loader import load_ledger, papers_with_claims
from harness.run.results import RESULTS_SCHEMA_VERSION, ClaimResult, ExitStatus, Finding, Verdict

_MARKUP = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]|~"} | {"<": "&lt;", ">": "&gt;"})
_CSV = (
    *("paper", "claim", "place", "quantity", "printed", "unit", "route", "verdict", "reason", "kind", "formula"),
    *("computed", "stands_for", "explanation", "finding", "disagreement", "half_widths", "chance"),
)
COLUMNS = ("verdict", "claim", "printed", "computed", "formula", "explanation")


@dataclass(frozen=True)
class Audit:
    """Verdicts on all claims, and what they show together."""

    claims: list[ClaimResult]
    """One verdict for each claim, by ledger and then in its order."""
    findings: list[Finding]
    """What contradicted claims and equal rows show together."""

    @property
    def exit_status(self) -> int:
        """0 when nothing is contradicted, else 1."""
        wrong = any(claim.verdict == Verdict.CONTRADICTED for claim in self.claims)
        return ExitStatus.MISMATCH if wrong else ExitStatus.OK


def audit(path: Path) -> Audit:
    """Judge a ledger file, a paper's folder or a folder of papers. Raises RequestFault, one line, for a wrong one."""
    folders = papers_with_claims(path) if path.is_dir() else []
    claims = [result for folder in folders or [path] for result in judge_ledger(load_ledger(folder), [])]
    if not claims:
        raise RequestFault("has no claims", where=str(path), fix="write one under [[claims]]")
    return Audit(claims, findings(claims))


def rows(claims: list[ClaimResult]) -> list[tuple[str, ...]]:
    """Claims with arithmetic as rows of COLUMNS, contradicted ones last, where a terminal ends."""
    order = [Verdict.REPRODUCED, Verdict.CONSISTENT, Verdict.CONTRADICTED]
    recomputed = [claim for claim in claims if claim.kind]
    return [
        (
            claim.verdict.value,
            claim.claim,
            claim.printed,
            claim.computed,
            claim.formula,
            claim.explanation or ("" if claim.verdict != Verdict.CONTRADICTED else "no other reading agrees"),
        )
        for claim in sorted(recomputed, key=lambda c: order.index(c.verdict))
    ]


def finding_lines(found: list[Finding]) -> list[str]:
    """Findings, a head and the arithmetic of the first claim each."""
    lines = []
    for finding in found:
        lines += [f"{finding.kind}: {finding.title}", f"  {finding.text}"]
    return lines


def count_lines(audited: Audit) -> list[str]:
    """Counts of verdicts, and of the claims that need more than arithmetic, by route."""
    verdicts = Counter(c.verdict.value for c in audited.claims if c.kind)
    others = Counter(c.route.value for c in audited.claims if not c.kind)
    lines = [
        f"{sum(verdicts.values())} claims recomputed: "
        + ", ".join(f"{verdicts[v.value]} {v.value}" for v in list(Verdict)[:3])
    ]
    if others:
        lines.append("not settled by arithmetic: " + ", ".join(f"{n} {route}" for route, n in sorted(others.items())))
    known = Counter(f.kind for f in audited.findings)
    if known:
        words = {"contradiction": "of contradiction", "equality": "of equality in many rows"}
        lines.append("findings: " + ", ".join(f"{n} {words[kind]}" for kind, n in sorted(known.items())))
    return lines


def as_json(audited: Audit) -> str:
    """Claims and findings with all their fields, as they stand in results.json."""
    return dumps(
        {
            "schema_version": RESULTS_SCHEMA_VERSION,
            "claims": [claim.model_dump(mode="json") for claim in audited.claims],
            "findings": [finding.model_dump(mode="json") for finding in audited.findings],
        }
    )


def as_csv(audited: Audit) -> str:
    """One row per claim, with formula, intervals and finding."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_CSV)
    for claim in audited.claims:
        fields = claim.model_dump(mode="json")
        writer.writerow([fields[name] for name in _CSV])
    return stream.getvalue()


def as_markdown(audited: Audit) -> str:
    """A page: counts, findings and the table."""

    def cells(row: tuple[str, ...]) -> str:
        return "| " + " | ".join(" ".join(cell.split()).translate(_MARKUP) for cell in row) + " |"

    lines = ["# Audit", "", *(f"- {line.translate(_MARKUP)}" for line in count_lines(audited)), ""]
    for finding in audited.findings:
        lines += [f"**{finding.title.translate(_MARKUP)}.** {finding.text.translate(_MARKUP)}", ""]
    lines += [cells(COLUMNS), "|" + " --- |" * len(COLUMNS), *map(cells, rows(audited.claims))]
    return "\n".join(lines) + "\n"
