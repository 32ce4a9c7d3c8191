"""Means of a quantity over squared height."""

from dataclasses import replace
from fractions import Fraction
from typing import Literal

from pydantic import Field

from containers.contract.request import Strict
from harness.claims.interval import Interval, show
from harness.claims.ledger import Claim
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Decimal, Ref
from harness.claims.source import Source


class UnitReading(Strict):
    """Another unit in which the number would hold, with the factor from the relation's basic unit to it."""

    unit: str
    """The unit, as it is named in the explanation."""
    scale: Decimal
    """Factor from the relation's basic unit to it."""


class HeightIndex(Relation):
    """claim = mean of (quantity / height^2), bounded by the mean quantity and by limits on every height.

    The mean of a ratio is not the ratio of means, so the bound is mean / limit^2 with all heights inside the limits.
    """

    kind: Literal["height_index"]
    """Names the relation in the ledger."""

    in_words = "mean of quantity / height²"
    explained = "the other units"
    quantity: Ref
    """Id of the mean quantity."""
    height_cm: Ref
    """Id of the mean height in cm."""
    height_limits_m: tuple[Decimal, Decimal]
    """Lowest and highest height that a participant may have, in m."""
    other_units: list[UnitReading] = Field(default_factory=list)
    """Units that are tried to explain a mismatch; they never excuse it."""

    bounds_only = True
    cut_off = False

    examples = (
        Example(
            {"a": "10.0", "h": "170"},
            {
                "quantity": "a",
                "height_cm": "h",
                "height_limits_m": ["1.4", "2.1"],
                "other_units": [{"unit": "cm", "scale": "10"}],
            },
            "3.5",
            "8.0",
        ),
    )

    def compute(self, source: Source) -> Terms:
        low, high = (Fraction(limit) for limit in self.height_limits_m)
        bound = source.interval(self.quantity) / Interval(low, high).square()
        return [(f"{source.text(self.quantity)} / (any height in m)²", bound)]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        formula, bound = self.compute(source)[0]
        return [
            Reading(
                f"in {other.unit}", [(f"{formula} × {other.scale}", bound.scaled(other.scale))], source.target(claim)
            )
            for other in self.other_units
        ]

    def against(self, claim: Claim, source: Source, reading: Reading) -> Reading:
        ratio = source.interval(self.quantity) / source.interval(self.height_cm).scaled(Fraction(1, 100)).square()
        mean_height = source.text(self.height_cm)
        note = f"For orientation: mean over squared mean height ({mean_height} cm) is {show(ratio)}."
        return replace(reading, notes=[*reading.notes, note])

    def premises(self) -> list[str]:
        low, high = self.height_limits_m
        return [f"Assumption (not in the paper): every height lies between {low} and {high} m."]
