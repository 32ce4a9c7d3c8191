"""Numbers that bound each other."""

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Literal, Self

from pydantic import Field

from harness.claims.interval import Interval, product, show
from harness.claims.ledger import Claim
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Ref
from harness.claims.source import Source


class AtMost(Relation):
    """product of the factors is at most the product of the limits: a bound can be broken, not reproduced."""

    kind: Literal["at_most"]
    """Names the relation in the ledger."""

    in_words = "product of the factors, at most that of the limits; a tie contradicts nothing"
    factors: list[Ref] = Field(min_length=1)
    """Ids of the numbers whose product is bounded."""
    limit: list[Ref] = Field(min_length=1)
    """Ids of the numbers whose product is the bound."""

    bounds_only = True
    statement = True

    examples = (
        Example({"a": "2", "b": "3", "c": "7"}, {"factors": ["a", "b"], "limit": ["c"]}, "at most", changed={"c": "5"}),
    )

    def compute(self, source: Source) -> Terms:
        return [(source.texts(self.factors, " × "), product(source.intervals(self.factors)))]

    def against(self, claim: Claim, source: Source, reading: Reading) -> Reading:
        limit = product(source.intervals(self.limit))
        target = Interval(min(Fraction(0), reading.computed[0][1].low), limit.high)
        stands = f"it may be at most {source.texts(self.limit, ' × ')} = {show(limit)}"
        return replace(reading, target=target, stands=stands, within="the limit")


class Within(Relation):
    """low <= claim <= high: a bound."""

    kind: Literal["within"]
    """Names the relation in the ledger."""

    in_words = "between low and high; a tie contradicts nothing"
    low: Ref
    """Id of the lower bound."""
    high: Ref
    """Id of the upper bound."""

    bounds_only = True

    examples = (Example({"a": "1.00", "b": "3.00"}, {"low": "a", "high": "b"}, "2.5", "3.5"),)

    def compute(self, source: Source) -> Terms:
        low, high = source.interval(self.low), source.interval(self.high)
        if low.low > high.high:
            raise ValueError(f"{source.text(self.low)} is above {source.text(self.high)}")
        text = f"anything from {source.text(self.low)} to {source.text(self.high)}"
        return [(text, Interval(low.low, high.high))]

    def limits(self) -> Iterable[tuple[None, str, str]]:
        return [(None, self.low, self.high)]

    def exchanged(self) -> Self:
        return self.swapped("low", "high")


class Order(Relation):
    """The claim states that one printed number exceeds another: a bound, and only ever a statement about them."""

    kind: Literal["order"]
    """Names the relation in the ledger."""

    in_words = "that one number exceeds another; a tie contradicts nothing"
    larger: Ref
    """Id of the number that is said to be larger."""
    smaller: Ref
    """Id of the number that is said to be smaller."""

    bounds_only = True
    statement = True
    cut_off = False

    examples = (Example({"a": "3", "b": "2"}, {"larger": "a", "smaller": "b"}, "more", changed={"b": "4"}),)

    def compute(self, source: Source) -> Terms:
        formula = f"{source.text(self.larger)} − {source.text(self.smaller)}"
        return [(formula, source.interval(self.larger) - source.interval(self.smaller))]

    def against(self, claim: Claim, source: Source, reading: Reading) -> Reading:
        larger, smaller = source.text(self.larger), source.text(self.smaller)
        stands = f"{larger} is stated to exceed {smaller}: their difference is not below zero"
        return replace(reading, target=Interval.at_least(Fraction(0)), stands=stands, within="what is stated")
