"""Small ledgers for the tests of the engine."""

from typing import Any

from harness.claims import judge_ledger
from harness.claims.ledger import Claim, Ledger, Number
from harness.run.results import ClaimResult

BASE = {"place": "Table 1", "unit": "1"}


def ledger(
    numbers: dict[str, str],
    claims: list[dict[str, Any]],
    exact: set[str] | None = None,
    units: dict[str, str] | None = None,
) -> Ledger:
    """numbers: printed strings by id; a string without a point is an exact count unless it is in `exact` = set()."""
    counts = {key for key, text in numbers.items() if text.replace(",", "").isdigit()} if exact is None else exact
    unit = units or {}
    return Ledger(
        schema_version="1.0",
        paper="p",
        reference="r",
        numbers=[
            Number.model_validate({**BASE, "unit": unit.get(k, "1"), "id": k, "printed": v, "exact": k in counts})
            for k, v in numbers.items()
        ],
        claims=[Claim.model_validate({**BASE, "quantity": c["id"], "route": "recompute", **c}) for c in claims],
    )


def judged(numbers: dict[str, str], printed: str, relation: dict[str, Any], **more: Any) -> ClaimResult:
    """The verdict on one claim. more: fields of the claim; exact_numbers and units of the numbers."""
    exact, units = more.pop("exact_numbers", None), more.pop("units", None)
    claim = {"id": "claim", "printed": printed, "relation": relation, **more}
    return judge_ledger(ledger(numbers, [claim], exact, units), [])[0]
