"""What the results say, counted and put into plain words: the source of the HTML's and the Markdown's first lines."""

from collections import Counter

from harness.run.results import CheckResult, Results, Route, Verdict
from harness.text import listed, plural

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
    Route.SIMULATION: "simulation",
    Route.LICENSED: "needs licensed data",
    Route.HARDWARE: "needs hardware",
}
VERDICT_MEANING = {
    Verdict.REPRODUCED: "follows from other printed numbers, for all values inside their roundings",
    Verdict.CONSISTENT: "nothing stands against it: the recomputed range overlaps the printed one, or another stated "
    "rounding agrees, or a phantom or a simulation with known truth is recovered (which says nothing of the cohort)",
    Verdict.CONTRADICTED: "no values inside the printed roundings can agree, under any rounding that was tried",
    Verdict.NOT_TESTABLE: "needs data, hardware or a stage that is not here, or a check that was not in this run; "
    "the command that would test it is given",
    Verdict.BROKEN: "the environment or a stage failed; never counted as a scientific result",
}
"""One wording; README.md has the same lines."""
RANGE_RULE = (
    "A printed range such as 40–50% is read at its digits first. Only if that fails, it is read as rounded to 10s (or "
    "5s), when both ends are multiples of 10 (or 5); if that agrees, the verdict is consistent and says so."
)
REFUSED = "refused as expected"
EVIDENCE_ORDER = ("phantom", "simulation", "real data", "mutant")


def outcome(check: CheckResult) -> str:
    """`not run`, `not judged`, `broken`, `passed` or `failed`."""
    if check.skipped:
        return "not judged" if check.too_few else "not run"
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
    for word, said in (("broken", "could not be measured"), ("not run", "not run"), ("not judged", "not judged")):
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


def scope_line(results: Results) -> str:
    """That only some cases were run, and what that means for the claims; empty where all were."""
    if not results.cases:
        return ""
    ran = f"Only {'case' if len(results.cases) == 1 else 'the cases'} {listed(results.cases)} ran"
    count = len(results.claims)
    verb = "rests" if count == 1 else "rest"
    on = "it" if len(results.cases) == 1 else "them"
    judged = f"{plural(count, 'claim')} that {verb} on {on}" if count else f"no claim, since none rests on {on}"
    return f"{ran}: this report judges {judged}; `myorepro reproduce` judges all."


def item_line(results: Results) -> str:
    """How many items ended well, as they should, and badly."""
    wanted = expected(results)
    words = [REFUSED if (i.case, i.step, i.item) in wanted else i.status for i in results.items]
    order = sorted(Counter(words).items(), key=lambda pair: (pair[0] != "ok", pair[0] != REFUSED, pair[0]))
    parts = [f"{count} {word}" + (" (seeded faults)" if word == REFUSED else "") for word, count in order]
    return f"{plural(len(results.items), 'item record')}: {', '.join(parts)}." if parts else "No items were processed."


def runner_line(results: Results) -> str:
    note = results.runner_note.removeprefix(f"{results.runner}: ").rstrip(".")
    how = f" ({note})" if note else ""
    return f"Stages ran with the {results.runner} runner{how}, preset {results.preset}."


def expected(results: Results) -> set[tuple[str, str, str]]:
    """(case, step, item) of errors that had to come: the step's check that every item ends as it should passed."""
    held = {(c.case, c.check) for c in results.checks if outcome(c) == "passed"}
    return {
        (i.case, i.step, i.item) for i in results.items if i.status == "error" and (i.case, f"{i.step}_items") in held
    }


def exit_line(results: Results) -> str:
    return f"Exit status {results.exit_status}: {EXIT_MEANING.get(results.exit_status, 'unknown')}."


def verdict_matrix(results: Results) -> list[tuple[str, list[int]]]:
    """Rows of (route in words, count per verdict in the order of `Verdict`), only for routes that have claims."""
    counts = Counter((claim.route, claim.verdict) for claim in results.claims)
    rows = [(ROUTE_WORDS[route], [counts[route, verdict] for verdict in Verdict]) for route in Route]
    return [row for row in rows if sum(row[1])]
