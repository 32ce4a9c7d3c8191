"""From claims and check results to verdicts (design sections 6 and 7).

Rules, in this order:

- `recompute`: disjoint intervals are contradicted, unless a convention that fits the whole table (or an accepted
  practice for that one number) agrees, which makes the claim consistent and is said in the reason. A computed interval
  that rounds wholly to the printed string is reproduced, an overlap is consistent. Bounds are consistent at most.
- `phantom` and `simulation`: all checks passed is consistent. A failed check shows that our implementation does not
  recover a known truth, which says nothing of the paper: broken, as is a check that could not be measured. Checks that
  were not run: not testable. Only checks on the route's own kind of evidence count, never mutants or real data.
- A run of some cases only judges the claims that these can change, and leaves out the others. A claim that rests on
  another case too is not testable until that one agrees as well; the chosen case alone can break it.
- `licensed` and `hardware`: not testable here, with what is missing and the command that tests them; a time that a
  machine was measured for goes by `harness.claims.hardware`.
"""

import fnmatch
from collections import defaultdict
from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import Any

from containers.contract.errors import RequestFault
from harness.claims.disagreement import disagreement
from harness.claims.findings import equalities, findings, gathered
from harness.claims.hardware import by_bench
from harness.claims.impossible import as_printed, impossible
from harness.claims.interval import Interval, show
from harness.claims.ledger import Claim, Ledger
from harness.claims.loader import ledgers
from harness.claims.printed import numbers
from harness.claims.reading import Reading
from harness.claims.readings import Readings
from harness.claims.wording import (
    arithmetic_lines,
    computed_text,
    difference_text,
    formula_text,
    printed_text,
    source_text,
    stop,
    tried_lines,
    value_text,
)
from harness.run.results import CheckResult, ClaimResult, Route, TriedReading, UsedNumber, Verdict

Tables = dict[str, list[Readings]]


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


def _excused(reading: Reading, claim: Claim, tables: Tables) -> bool:
    """Whether a reading other than the plain one lets the printed statement stand."""
    if reading.excuse == "no" or not reading.agrees:
        return False
    if reading.excuse == "claim" or not claim.table:
        return True
    return all(member.fits(reading.followed) for member in tables[claim.table])


def _ends(interval: Interval) -> tuple[float, float] | None:
    return (float(interval.low), float(interval.high)) if interval.limited else None


def _used(ledger: Ledger, claim: Claim) -> list[UsedNumber]:
    entries = [ledger.number(key) for key in claim.relation.operands()] if claim.relation else []
    return [UsedNumber(id=e.id, place=e.place, printed=e.printed, unit=e.unit) for e in entries]


def _plain_fields(plain: Reading, claim: Claim, ledger: Ledger) -> dict[str, Any]:
    """The plain reading as fields of a result."""
    assert claim.relation is not None
    values = [value for _, value in plain.computed]
    return {
        "kind": claim.relation.kind,
        "formula": formula_text(plain.computed),
        "computed": "; ".join(value_text(value, plain) for value in values),
        "stands_for": plain.stands or "; ".join(dict.fromkeys(show(target) for _, target in plain.pairs)),
        "interval": _ends(Interval(min(v.low for v in values), max(v.high for v in values))),
        "target": _ends(plain.target),
        "bound": claim.relation.is_bound(),
        "used": _used(ledger, claim),
    }


def _tried(reading: Reading, excuses: bool) -> TriedReading:
    return TriedReading(
        name=reading.name,
        formula=formula_text(reading.computed),
        computed="; ".join(value_text(value, reading) for _, value in reading.computed),
        stands_for=reading.stands or show(reading.target),
        agrees=reading.agrees,
        excuses=excuses,
        notes=reading.notes,
    )


def _agreeing(ledger: Ledger, claim: Claim, plain: Reading) -> ClaimResult:
    source = source_text(ledger, claim)
    if claim.relation is not None and claim.relation.is_bound():
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
    reason = f"{stop(f'From {source}: {computed_text(plain)}')} {said}."
    fields = _plain_fields(plain, claim, ledger)
    return _result(ledger, claim, verdict, reason, arithmetic=arithmetic_lines(plain, claim, source), **fields)


def _recompute(ledger: Ledger, claim: Claim, found: Readings, tables: Tables) -> ClaimResult:
    assert claim.relation is not None
    plain = found.plain
    if plain.agrees:
        return _agreeing(ledger, claim, plain)
    source, others = source_text(ledger, claim), found.others
    excuses = [reading.name for reading in others if _excused(reading, claim, tables)]
    explained = [reading for reading in others if reading.agrees]
    lines = arithmetic_lines(plain, claim, source) + [
        line for reading in others for line in tried_lines(reading, claim)
    ]
    fields = _plain_fields(plain, claim, ledger) | {
        "arithmetic": lines,
        "readings": [_tried(reading, reading.name in excuses) for reading in others],
    }
    computed = stop(f"From {source}: {computed_text(plain)}")
    if excuses:
        said = f"Agrees only {', or '.join(excuses)}."
        return _result(ledger, claim, Verdict.CONSISTENT, f"{computed} {said}", explanation=said, **fields)
    reason = f"{printed_text(claim, plain)} {computed} {difference_text(plain)}"
    explanation = ""
    if explained:
        unfit = " (which does not fit the rest of the table)" if claim.table else ""
        names = [r.name + (unfit if r.excuse == "table" else "") for r in explained]
        explanation = f"It would agree {', or '.join(names)}."
        reason += f" {explanation}"
    elif others:
        reason += f" Tried in vain: {', '.join(r.name for r in others)}."
    unit = Fraction(0) if plain.stands else numbers(claim.printed)[0].step
    how = disagreement([plain, *others], unit, probability=claim.relation.probability)
    fields |= {
        "explanation": explanation,
        "disagreement": how.text,
        "half_widths": how.half_widths,
        "chance": how.chance,
    }
    return _result(ledger, claim, Verdict.CONTRADICTED, reason, **fields)


