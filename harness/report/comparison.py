"""Two implementations digit by digit: what the steps of kind `compare` found, in the order that a reader wants.

Invariant: every number of both records is counted: compared, in one record only, undefined in both, or left out by
the case. A comparison that was not made has a row that says why.
"""

import json

from harness.run.case import Case
from harness.run.outcome import Outcome
from harness.run.results import ComparedNumber, ComparedQuantity, Comparison
from harness.run.steps.compare import Compare
from harness.text import plural

MOST_ROWS = 200
"""Rows that the report holds; the file of differences has all."""
SHOWN_QUANTITIES = 12
"""Quantities that the page shows before the reader opens the others."""


def comparison(case: Case, step: str, spec: Compare, item: str, outcome: Outcome) -> Comparison:
    """One item of a `compare` step for the results. Raises OSError or ValueError for a file that is not its own."""
    made = Comparison(case=case.name, step=step, item=item, evidence=case.evidence, left=spec.left, right=spec.right)
    place = outcome.output("differences")
    if outcome.status != "ok" or outcome.record is None or place is None:
        return made.model_copy(update={"problem": outcome.line or "no file of differences"})
    found = json.loads(place.read_text(encoding="utf-8"))
    rows = sorted((ComparedNumber.model_validate(row) for row in found["rows"]), key=_badness)
    return made.model_copy(
        update={
            "left": found["left"],
            "right": found["right"],
            "left_out": int(outcome.record.metrics["left_out"].value or 0),
            "left_out_patterns": spec.leave_out,
            "quantities": _quantities(rows),
            "rows": rows[:MOST_ROWS],
            "rows_total": len(rows),
            "differences": f"{case.name}/{step}/{item}/{place.name}",
        }
    )


def one_sided(row: ComparedNumber) -> bool:
    """Whether only one record has a number."""
    return (row.left is None) != (row.right is None)


def _badness(row: ComparedNumber) -> tuple[bool, bool, float, str]:
    """Sorts one-sided numbers first, then by relative difference; what is undefined in both comes last."""
    return not one_sided(row), row.relative is None, -(row.relative or 0.0), row.name


def _quantities(rows: list[ComparedNumber]) -> list[ComparedQuantity]:
    """A line for each quantity of rows that are sorted, in the same order."""
    groups: dict[str, list[ComparedNumber]] = {}
    for row in rows:
        groups.setdefault(row.name.split(".", 1)[0], []).append(row)
    return [
        ComparedQuantity(
            quantity=quantity,
            compared=sum(row.relative is not None for row in of_it),
            one_sided=sum(one_sided(row) for row in of_it),
            undefined=sum(row.left is None and row.right is None for row in of_it),
            worst=next((row for row in of_it if row.relative is not None), None),
        )
        for quantity, of_it in groups.items()
    ]


def shown(found: Comparison) -> tuple[list[ComparedQuantity], list[ComparedQuantity]]:
    """The worst quantities, with every one that has one-sided numbers; and the others."""
    first = max(SHOWN_QUANTITIES, sum(q.one_sided > 0 for q in found.quantities))
    return found.quantities[:first], found.quantities[first:]


def line(found: Comparison) -> str:
    """What was compared and how far it agrees, in one sentence."""
    if found.problem:
        return f"{found.left} and {found.right} were not compared: {found.problem}."
    totals = {name: sum(getattr(q, name) for q in found.quantities) for name in ("compared", "one_sided", "undefined")}
    worst = max((q.worst for q in found.quantities if q.worst), key=lambda row: row.relative or 0.0, default=None)
    parts = [f"{plural(totals['compared'], 'number')} of {found.left} and {found.right} compared"]
    if worst is not None:
        parts.append(f"fewest digits that agree: {worst.digits} ({worst.name})")
    parts.append(f"{totals['one_sided']} in one of them only")
    if totals["undefined"]:
        parts.append(f"{totals['undefined']} undefined in both")
    patterns = f" ({', '.join(found.left_out_patterns)})" if found.left_out_patterns else ""
    return f"{', '.join(parts)}, {found.left_out} left out{patterns}."
