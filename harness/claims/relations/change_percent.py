"""Ratios as changes in per cent."""

from dataclasses import replace
from typing import Literal

from harness.claims.candidates import Candidate, made
from harness.claims.interval import Interval
from harness.claims.ledger import Claim
from harness.claims.mathematics.ratio import ONE
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Ref
from harness.claims.source import Source


class ChangePercent(Relation):
    """claim = 100 |ratio - 1|, in per cent."""

    kind: Literal["change_percent"]
    """Names the relation in the ledger."""

    in_words = "100 |ratio − 1|"
    explained = "relative to the other group, per cent of, log scale"
    ratio: Ref
    """Id of the ratio."""

    examples = (Example({"a": "0.800"}, {"ratio": "a"}, "20", "25"),)

    def compute(self, source: Source) -> Terms:
        """Without its sign: papers print a decrease of 20 % and −20 % alike."""
        change = (source.interval(self.ratio) - ONE).scaled(100)
        return [(f"100 × ({source.text(self.ratio)} − 1)", change)]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        ratio, text = source.interval(self.ratio), source.text(self.ratio)

        def reciprocal() -> Terms:
            return change_terms(claim, [(f"100 × (1 / {text} − 1)", (ONE / ratio - ONE).scaled(100))])

        return made(
            [
                Candidate("relative to the other group", "no", reciprocal),
                Candidate(
                    "as per cent of, not more or less than", "no", lambda: [(f"100 × {text}", ratio.scaled(100))]
                ),
                Candidate("on the log scale", "no", lambda: change_terms(claim, [_hundred_logs(text, ratio)])),
            ],
            source.target(claim),
        )

    def against(self, claim: Claim, source: Source, reading: Reading) -> Reading:
        return replace(reading, computed=change_terms(claim, reading.computed))


def change_terms(claim: Claim, terms: Terms) -> Terms:
    """Without sign unless the claim is printed with one: `reduced by 20 %` and `−20 %` say the same."""
    if claim.parsed()[0].value < 0:
        return terms
    return [(formula if value.low >= 0 else f"|{formula}|", value.absolute()) for formula, value in terms]


def _hundred_logs(text: str, ratio: Interval) -> tuple[str, Interval]:
    return f"100 × ln {text}", ratio.log().scaled(100)