def _reversed(ledger: Ledger, claim: Claim, said: str) -> ClaimResult:
    """Limits that the paper prints in an impossible order: wrong whatever follows. Tells what they give exchanged."""
    assert claim.relation is not None
    other = claim.relation.exchanged()
    explanation = ""
    lines = [f"Printed: {said}."]
    if other is not None:
        turned = Readings(claim.model_copy(update={"relation": other}), ledger).plain
        explanation = f"{'It would agree' if turned.agrees else 'Tried in vain'}: with exchanged limits."
        lines += [f"With exchanged limits: {stop(computed_text(turned))} {difference_text(turned)}"]
    reason = f"The paper prints {said}: no numbers can be limits in this order. {explanation}".strip()
    fields = {"kind": claim.relation.kind, "used": _used(ledger, claim), "explanation": explanation}
    return _result(ledger, claim, Verdict.CONTRADICTED, reason, arithmetic=lines, **fields)


def cases_of(claim: Claim) -> list[str]:
    """The cases that the claim rests on, each once; none for a claim of another route."""
    return list(dict.fromkeys(pattern.partition("/")[0] for pattern in claim.checks))


def _commands(claim: Claim, *, together: bool) -> str:
    """What tests the claim. together: in one run, since a run of one case does not see the checks of another."""
    if together:
        return f"myorepro reproduce {' '.join(f'--case {case}' for case in cases_of(claim))}"
    return " and ".join(f"myorepro reproduce --case {case}" for case in cases_of(claim))


def _by_checks(ledger: Ledger, claim: Claim, checks: Sequence[CheckResult], chosen: Collection[str]) -> ClaimResult:
    """The verdict on a claim that rests on checks. chosen: the cases that were run; empty for all."""
    of_route = {f"{c.case}/{c.check}": c for c in checks if c.evidence == claim.route}
    named = [of_route[n] for n in sorted(of_route) if any(fnmatch.fnmatchcase(n, p) for p in claim.checks)]
    matched = [check for check in named if not check.skipped]
    undecided = [check for check in named if check.too_few]
    source = ", ".join(f"{c.case}/{c.check}" for c in matched)
    lines = [
        f"{c.case}/{c.check}: {'could not be measured' if c.broken else 'passed' if c.passed else 'failed'}"
        for c in matched
    ]
    agree = all(c.passed and not c.broken for c in matched)
    left = [case for case in cases_of(claim) if chosen and case not in chosen]
    if not matched or (agree and (undecided or left)):
        said = "Not checked in this run"
        if undecided:
            said = f"Not judged: {undecided[0].note}"
        elif matched:
            said = f"Not judged: it rests on {' and '.join(left)} too, which this run was not asked for"
        reason = f"{said}; test it with: {_commands(claim, together=bool(left))}"
        return _result(ledger, claim, Verdict.NOT_TESTABLE, reason, arithmetic=lines, evidence_from=source)
    if agree:
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
    if claim.bench:
        verdict, reason, lines = by_bench(claim)
        return _result(ledger, claim, verdict, reason, arithmetic=lines)
    return _result(ledger, claim, Verdict.NOT_TESTABLE, f"Needs {claim.needs}; test it with: {claim.command}")


def judge_ledger(ledger: Ledger, checks: Sequence[CheckResult]) -> list[ClaimResult]:
    """Verdicts on one paper's claims, in the ledger's order. Raises RequestFault for a relation without a value, and
    for limits in an impossible order that are not marked as printed so."""
    known: dict[str, Readings] = {}
    reversed_limits: dict[str, ClaimResult] = {}
    for claim in (c for c in ledger.claims if c.relation):
        where = f"{ledger.where(claim.id)}, claims entry {claim.id}"
        if slip := impossible(claim, ledger):
            fix = "correct the entry, or say as_printed = true at it when the paper prints it so"
            raise RequestFault(slip, where=where, fix=fix)
        if said := as_printed(claim, ledger):
            reversed_limits[claim.id] = _reversed(ledger, claim, said)
            continue
        known[claim.id] = Readings(claim, ledger)
        try:
            _ = known[claim.id].plain
        except (ZeroDivisionError, ValueError) as error:
            raise RequestFault(
                f"its relation has no value ({error})", where=where, fix="correct the relation"
            ) from error
    tables: Tables = defaultdict(list)
    for claim in ledger.claims:
        if claim.id in known and claim.table:
            tables[claim.table].append(known[claim.id])
    results = []
    for claim in ledger.claims:
        if claim.id in reversed_limits:
            results.append(reversed_limits[claim.id])
        elif claim.relation:
            results.append(_recompute(ledger, claim, known[claim.id], tables))
        elif claim.checks:
            results.append(_by_checks(ledger, claim, checks, ()))
        else:
            results.append(_not_here(ledger, claim))
    return gathered(results, equalities(ledger))


def judge(checks: list[CheckResult], chosen: Collection[str] = ()) -> list[ClaimResult]:
    """Verdicts on all claims of all papers, by paper and then in the ledger's order. Raises RequestFault.

    chosen: the cases that were run, where only some were: then only the claims are judged that rest on one of them.
    """
    if not chosen:
        return [result for ledger in ledgers() for result in judge_ledger(ledger, checks)]
    return [
        _by_checks(ledger, claim, checks, chosen)
        for ledger in ledgers()
        for claim in ledger.claims
        if set(cases_of(claim)) & set(chosen)
    ]


__all__ = ["findings", "judge", "judge_ledger"]
