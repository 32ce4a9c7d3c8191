"""Effects that follow from ratios: per several units, or combined."""

from fractions import Fraction
from typing import Literal

from pydantic import Field, model_validator

from harness.claims.candidates import Candidate, made
from harness.claims.interval import product, total
from harness.claims.ledger import Claim
from harness.claims.mathematics.ratio import ONE, minus, powers_text, signed_power
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Ref, Signed
from harness.claims.source import Source


class RatioPower(Relation):
    """claim = ratio ** power: an effect per k units from the effect per one, or with power -1 the reciprocal."""

    kind: Literal["ratio_power"]
    """Names the relation in the ledger."""

    in_words = "effect per k units, reciprocal"
    explained = "linear scale, multiple, reciprocal"
    ratio: Ref
    """Id of the ratio per one unit."""
    power: Signed
    """The power, as a decimal number with sign."""

    examples = (
        Example({"a": "1.10"}, {"ratio": "a", "power": "5"}, "1.61", "1.70"),
        Example({"a": "4.000"}, {"ratio": "a", "power": "0.5"}, "2.000", "2.010"),
    )

    def compute(self, source: Source) -> Terms:
        text = f"{source.text(self.ratio)}^{minus(self.power)}"
        return [(text, signed_power(source.interval(self.ratio), self.power))]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        ratio, text = source.interval(self.ratio), source.text(self.ratio)
        power = Fraction(self.power)

        def linear() -> Terms:
            return [(f"1 + {self.power} × ({text} − 1)", ONE + (ratio - ONE).scaled(power))]

        def times() -> Terms:
            return [(f"{self.power} × {text}", ratio.scaled(power))]

        inverse = f"-{self.power}".replace("--", "")
        return made(
            [
                Candidate("on the linear scale", "no", linear),
                Candidate("as a multiple", "no", times),
                Candidate(
                    "as the reciprocal", "no", lambda: [(powers_text([text], [inverse]), signed_power(ratio, inverse))]
                ),
            ],
            source.target(claim),
        )


class CombinedRatio(Relation):
    """claim = product of ratio ** power: effects that add on the log scale, an interaction as one more ratio."""

    kind: Literal["combined_ratio"]
    """Names the relation in the ledger."""

    in_words = "product of powers"
    explained = "linear scale, without the last factor, reciprocal"
    ratios: list[Ref] = Field(min_length=2)
    """Ids of the ratios that are multiplied."""
    powers: list[Signed] = Field(default_factory=list)
    """Power of each ratio, as decimal numbers with sign; empty where all are 1."""

    examples = (
        Example(
            {"a": "1.200", "b": "1.500", "c": "2.000"},
            {"ratios": ["a", "b", "c"], "powers": ["1", "2", "-1"]},
            "1.35",
            "1.38",
        ),
    )

    @model_validator(mode="after")
    def _one_power_per_ratio(self) -> "CombinedRatio":
        if self.powers and len(self.powers) != len(self.ratios):
            raise ValueError("powers must have one entry per ratio")
        return self

    def compute(self, source: Source) -> Terms:
        return combined(self.ratios, self.powers or ["1"] * len(self.ratios), source)

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        powers = self.powers or ["1"] * len(self.ratios)

        def added() -> Terms:
            parts = [signed_power(source.interval(r), p) - ONE for r, p in zip(self.ratios, powers, strict=True)]
            texts = powers_text([source.text(r) for r in self.ratios], powers).replace(" × ", " + ")
            return [(f"{texts} − {len(parts) - 1}", ONE + total(parts))]

        candidates = [Candidate("with effects that add on the linear scale", "no", added)]
        if len(self.ratios) > 2:
            candidates.append(
                Candidate("without the last factor", "no", lambda: combined(self.ratios[:-1], powers[:-1], source))
            )
        inverse = [f"-{p}".replace("--", "") for p in powers]
        candidates.append(Candidate("as the reciprocal", "no", lambda: combined(self.ratios, inverse, source)))
        return made(candidates, source.target(claim))


def combined(ratios: list[str], powers: list[str], source: Source) -> Terms:
    """Product of ratio ** power."""
    values = [signed_power(source.interval(r), p) for r, p in zip(ratios, powers, strict=True)]
    return [(powers_text([source.text(r) for r in ratios], powers), product(values))]
