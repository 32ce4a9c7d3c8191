"""A made table: true values, the way they are printed, and the ledger that an auditor would write of it."""

import random
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from harness.claims.ledger import Claim, Ledger, Number

ROUNDINGS = {"half-up": ROUND_HALF_UP, "half-even": ROUND_HALF_EVEN, "cut off": ROUND_DOWN}


@dataclass
class Sheet:
    """Printed numbers and claims of one table."""

    draw: random.Random
    """Source of the table's random numbers."""
    depth: int
    """Digits after the point of means and ratios; one less for percentages, one more for p values."""
    rounding: str = "half-up"
    """The rounding convention of the whole table."""
    fault: str = ""
    """Name of the error to make; empty for a clean table."""
    seeded: str = ""
    """What was done wrong, in words; empty while nothing was."""
    numbers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Helper numbers of the ledger, by id."""
    claims: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Claims of the ledger, by id."""

    def printed(self, value: float, digits: int) -> str:
        """A value as the table prints it."""
        return str(Decimal(value).quantize(Decimal(1).scaleb(-digits), rounding=ROUNDINGS[self.rounding]))

    def _text(self, value: float, digits: int | None) -> str:
        return str(round(value)) if digits is None else self.printed(value, digits)

    def p_text(self, p: float) -> str:
        """A p value: a bound where the digits end."""
        digits = self.depth + 1
        return f"<{self.printed(10**-digits, digits)}" if p < 10**-digits else self.printed(p, digits)

    def number(self, key: str, value: float, digits: int | None = None, unit: str = "1") -> str:
        """A printed number: a count without `digits`. Returns its id."""
        text = self._text(value, digits)
        self.numbers[key] = {"id": key, "place": "Table", "printed": text, "unit": unit, "exact": digits is None}
        return key

    def claim(self, key: str, value: float | str, digits: int | None, relation: dict[str, Any], unit: str = "1") -> str:
        """A printed number with the relation it must satisfy; a text is printed as it is. Returns its id."""
        text = value if isinstance(value, str) else self._text(value, digits)
        self.claims[key] = {
            "id": key,
            "place": "Table",
            "quantity": key,
            "printed": text,
            "unit": unit,
            "exact": digits is None and not isinstance(value, str),
            "route": "recompute",
            "table": "t",
            "relation": relation,
        }
        return key

    def wrong(self, name: str) -> bool:
        """Whether this is the error to make here; notes that it was made."""
        if self.fault != name:
            return False
        self.seeded = name
        return True

    def ledger(self) -> Ledger:
        """What an auditor would write down."""
        return Ledger(
            schema_version="1.0",
            paper="made",
            reference="none",
            numbers=[Number.model_validate(entry) for entry in self.numbers.values()],
            claims=[Claim.model_validate(entry) for entry in self.claims.values()],
        )
