"""Plain arithmetic of printed numbers."""

from typing import Literal

from pydantic import Field

from harness.claims.interval import product, total
from harness.claims.reading import Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Ref
from harness.claims.source import Source


class Sum(Relation):
    """claim = sum of the parts."""

    kind: Literal["sum"]
    """Names the relation in the ledger."""

    in_words = "sum of the parts"
    parts: list[Ref] = Field(min_length=2)
    """Ids of the numbers that are added, two or more."""

    examples = (Example({"a": "1.2", "b": "2.3"}, {"parts": ["a", "b"]}, "3.5", "3.8"),)

    def compute(self, source: Source) -> Terms:
        return [(source.texts(self.parts, " + "), total(source.intervals(self.parts)))]


class Difference(Relation):
    """claim = minuend - subtrahend."""

    kind: Literal["difference"]
    """Names the relation in the ledger."""

    in_words = "minuend − subtrahend"
    minuend: Ref
    """Id of the number that is subtracted from."""
    subtrahend: Ref
    """Id of the number that is subtracted."""

    examples = (Example({"a": "3.5", "b": "1.2"}, {"minuend": "a", "subtrahend": "b"}, "2.3", "2.6"),)

    def compute(self, source: Source) -> Terms:
        formula = f"{source.text(self.minuend)} − {source.text(self.subtrahend)}"
        return [(formula, source.interval(self.minuend) - source.interval(self.subtrahend))]


class Product(Relation):
    """claim = product of the factors."""

    kind: Literal["product"]
    """Names the relation in the ledger."""

    in_words = "product of the factors"
    factors: list[Ref] = Field(min_length=2)
    """Ids of the numbers that are multiplied, two or more."""

    examples = (Example({"a": "1.5", "b": "2.0"}, {"factors": ["a", "b"]}, "3.0", "3.4"),)

    def compute(self, source: Source) -> Terms:
        return [(source.texts(self.factors, " × "), product(source.intervals(self.factors)))]


class Quotient(Relation):
    """claim = dividend / divisor."""

    kind: Literal["quotient"]
    """Names the relation in the ledger."""

    in_words = "dividend / divisor"
    dividend: Ref
    """Id of the number that is divided."""
    divisor: Ref
    """Id of the number that it is divided by."""

    examples = (Example({"a": "3.0", "b": "1.5"}, {"dividend": "a", "divisor": "b"}, "2.0", "2.3"),)

    def compute(self, source: Source) -> Terms:
        formula = f"{source.text(self.dividend)} / {source.text(self.divisor)}"
        return [(formula, source.interval(self.dividend) / source.interval(self.divisor))]
