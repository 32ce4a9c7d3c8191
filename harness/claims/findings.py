"""Findings: contradicted claims that share a cause are one finding, and so are many rows that are equal where they are
said to differ.

Two contradicted claims of a paper belong together when they are computed from the same numbers, when one rests on the
other, when each has the value of the other (exchanged), when both differ from the same other place, or when the same
reading explains both in one table.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from harness.claims.ledger import Claim, Ledger
from harness.claims.relations.event_ratio import EventRatio
from harness.claims.relations.unadjusted import Unadjusted
from harness.claims.source import Source
from harness.run.results import ClaimResult, Finding, Verdict

FEWEST_ROWS = 5
"""Equal rows from which on they are a finding."""


@dataclass(frozen=True)
class Equality:
    """Rows that equal the unadjusted numbers, and how likely that is by luck."""

    rows: list[str]
    """Ids of the claims that equal the unadjusted numbers."""
    chance: float | None
    """Probability that all stay equal under an adjustment; None where no row has limits."""
    text: str
    """What was found, in sentences."""


def _luck(claim: Claim, ledger: Ledger) -> Iterator[float]:
    """For each equal estimate: the share of its own printed confidence interval that would have counted as equal."""
    relation, source = claim.relation, Source(ledger)
    assert isinstance(relation, Unadjusted)
    rows = relation.equal_rows(source)
    for row in rows:
        of = row.relation
        if not isinstance(of, EventRatio) or of.part != "estimate":
            continue
        limits = {
            part: source.target(other)
            for other in ledger.claims
            for part in ("lower", "upper")
            if isinstance(other.relation, EventRatio)
            and other.relation == of.model_copy(update={"part": part, "method": other.relation.method})
        }
        if len(limits) < 2:
            continue
        value = of.compute(source)[0][1]
        target = source.target(row)
        width = limits["upper"].middle - limits["lower"].middle
        if width > 0:
            yield min(1.0, float((value.high - value.low + target.high - target.low) / width))


def equalities(ledger: Ledger) -> dict[str, Equality]:
    """By claim: what its rows show, when enough of them are equal and none is not."""
    found = {}
    for claim in ledger.claims:
        if not isinstance(claim.relation, Unadjusted):
            continue
        rows = [row.id for row in claim.relation.equal_rows(Source(ledger))]
        if len(rows) < max(FEWEST_ROWS, len(claim.relation.rows)):
            continue
        shares = list(_luck(claim, ledger))
        chance = math.prod(shares) if shares else None
        text = f"All {len(rows)} printed numbers equal the unadjusted ones."
        if chance is not None:
            text += (
                f" If an adjustment moved each of the {len(shares)} estimates evenly within its own confidence "
                f"interval, all would stay equal with probability {chance:.1g}."
            )
        found[claim.id] = Equality(rows, chance, text)
    return found


def _meets(value: tuple[float, float] | None, target: tuple[float, float] | None) -> bool:
    return value is not None and target is not None and value[0] <= target[1] and target[0] <= value[1]


def _place(claim: ClaimResult) -> str:
    return claim.place.split(",")[0]


def _sources(claim: ClaimResult) -> set[str]:
    return {used.place for used in claim.used}


def _reading(claim: ClaimResult) -> str:
    """The reading that explains a contradicted claim: the first that agrees."""
    return next((reading.name for reading in claim.readings if reading.agrees), "")


def _together(one: ClaimResult, other: ClaimResult) -> str:
    """Why two contradicted claims are one finding, or nothing."""
    uses = {u.id for u in one.used}, {u.id for u in other.used}
    if one.kind == other.kind and uses[0] == uses[1]:
        return "the same number at several places" if one.printed == other.printed else "computed from the same numbers"
    if (one.claim in uses[1] or other.claim in uses[0]) and not (one.bound or other.bound):
        return "numbers that rest on each other"
    if one.kind == other.kind == "same" and one.place == other.place and _sources(one) == _sources(other):
        return "printed otherwise at another place"
    if (
        one.unit == other.unit
        and _place(one) == _place(other)
        and _meets(one.interval, other.target)
        and _meets(other.interval, one.target)
    ):
        return "two numbers exchanged"
    if _reading(one) and _reading(one) == _reading(other) and one.kind == other.kind and _place(one) == _place(other):
        return f"one cause: {_reading(one)}"
    return ""


def gathered(results: list[ClaimResult], equal: dict[str, Equality]) -> list[ClaimResult]:
    """The same results, each contradicted claim (and each equality with its rows) with the id of its finding."""
    wrong = [r for r in results if r.verdict == Verdict.CONTRADICTED]
    group = {r.claim: r.claim for r in wrong}

    def root(key: str) -> str:
        while group[key] != key:
            key = group[key]
        return key

    for one, other in combinations(wrong, 2):
        if _together(one, other):
            group[root(other.claim)] = root(one.claim)
    member = {key: root(key) for key in group}
    for key, found in equal.items():
        member |= {row: key for row in [key, *found.rows] if row not in member}
    order = list(dict.fromkeys(member[r.claim] for r in results if r.claim in member))
    changed = []
    for result in results:
        more: dict[str, object] = {}
        if result.claim in member:
            more["finding"] = f"{result.paper}/{order.index(member[result.claim]) + 1}"
        if result.claim in equal:
            more |= {"disagreement": equal[result.claim].text, "chance": equal[result.claim].chance}
        changed.append(result.model_copy(update=more) if more else result)
    return changed


def _contradiction(name: str, members: list[ClaimResult]) -> Finding:
    first = members[0]
    causes = dict.fromkeys(why for one, other in combinations(members, 2) if (why := _together(one, other)))
    title = f"{first.quantity}: printed {first.printed}"
    if len(members) > 1:
        title = f"{len(members)} claims in {_place(first)}: {' and '.join(causes)}" if causes else title
    text = first.reason + (f" {first.disagreement}" if first.disagreement else "")
    chances = [m.chance for m in members if m.chance is not None]
    return Finding(
        id=name,
        paper=first.paper,
        title=title,
        text=text,
        claims=[m.claim for m in members],
        rows=len(members),
        kind="contradiction",
        chance=min(chances) if chances else None,
    )


def findings(results: list[ClaimResult]) -> list[Finding]:
    """All findings of some results, in the order of their first claims."""
    members: dict[str, list[ClaimResult]] = {}
    for result in results:
        if result.finding:
            members.setdefault(result.finding, []).append(result)
    found = []
    for name, group in members.items():
        statement = next((r for r in group if r.kind == "unadjusted"), None)
        if statement is None:
            found.append(_contradiction(name, group))
            continue
        found.append(
            Finding(
                id=name,
                paper=statement.paper,
                title=f"{statement.quantity}: {len(group) - 1} rows equal the unadjusted numbers",
                text=f"{statement.disagreement} {statement.reason}",
                claims=[r.claim for r in group],
                rows=len(group) - 1,
                kind="equality",
                chance=statement.chance,
            )
        )
    return found
