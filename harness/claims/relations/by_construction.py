"""Values that hold for any data."""

from typing import Literal

from pydantic import Field

from harness.claims.interval import Interval
from harness.claims.reading import Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Decimal
from harness.claims.source import Source


class ByConstruction(Relation):
    """claim = a value that holds for any data: it says nothing of them."""

    kind: Literal["by_construction"]
    """Names the relation in the ledger."""

    in_words = "a value that holds for any data"
    value: Decimal
    """The value that holds for any data, in the claim's unit."""
    reason: str = Field(min_length=1)
    """Why it holds for any data."""

    bounds_only = True
    cut_off = False

    examples = (Example({}, {"value": "1", "reason": "slope of a model on its own data"}, "1.00", "0.97"),)

    def compute(self, source: Source) -> Terms:
        return [(f"for any data ({self.reason})", Interval.point(self.value))]
