"""Estimates in the middle of their limits."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Literal, Self

from harness.claims.candidates import Candidate, made
from harness.claims.interval import Interval
from harness.claims.ledger import Claim
from harness.claims.mathematics.confidence import Scale, half_width
from harness.claims.mathematics.ratio import ratio_log
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Ref
from harness.claims.source import Source

OFF_CENTRE = Fraction(1, 10)
"""Share of their width that profile-likelihood or bootstrap limits may lie off centre before it is a contradiction."""


class IntervalCentre(Relation):
    """claim = the estimate that lies in the middle of its own limits."""

    kind: Literal["interval_centre"]
    """Names the relation in the ledger."""

    in_words = "middle of its limits (**b** with `method`)"
    excused = "off centre by a tenth of the width"
    explained = "the other scale"
    low: Ref
    """Id of the lower limit."""
    high: Ref
    """Id of the upper limit."""
    scale: Scale = "linear"
    """Scale on which the limits are symmetric; `log` for ratios."""
    method: str = ""
    """How limits were made that are not symmetric (bootstrap, profile), which makes it a bound; otherwise empty."""

    examples = (
        Example({"l": "0.50", "h": "2.00"}, {"low": "l", "high": "h", "scale": "log"}, "1.00", "1.75"),
        Example({"l": "1.0", "h": "3.0"}, {"low": "l", "high": "h"}, "2.0", "2.8"),
        Example({"l": "1.0", "h": "3.0"}, {"low": "l", "high": "h", "method": "bootstrap"}, "2.5", "3.5"),
    )

    def compute(self, source: Source) -> Terms:
        if self.method:
            low, high = source.interval(self.low), source.interval(self.high)
            text = f"anything from {source.text(self.low)} to {source.text(self.high)}"
            return [(text, Interval(min(low.low, high.low), max(low.high, high.high)))]
        return interval_centre(self.low, self.high, self.scale, source)

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        if self.method:
            return []
        other: Scale = "log" if self.scale == "linear" else "linear"

        def off_centre() -> Terms:
            """The centre, moved by up to a tenth of the width on the scale."""
            low, high = source.interval(self.low), source.interval(self.high)
            shift = half_width(low, high, self.scale).scaled(2 * OFF_CENTRE)
            reach = Interval(-shift.high, shift.high)
            formula, centre = interval_centre(self.low, self.high, self.scale, source)[0]
            moved = (ratio_log(centre) + reach).exp() if self.scale == "log" else centre + reach
            return [(f"{formula}, moved by up to a tenth of the width,", moved)]

        return made(
            [
                Candidate("with limits a little off centre, as profile and bootstrap limits are", "claim", off_centre),
                Candidate(
                    f"with limits made on the {other} scale",
                    "no",
                    lambda: interval_centre(self.low, self.high, other, source),
                ),
            ],
            source.target(claim),
        )

    def limits(self) -> Iterable[tuple[None, str, str]]:
        return [(None, self.low, self.high)]

    def exchanged(self) -> Self:
        return self.swapped("low", "high")

    def is_bound(self) -> bool:
        return bool(self.method)

    def premises(self) -> list[str]:
        return [f"Limits by {self.method} need not be symmetric: they only hold the estimate."] if self.method else []


def interval_centre(low_key: str, high_key: str, scale: Scale, source: Source) -> Terms:
    """Middle of two limits, on the scale they were made on."""
    low, high = source.interval(low_key), source.interval(high_key)
    texts = source.text(low_key), source.text(high_key)
    if scale == "linear":
        return [(f"({texts[0]} + {texts[1]}) / 2", (low + high).scaled(Fraction(1, 2)))]
    middle = (ratio_log(low) + ratio_log(high)).scaled(Fraction(1, 2)).exp()
    return [(f"√({texts[0]} × {texts[1]})", middle)]
