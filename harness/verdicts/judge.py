"""From claims and check results to verdicts (design sections 6 and 7).

Rules, in this order:

- `recompute`: disjoint intervals are contradicted, unless a convention that fits the whole table (or an accepted
  practice for that one number) agrees, which makes the claim consistent and is said in the reason. A computed interval
  that rounds wholly to the printed string is reproduced, an overlap is consistent. Bounds are consistent at most.
- `phantom` and `simulation`: all checks passed is consistent. A failed check shows that our implementation does not
  recover a known truth, which says nothing of the paper: broken, as is a check that could not be measured. Checks that
  were not run: not testable. Only checks on the route's own kind of evidence count, never mutants or real data.
- `licensed` and `hardware`: not testable here, with what is missing and the command that tests them.
"""

import fnmatch
from collections import defaultdict
from collections.abc import Sequence

from containers.contract.errors import RequestFault
from harness.results import CheckResult, ClaimResult, Route, Verdict
from harness.verdicts.interval import Interval, decimal, show
from harness.verdicts.readings import Reading, readings
from harness.verdicts.relations import BOUNDS
from reference_results import Claim, Ledger, ledgers


def _result(ledger: Ledger, claim: Claim, verdict: Verdict, reason: str, **more: object) -> ClaimResult:
    return ClaimResult.model_validate(
        {
            "paper": ledger.paper,
            "claim": claim.id,
            "place": claim.place,
            "quantity": claim.quantity,
            "printed": claim.printed,
            "unit": claim.unit,
            "route": Route(claim.route),
            "verdict": verdict,
            "reason": reason,
            **more,
        }
    )


def _outcome(value: Interval, target: Interval) -> str:
    if value.inside(target):
        return "lies inside"
    if value.meets(target):
        return "overlaps"
    return f"is {'below' if value.high < target.low else 'above'} by {decimal(value.gap(target), 3)}"


def _arithmetic(claim: Claim, reading: Reading, first: bool) -> list[str]:
    """The reading's lines: each formula with its interval, the printed interval, and how they lie to each other.

    A reading that was tried and does not agree takes one line.
    """
    stands = f"printed {claim.printed} stands for {show(reading.target)}"
    if not first and not reading.agrees:
        value = next(v for _, v in reading.computed if not v.meets(reading.target))
        outcome = f"{show(value)} {_outcome(value, reading.target)}"
        return [f"Tried {reading.name}: {stands}, and {outcome}", *reading.notes]
    lines = [] if first else [f"Would agree {reading.name}:"]
    for formula, value in reading.computed:
        lines.append(f"{formula} = {show(value)}")
        lines.append(f"{stands}: the computed value {_outcome(value, reading.target)}")
    return lines + reading.notes


def _excused(reading: Reading, claim: Claim, tables: dict[str, list[list[Reading]]]) -> bool:
    """Whether a reading other than the plain one lets the printed statement stand."""
    if reading.excuse == "no" or not reading.agrees:
        return False
    if reading.excuse == "claim" or not claim.table:
        return True
    same = [[r for r in member if r.name == reading.name] for member in tables[claim.table]]
    return all(found and found[0].agrees for found in same)


