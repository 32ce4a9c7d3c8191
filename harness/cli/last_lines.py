"""The lines at the end of `reproduce`: failures one by one, what was not run and why, then the counts."""

from collections import Counter
from pathlib import Path

from harness.report.summary import outcome, scope_line
from harness.run.results import Results


def closing_lines(results: Results, report: Path) -> list[str]:
    """The lines, for a terminal or a log."""
    lines = []
    reasons: dict[tuple[str, str], list[str]] = {}
    for check in results.checks:
        if check.skipped:
            reason = (outcome(check), check.note.removeprefix("not run: "))
            reasons.setdefault(reason, []).append(f"{check.case}/{check.check}")
        elif not check.passed:
            word = "broken" if check.broken else "FAILED"
            value = "" if check.measured is None else f" measured {check.measured:g} {check.unit}"
            lines.append(f"{word}: {check.case}/{check.check}{value} {check.note}".rstrip())
    lines += [f"{len(names)} {word}: {', '.join(names)} ({why})" for (word, why), names in reasons.items()]
    count = Counter(outcome(check) for check in results.checks)
    counted = f"checks: {count['passed']} of {len(results.checks)} passed, {count['not run']} not run"
    lines.append(counted + (f", {count['not judged']} not judged" if count["not judged"] else ""))
    verdicts = Counter(claim.verdict.value for claim in results.claims)
    if results.cases:
        lines.append(scope_line(results))
    if verdicts:
        lines.append("claims: " + ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())))
    lines.append(f"report: {report / 'index.html'} (exit status {results.exit_status})")
    return lines
