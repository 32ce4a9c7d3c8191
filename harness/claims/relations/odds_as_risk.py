"""Odds ratios that are worded as ratios of risks."""

from dataclasses import replace
from fractions import Fraction
from typing import Literal

from harness.claims.candidates import Candidate, made, suffixed
from harness.claims.interval import Interval
from harness.claims.ledger import Claim
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Ref
from harness.claims.source import Source


class OddsAsRisk(Relation):
    """claim says of a risk what the odds ratio says of odds: the ratio of risks that it means at the baseline risk.

    RR = OR / (1 - p0 + p0 OR) (Zhang and Yu 1998). A bound: at a low baseline both agree.
    """

    kind: Literal["odds_as_risk"]
    """Names the relation in the ledger."""

    in_words = "risk ratio that the odds ratio means"
    explained = "said of the odds"
    odds_ratio: Ref
    """Id of the odds ratio."""
    baseline_percent: Ref
    """Id of the baseline risk, in %."""

    bounds_only = True

    examples = (
        Example({"a": "3.000", "p": "50.0"}, {"odds_ratio": "a", "baseline_percent": "p"}, "1.5", "3.0"),
        Example({"a": "3.000", "p": "50.0"}, {"odds_ratio": "a", "baseline_percent": "p"}, "50", "200", "%"),
    )

    def compute(self, source: Source) -> Terms:
        odds = source.interval(self.odds_ratio)
        baseline = source.interval(self.baseline_percent).scaled(Fraction(1, 100)).cut(Interval.at_least(Fraction(0)))
        if odds.low <= 0 or baseline.high > 1:
            raise ValueError("the odds ratio must be positive, the baseline at most 100 per cent")
        ratio, share = source.text(self.odds_ratio), f"{source.text(self.baseline_percent)} %"
        return [(f"{ratio} / (1 − {share} + {share} × {ratio})", risk_from_odds(odds, baseline))]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        odds = source.interval(self.odds_ratio)
        terms = risk_terms(claim, [(source.text(self.odds_ratio), odds)])
        baseline = suffixed(self.compute(source), "", lambda value: value)
        candidates = [Candidate("if it is said of the odds", "no", lambda: terms)]
        if claim.unit == "%":
            candidates.append(
                Candidate("as per cent of, not more", "no", lambda: suffixed(baseline, " × 100", _percent))
            )
        return made(candidates, source.target(claim))

    def against(self, claim: Claim, source: Source, reading: Reading) -> Reading:
        return replace(reading, computed=risk_terms(claim, reading.computed))


def risk_from_odds(odds: Interval, baseline: Interval) -> Interval:
    """OR / (1 - p0 + p0 OR): rises with the odds ratio, and goes towards 1 as the baseline risk p0 rises."""
    ends = [o / (1 - p + p * o) for o in (odds.low, odds.high) for p in (baseline.low, baseline.high)]
    return Interval.hull(ends)


def risk_terms(claim: Claim, terms: Terms) -> Terms:
    """A claim in per cent says how much higher a risk is, any other how many times it is."""
    if claim.unit != "%":
        return terms
    one = Interval.point(1)
    return [(f"100 × |{formula} − 1|", (value - one).scaled(100).absolute()) for formula, value in terms]


def _percent(value: Interval) -> Interval:
    return value.scaled(100)
