"""Groups that are cut off at a quantile."""

from fractions import Fraction
from typing import Literal

from harness.claims.candidates import Candidate, made
from harness.claims.interval import Interval
from harness.claims.ledger import Claim
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Ref, Share
from harness.claims.source import Source


class QuantileSize(Relation):
    """claim = size of a group cut off at a quantile of `whole` persons: share x whole, rounded either way."""

    kind: Literal["quantile_size"]
    """Names the relation in the ledger."""

    in_words = "persons beyond a quantile"
    excused = "a tie"
    explained = "the other side"
    whole: Ref
    """Id of the number of persons that the quantile is of."""
    share: Share
    """Share of the persons in the group, as `1/3` or `0.25`."""

    cut_off = False

    examples = (Example({"n": "100"}, {"whole": "n", "share": "1/3"}, "34", "36"),)

    def compute(self, source: Source) -> Terms:
        """share x whole, rounded down or up: a quantile of whole persons cuts off one of the two."""
        exact = source.count(self.whole).scaled(Fraction(self.share))
        sizes = Interval(Fraction(exact.low.__floor__()), Fraction(exact.high.__ceil__()))
        return [(f"{source.text(self.whole)} × {self.share}, down or up to a whole person,", sizes)]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        formula, sizes = self.compute(source)[0]
        rest = QuantileSize(kind="quantile_size", whole=self.whole, share=_rest(self.share))
        return made(
            [
                Candidate(
                    "with a tie at the quantile",
                    "claim",
                    lambda: [(f"{formula} and one more or less", Interval(sizes.low - 1, sizes.high + 1))],
                ),
                Candidate("as the group on the other side of the quantile", "no", lambda: rest.compute(source)),
            ],
            source.target(claim),
        )


def _rest(share: str) -> str:
    rest = 1 - Fraction(share)
    return f"{rest.numerator}/{rest.denominator}"
