"""Each paper at a glance, in plain words: how many claims, settled how, and what cannot be as printed.

Invariants: every claim is counted in one line; a finding is one line, however many rows it has; a phantom or a
simulation is never said to confirm a paper.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cache

from harness.claims.paper import Paper, papers
from harness.run.results import ClaimResult, Finding, Results, Route, Verdict
from harness.text import plural

NAMES = {
    Verdict.REPRODUCED: ("follows from other printed numbers", "follow from other printed numbers"),
    Verdict.CONSISTENT: (
        "agrees with what could be tested, without following from it",
        "agree with what could be tested, without following from it",
    ),
    Verdict.CONTRADICTED: ("cannot be so as printed", "cannot be so as printed"),
}
"""Verdicts in words for a reader who has not seen the list of verdicts yet: of one claim, and of several."""


@dataclass(frozen=True)
class Part:
    """One piece of a paper's verdict bar."""

    verdict: Verdict
    """The verdict."""
    count: int
    """Claims with it."""
    share: float
    """Their share of all claims of the paper, in %."""


@dataclass(frozen=True)
class Line:
    """A finding in one line."""

    subject: str
    """What it is about."""
    said: str
    """What was found."""
    where: str
    """How many rows, and the place of the first."""
    id: str
    """Identifier of the finding, for a link."""


@dataclass(frozen=True)
class Overview:
    """One paper."""

    paper: str
    """Name of the paper."""
    cited: Paper | None
    """Its bibliographic facts; None where they are not known."""
    total: int
    """Number of its claims."""
    parts: list[Part]
    """The pieces of its verdict bar."""
    lines: list[str]
    """How its claims were settled, in words."""
    contradictions: list[Line]
    """Its contradictions, in the order of the findings."""
    equalities: list[Line]
    """Its findings of equality, in the order of the findings."""


@cache
def cited() -> dict[str, Paper]:
    """The bibliographic facts of all papers, by short name."""
    return papers()


def _by_verdict(claims: list[ClaimResult]) -> str:
    counts = Counter(claim.verdict for claim in claims)
    words = {
        Verdict.REPRODUCED: "follow from them",
        Verdict.CONSISTENT: "agree with them without following from them",
        Verdict.CONTRADICTED: "cannot be so as printed",
        Verdict.BROKEN: "could not be computed",
    }
    return ", ".join(f"{counts[verdict]} {said}" for verdict, said in words.items() if counts[verdict])


def _tested(claims: list[ClaimResult], what: str) -> str:
    """How many claims a phantom or a simulation bears on, and how that went."""
    counts = Counter(claim.verdict for claim in claims)
    words = {
        Verdict.CONSISTENT: "agree: the method finds what was put in",
        Verdict.BROKEN: "fail here, which says nothing of the paper",
        Verdict.NOT_TESTABLE: "were not in this run",
    }
    said = ", ".join(f"{counts[verdict]} {word}" for verdict, word in words.items() if counts[verdict])
    return f"{plural(len(claims), 'claim')} of method, for {what}: {said}."


def _lines(claims: list[ClaimResult]) -> list[str]:
    of = {route: [claim for claim in claims if claim.route == route] for route in Route}
    lines = []
    if found := of[Route.RECOMPUTE]:
        lines.append(
            f"{plural(len(found), 'claim')} checked by arithmetic with other numbers that the paper prints: "
            f"{_by_verdict(found)}."
        )
    if found := of[Route.PHANTOM]:
        lines.append(_tested(found, "made-up images whose true answer is known (phantoms)"))
    if found := of[Route.SIMULATION]:
        lines.append(_tested(found, "made-up cohorts whose true effects are known (simulations)"))
    if found := of[Route.LICENSED]:
        verb = "needs" if len(found) == 1 else "need"
        lines.append(f"{plural(len(found), 'claim')} {verb} the participants' data: each row names the command.")
    if timed := [c for c in of[Route.HARDWARE] if c.verdict == Verdict.CONSISTENT]:
        lines.append(f"{plural(len(timed), 'claim')} of speed: a machine that was measured keeps to what is printed.")
    if found := [c for c in of[Route.HARDWARE] if c.verdict != Verdict.CONSISTENT]:
        verb = "needs" if len(found) == 1 else "need"
        lines.append(f"{plural(len(found), 'claim')} {verb} the paper's hardware: each row names the command.")
    return lines


