"""The lines at the end of `reproduce`: failures one by one, what was not run and why, then the counts."""

from collections import Counter
from pathlib import Path

from harness.run.results import Results


def closing_lines(results: Results, report: Path) -> list[str]:
    """The lines, for a terminal or a log."""
    lines = []
    reasons: dict[str, list[str]] = {}
    for check in results.checks:
        if check.skipped:
            reasons.setdefault(check.note.removeprefix("not run: "), []).append(f"{check.case}/{check.check}")
        elif not check.passed:
            word = "broken" if check.broken else "FAILED"
            value = "" if check.measured is None else f" measured {check.measured:g} {check.unit}"
            lines.append(f"{word}: {check.case}/{check.check}{value} {check.note}".rstrip())
    lines += [f"{len(names)} not run: {', '.join(names)} ({reason})" for reason, names in reasons.items()]
    passed = sum(check.passed for check in results.checks)
    skipped = sum(check.skipped for check in results.checks)
    lines.append(f"checks: {passed} of {len(results.checks)} passed, {skipped} not run")
    verdicts = Counter(claim.verdict.value for claim in results.claims)
    if verdicts:
        lines.append("claims: " + ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())))
    lines.append(f"report: {report / 'index.html'} (exit status {results.exit_status})")
    return lines
