"""What the results say, counted and put into plain words: the source of the HTML's and the Markdown's first lines."""

from collections import Counter

from harness.results import CheckResult, ClaimResult, Results, Route, Verdict

EXIT_MEANING = {
    0: "all as expected",
    1: "a mismatch or regression",
    2: "wrong usage or specification",
    3: "the environment failed; nothing was measured",
    4: "incomplete",
}
ROUTE_WORDS = {
    Route.RECOMPUTE: "recomputed from print",
    Route.PHANTOM: "phantom",
    Route.SIMULATION: "simulated",
    Route.LICENSED: "needs licensed data",
    Route.HARDWARE: "needs hardware",
}
VERDICT_MEANING = {
    Verdict.REPRODUCED: "every value inside the printed roundings gives the printed number",
    Verdict.CONSISTENT: "nothing found against it; for a phantom, only that our implementation is right",
    Verdict.CONTRADICTED: "no value inside the printed roundings agrees",
    Verdict.NOT_TESTABLE: "the data, the machine or the check is missing here",
    Verdict.BROKEN: "our stage or environment failed; says nothing of the paper",
}
EVIDENCE_ORDER = ("phantom", "simulation", "real data", "mutant")


def plural(count: int, one: str, many: str = "") -> str:
    """`1 check`, `2 checks`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def contradictions(results: Results) -> list[ClaimResult]:
    return [claim for claim in results.claims if claim.verdict == Verdict.CONTRADICTED]


def outcome(check: CheckResult) -> str:
    """`not run`, `broken`, `passed` or `failed`."""
    if check.skipped:
        return "not run"
    return "broken" if check.broken else "passed" if check.passed else "failed"


def unsound(results: Results) -> list[CheckResult]:
    """Checks that failed or could not be measured."""
    return [check for check in results.checks if outcome(check) in ("failed", "broken")]


def check_line(results: Results) -> str:
    """How many checks passed, by kind of evidence."""
    if not results.checks:
        return "No checks were run."
    kinds = sorted({c.evidence for c in results.checks}, key=lambda e: (*_rank(e), e))
    parts = []
    for kind in kinds:
        of_kind = [outcome(c) for c in results.checks if c.evidence == kind]
        words = "mutants" if kind == "mutant" else kind
        parts.append(f"{of_kind.count('passed')} of {len(of_kind)} on {words}")
    outcomes = [outcome(c) for c in results.checks]
    line = f"{outcomes.count('passed')} of {plural(len(outcomes), 'check')} passed: {', '.join(parts)}."
    for word, said in (("broken", "could not be measured"), ("not run", "not run")):
        if count := outcomes.count(word):
            line += f" {plural(count, 'check')} {said}."
    return line


def _rank(evidence: str) -> tuple[int]:
    return (EVIDENCE_ORDER.index(evidence) if evidence in EVIDENCE_ORDER else len(EVIDENCE_ORDER),)


def claim_line(results: Results) -> str:
    """How many claims got which verdict."""
    if not results.claims:
        return "No claims were judged."
    counts = Counter(claim.verdict for claim in results.claims)
    parts = [f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict]]
    return f"{plural(len(results.claims), 'claim')}: {', '.join(parts)}."


def item_line(results: Results) -> str:
    """How many items ended well and badly."""
    counts = Counter(item.status for item in results.items)
    parts = [
        f"{count} {status}" for status, count in sorted(counts.items(), key=lambda pair: (pair[0] != "ok", pair[0]))
    ]
    return f"{plural(len(results.items), 'item record')}: {', '.join(parts)}." if parts else "No items were processed."


def runner_line(results: Results) -> str:
    note = f" {results.runner_note}" if results.runner_note else ""
    return f"Stages ran with the {results.runner} runner, preset {results.preset}.{note}"


def exit_line(results: Results) -> str:
    return f"Exit status {results.exit_status}: {EXIT_MEANING.get(results.exit_status, 'unknown')}."


def verdict_matrix(results: Results) -> list[tuple[str, list[int]]]:
    """Rows of (route in words, count per verdict in the order of `Verdict`), only for routes that have claims."""
    counts = Counter((claim.route, claim.verdict) for claim in results.claims)
    rows = [(ROUTE_WORDS[route], [counts[route, verdict] for verdict in Verdict]) for route in Route]
    return [row for row in rows if sum(row[1])]