def _overview(paper: str, claims: list[ClaimResult], findings: list[Finding]) -> Overview:
    counts = Counter(claim.verdict for claim in claims)
    by_id = {(claim.paper, claim.claim): claim for claim in claims}
    return Overview(
        paper=paper,
        cited=cited().get(paper),
        total=len(claims),
        parts=[Part(v, counts[v], round(100 * counts[v] / len(claims), 3)) for v in Verdict if counts[v]],
        lines=_lines(claims),
        contradictions=[_line(f, by_id) for f in findings if f.kind == "contradiction"],
        equalities=[_line(f, by_id) for f in findings if f.kind == "equality"],
    )


def overviews(results: Results) -> list[Overview]:
    """One for each paper that has claims, in the order of the results."""
    found = []
    for paper in dict.fromkeys(claim.paper for claim in results.claims):
        claims = [claim for claim in results.claims if claim.paper == paper]
        found.append(_overview(paper, claims, [f for f in results.findings if f.paper == paper]))
    return found


def headline(results: Results) -> str:
    """The whole report in one sentence or two."""
    if not results.claims:
        return "No published number was judged in this run."
    counts = Counter(claim.verdict for claim in results.claims)
    named = dict.fromkeys(claim.paper for claim in results.claims)
    settled = len(results.claims) - counts[Verdict.NOT_TESTABLE] - counts[Verdict.BROKEN]
    said = [f"{counts[v]} {words[counts[v] > 1]}" for v, words in NAMES.items() if counts[v]]
    total = plural(len(results.claims), "published number or statement", "published numbers and statements")
    tested = f"{settled} could be tested here{': ' if said else ''}{', '.join(said)}"
    return f"{total} of {plural(len(named), 'paper')}; {tested}."


def part_of(place: str) -> str:
    """The part of a paper that a place lies in: `Table 1` of `Table 1, N, Total`."""
    return place.split(",")[0].strip()


def _against(claim: ClaimResult) -> str:
    """What stands against a printed number or statement, to follow it in a sentence."""
    if claim.kind == "order":
        return f", which says that {claim.stands_for.partition(':')[0].replace('is stated to exceed', 'exceeds')}"
    if not claim.computed:
        return ""
    given = claim.computed if claim.formula in ("", claim.computed) else f"{claim.formula} = {claim.computed}"
    if not claim.stands_for[:1].isalpha():
        return f", but {given}"
    limit, _, value = claim.stands_for.partition(" = ")
    return f": {limit if limit.endswith(f' {value}') else claim.stands_for}, but {given}"


def _line(finding: Finding, claims: dict[tuple[str, str], ClaimResult]) -> Line:
    """The first row's quantity, what is printed and what the other numbers give; an equality by its own words."""
    first = next((found for key in finding.claims if (found := claims.get((finding.paper, key)))), None)
    rows = plural(finding.rows, "row")
    if first is None:
        return Line(finding.title, finding.text, rows, finding.id)
    where = f"{rows}, {first.place}" if finding.rows > 1 else first.place
    if finding.kind != "contradiction":
        return Line(finding.title, finding.text, where, finding.id)
    said = f"printed “{first.printed}”{_against(first)}"
    if first.explanation:
        said += f"; {first.explanation[:1].lower()}{first.explanation[1:].rstrip('.')}"
    return Line(first.quantity, f"{said}." if not said.endswith("…") else said, where, finding.id)
