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
from harness.verdicts.interval import decimal, show
from harness.verdicts.readings import Reading, readings
from harness.verdicts.relations import BOUNDS
from reference_results import Claim, Ledger, ledgers
from reference_results.relations import operands


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


def _source(ledger: Ledger, claim: Claim) -> str:
    """Where the numbers stand that the claim is computed from: one place, or the parts of the paper they are in."""
    assert claim.relation is not None
    every = [ledger.number(key).place for key in operands(claim.relation)]
    places = list(dict.fromkeys(place for place in every if place != "definition"))
    if len(places) == 1:
        return places[0]
    return " and ".join(dict.fromkeys(place.split(",")[0] for place in places)) or "definitions"


def _printed(claim: Claim, reading: Reading) -> str:
    if reading.stands:
        return f"Printed: {claim.printed}. {reading.stands[:1].upper()}{reading.stands[1:]}."
    if reading.target.low == reading.target.high:
        return f"Printed: {claim.printed}."
    return f"Printed: {claim.printed}, which stands for {show(reading.target)}."


def _computed(reading: Reading) -> str:
    return "; ".join(f"{formula} = {show(value)}{reading.unit}" for formula, value in reading.computed)


def _stop(text: str) -> str:
    """A full stop, unless the number ends in an ellipsis."""
    return text if text.endswith("…") else f"{text}."


def _difference(reading: Reading) -> str:
    """How the computed values lie to what the printed text stands for."""
    apart = [value for _, value in reading.computed if not value.meets(reading.target)]
    if apart:
        exact = all(v.low == v.high for v in (*apart, reading.target))
        # Cut off, so that "at least" stays true.
        gaps = " and ".join(decimal(value.gap(reading.target), 3).removesuffix("…") for value in apart)
        return f"Difference: {'' if exact else 'at least '}{gaps}{reading.unit}."
    if reading.rounds_to_printed:
        if reading.target.low == reading.target.high:
            return "Difference: none."
        return f"Difference: none; the computed value lies inside {reading.within}."
    return f"Difference: none is shown; the computed range and {reading.within} overlap."


def _arithmetic(reading: Reading, claim: Claim, source: str) -> list[str]:
    """The plain reading in lines: printed, computed from where, difference, assumptions."""
    lines = [_stop(f"From {source}: {formula} = {show(value)}{reading.unit}") for formula, value in reading.computed]
    return [_printed(claim, reading), *lines, _difference(reading), *reading.notes]


def _tried(reading: Reading, claim: Claim) -> list[str]:
    """Another reading, in one line and its notes."""
    head = f"{'Would agree' if reading.agrees else 'Tried'} {reading.name}:"
    return [
        f"{head} {_printed(claim, reading)} Computed: {_stop(_computed(reading))} {_difference(reading)}",
        *reading.notes,
    ]


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
    source = _source(ledger, claim)
    arithmetic = _arithmetic(plain, claim, source)
    computed = f"From {source}: {_computed(plain)}"
    if plain.agrees:
        bound = claim.relation.kind in BOUNDS
        if bound:
            said = plain.said or "The printed text lies within what these allow; they do not fix it"
            verdict = Verdict.CONSISTENT
        elif plain.rounds_to_printed:
            point = all(value.low == value.high for _, value in plain.computed)
            inside = "This" if point else "Every value inside the printed roundings"
            verdict, said = Verdict.REPRODUCED, f"{inside} rounds to the printed number"
            if plain.target.low == plain.target.high:
                said = "This is the printed number"
        else:
            verdict = Verdict.CONSISTENT
            said = "Some values inside the printed roundings give the printed number, others do not"
        return _result(ledger, claim, verdict, f"{_stop(computed)} {said}.", arithmetic=arithmetic)
    for reading in others:
        arithmetic += _tried(reading, claim)
    excuses = [r.name for r in others if _excused(r, claim, tables)]
    if excuses:
        reason = f"{_stop(computed)} Agrees only {', or '.join(excuses)}."
        return _result(ledger, claim, Verdict.CONSISTENT, reason, arithmetic=arithmetic)
    reason = f"{_printed(claim, plain)} {_stop(computed)} {_difference(plain)}"
    if explained := [r for r in others if r.agrees]:
        unfit = " (which does not fit the rest of the table)" if claim.table else ""
        names = [r.name + (unfit if r.excuse == "table" else "") for r in explained]
        reason += f" It would agree {', or '.join(names)}."
    elif others:
        reason += f" Tried in vain: {', '.join(r.name for r in others)}."
    return _result(ledger, claim, Verdict.CONTRADICTED, reason, arithmetic=arithmetic)


def _by_checks(ledger: Ledger, claim: Claim, checks: Sequence[CheckResult]) -> ClaimResult:
    names = {f"{c.case}/{c.check}": c for c in checks if c.evidence == claim.route and not c.skipped}
    matched = [names[n] for n in sorted(names) if any(fnmatch.fnmatchcase(n, p) for p in claim.checks)]
    source = ", ".join(f"{c.case}/{c.check}" for c in matched)
    if not matched:
        cases = dict.fromkeys(pattern.partition("/")[0] for pattern in claim.checks)
        commands = " and ".join(f"myorepro reproduce --case {case}" for case in cases)
        reason = f"Not checked in this run; test it with: {commands}"
        return _result(ledger, claim, Verdict.NOT_TESTABLE, reason)
    lines = [
        f"{c.case}/{c.check}: {'could not be measured' if c.broken else 'passed' if c.passed else 'failed'}"
        for c in matched
    ]
    if all(c.passed and not c.broken for c in matched):
        verdict, reason = (
            Verdict.CONSISTENT,
            "Our implementation recovers the known truth; this does not replicate the paper.",
        )
    else:
        verdict, reason = (
            Verdict.BROKEN,
            "Our implementation does not recover the known truth; this says nothing of the paper.",
        )
    return _result(ledger, claim, verdict, reason, arithmetic=lines, evidence_from=source)


def _not_here(ledger: Ledger, claim: Claim) -> ClaimResult:
    return _result(ledger, claim, Verdict.NOT_TESTABLE, f"Needs {claim.needs}; test it with: {claim.command}")


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