def _recompute(
    ledger: Ledger, claim: Claim, found: list[Reading], tables: dict[str, list[list[Reading]]]
) -> ClaimResult:
    assert claim.relation is not None
    plain, others = found[0], found[1:]
    arithmetic = _arithmetic(claim, plain, first=True)
    if plain.agrees:
        bound = claim.relation.kind in BOUNDS
        if bound:
            verdict, reason = Verdict.CONSISTENT, "lies within what the other printed numbers allow; they do not fix it"
        elif plain.rounds_to_printed:
            point = all(value.low == value.high for _, value in plain.computed)
            inside = "the computed value" if point else "every value inside the printed roundings"
            verdict, reason = Verdict.REPRODUCED, f"{inside} rounds to the printed number"
        else:
            verdict, reason = (
                Verdict.CONSISTENT,
                "some values inside the printed roundings give the printed number, others do not",
            )
        return _result(ledger, claim, verdict, reason, arithmetic=arithmetic)
    for reading in others:
        arithmetic += _arithmetic(claim, reading, first=False)
    excuses = [r.name for r in others if _excused(r, claim, tables)]
    if excuses:
        reason = f"agrees only {', or '.join(excuses)}"
        return _result(ledger, claim, Verdict.CONSISTENT, reason, arithmetic=arithmetic)
    value = next(v for _, v in plain.computed if not v.meets(plain.target))
    reason = f"computed {show(value)}, but {claim.printed} stands for {show(plain.target)}"
    if plain.target.low == plain.target.high:
        reason = f"computed {show(value)}, printed {claim.printed}"
    if explained := [r for r in others if r.agrees]:
        unfit = " (which does not fit the rest of the table)" if claim.table else ""
        names = [r.name + (unfit if r.excuse == "table" else "") for r in explained]
        reason += f"; it would agree {', or '.join(names)}"
    elif others:
        reason += f"; tried in vain: {', '.join(r.name for r in others)}"
    return _result(ledger, claim, Verdict.CONTRADICTED, reason, arithmetic=arithmetic)


def _by_checks(ledger: Ledger, claim: Claim, checks: Sequence[CheckResult]) -> ClaimResult:
    names = {f"{c.case}/{c.check}": c for c in checks if c.evidence == claim.route and not c.skipped}
    matched = [names[n] for n in sorted(names) if any(fnmatch.fnmatchcase(n, p) for p in claim.checks)]
    source = ", ".join(f"{c.case}/{c.check}" for c in matched)
    if not matched:
        reason = f"no check of this run tests it; it needs a check named {' or '.join(claim.checks)}"
        return _result(ledger, claim, Verdict.NOT_TESTABLE, reason)
    lines = [
        f"{c.case}/{c.check}: {'could not be measured' if c.broken else 'passed' if c.passed else 'failed'}"
        for c in matched
    ]
    if all(c.passed and not c.broken for c in matched):
        verdict, reason = (
            Verdict.CONSISTENT,
            "our implementation recovers the known truth; this does not replicate the paper",
        )
    else:
        verdict, reason = (
            Verdict.BROKEN,
            "our implementation does not recover the known truth; this says nothing of the paper",
        )
    return _result(ledger, claim, verdict, reason, arithmetic=lines, evidence_from=source)


def _not_here(ledger: Ledger, claim: Claim) -> ClaimResult:
    return _result(ledger, claim, Verdict.NOT_TESTABLE, f"needs {claim.needs}; test it with: {claim.command}")


def judge_ledger(ledger: Ledger, checks: Sequence[CheckResult]) -> list[ClaimResult]:
    """Verdicts on one paper's claims, in the ledger's order. Raises RequestFault for a relation without a value."""
    known: dict[str, list[Reading]] = {}
    for claim in (c for c in ledger.claims if c.relation):
        try:
            known[claim.id] = readings(claim, ledger)
        except (ZeroDivisionError, ValueError) as error:
            where = f"{ledger.paper}/claims.toml, claims entry {claim.id}"
            raise RequestFault(f"its relation has no value ({error})", where=where, mend="mend the relation") from error
    tables: dict[str, list[list[Reading]]] = defaultdict(list)
    for claim in ledger.claims:
        if claim.relation and claim.table:
            tables[claim.table].append(known[claim.id])
    results = []
    for claim in ledger.claims:
        if claim.relation:
            results.append(_recompute(ledger, claim, known[claim.id], tables))
        elif claim.checks:
            results.append(_by_checks(ledger, claim, checks))
        else:
            results.append(_not_here(ledger, claim))
    return results


def judge(checks: list[CheckResult]) -> list[ClaimResult]:
    """Verdicts on all claims of all papers, by paper and then in the ledger's order. Raises RequestFault."""
    return [result for ledger in ledgers() for result in judge_ledger(ledger, checks)]
