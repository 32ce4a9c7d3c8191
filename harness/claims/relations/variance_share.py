"""Shares of a sum of variances."""

from typing import Literal

from pydantic import Field

from harness.claims.candidates import Candidate, made
from harness.claims.interval import Interval, total
from harness.claims.ledger import Claim
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Ref
from harness.claims.source import Source


class VarianceShare(Relation):
    """claim = 100 part / (part + others), in per cent."""

    kind: Literal["variance_share"]
    """Names the relation in the ledger."""

    in_words = "100 part / sum"
    explained = "printed numbers are SDs, shares of SDs, relative to the others"
    part: Ref
    """Id of the variance whose share is claimed."""
    others: list[Ref] = Field(min_length=1)
    """Ids of the other variances of the same sum."""

    examples = (Example({"a": "1.000", "b": "2.000", "c": "1.000"}, {"part": "a", "others": ["b", "c"]}, "25", "26"),)

    def compute(self, source: Source) -> Terms:
        found = share_of_sum(source.count(self.part), total(source.count(key) for key in self.others))
        part = source.text(self.part)
        return [(f"100 × {part} / ({part} + {source.texts(self.others, ' + ')})", found)]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        part, others = source.count(self.part), [source.count(key) for key in self.others]
        text, rest = source.text(self.part), source.texts(self.others, " + ")
        squares = " + ".join(f"{source.text(key)}²" for key in self.others)

        return made(
            [
                Candidate(
                    "if the printed numbers are standard deviations",
                    "no",
                    lambda: [(f"100 × {text}² / ({text}² + {squares})", share_of_sum(part.square(), _squares(others)))],
                ),
                Candidate(
                    "if they are variances and shares were made of standard deviations",
                    "no",
                    lambda: [
                        (f"100 × √{text} / (√{text} + √ of the others)", share_of_sum(part.root(), _roots(others)))
                    ],
                ),
                Candidate(
                    "relative to the others alone",
                    "no",
                    lambda: [(f"100 × {text} / ({rest})", (part / total(others)).scaled(100))],
                ),
            ],
            source.target(claim),
        )


def share_of_sum(part: Interval, others: Interval) -> Interval:
    """100 part / (part + others): rises with the part and falls with the others."""
    if part.low < 0 or others.low < 0 or part.high + others.low <= 0 or part.low + others.high <= 0:
        raise ValueError("variances must not be negative, nor all zero")
    return Interval(part.low / (part.low + others.high), part.high / (part.high + others.low)).scaled(100)


def _squares(values: list[Interval]) -> Interval:
    return total(value.square() for value in values)


def _roots(values: list[Interval]) -> Interval:
    return total(value.root() for value in values)
