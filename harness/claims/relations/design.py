"""What the design of a study bounds: a pooled effect by its strata, degrees of freedom by clusters."""

from dataclasses import replace
from typing import Literal

from pydantic import Field

from harness.claims.interval import Interval, decimal
from harness.claims.ledger import Claim
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Decimal, Ref
from harness.claims.source import Source


class PooledWithin(Relation):
    """claim = a pooled effect, which lies between the smallest and the largest of its strata: a bound.

    It holds for a weighted mean of the strata and for an effect adjusted for what they are made by. A crude effect need
    not lie between them (Simpson's paradox): do not use it there.
    """

    kind: Literal["pooled_within"]
    """Names the relation in the ledger."""

    in_words = "between the strata (adjusted or weighted effects only)"
    strata: list[Ref] = Field(min_length=2)
    """Ids of the effects of the strata."""

    bounds_only = True

    examples = (Example({"a": "0.76", "b": "0.84"}, {"strata": ["a", "b"]}, "0.80", "0.86"),)

    def compute(self, source: Source) -> Terms:
        strata = source.intervals(self.strata)
        text = f"anything from the smallest to the largest of {source.texts(self.strata, ', ')}"
        return [(text, Interval(min(s.low for s in strata), max(s.high for s in strata)))]

    def premises(self) -> list[str]:
        return ["Assumption: the pooled effect is adjusted for what the strata are made by; a crude one need not be."]


class DfAtMost(Relation):
    """claim = degrees of freedom, which cannot exceed clusters - parameters: a bound."""

    kind: Literal["df_at_most"]
    """Names the relation in the ledger."""

    in_words = "at most clusters − parameters"
    clusters: Ref
    """Id of the number of clusters."""
    parameters: Decimal = "1"
    """Number of parameters that were estimated, as a decimal number."""

    bounds_only = True

    examples = (Example({"k": "14"}, {"clusters": "k"}, "13.0", "13.4"),)

    def compute(self, source: Source) -> Terms:
        formula = f"{source.text(self.clusters)} − {self.parameters}"
        return [(formula, source.interval(self.clusters) - Interval.point(self.parameters))]

    def against(self, claim: Claim, source: Source, reading: Reading) -> Reading:
        least = reading.target.low
        stands = f"at least {decimal(least)} clusters less parameters are needed for {claim.printed}"
        return replace(reading, target=Interval.at_least(least), stands=stands, within="what is needed")
