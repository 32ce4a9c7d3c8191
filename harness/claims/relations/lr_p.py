"""Likelihood-ratio tests of nested models."""

from fractions import Fraction
from typing import Literal

from pydantic import Field

from harness.claims.candidates import Candidate, halved, made
from harness.claims.distributions import chi2_p
from harness.claims.interval import Interval
from harness.claims.ledger import Claim
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.difference_test import HALF
from harness.claims.relations.keys import Ref
from harness.claims.source import Source


class LrP(Relation):
    """claim = p of a likelihood-ratio test, from the log-likelihoods of the small and the large model."""

    kind: Literal["lr_p"]
    """Names the relation in the ledger."""

    in_words = "p of twice the difference"
    excused = "halved (a variance at its bound)"
    explained = "not doubled, one df more or less"
    log_likelihoods: list[Ref] = Field(min_length=2, max_length=2)
    """Ids of the log-likelihoods of the small and of the large model."""
    df: Ref
    """Id of the difference in the number of parameters."""

    probability = True

    examples = (
        Example(
            {"s": "-21.6149", "g": "-20.7326", "k": "1"}, {"log_likelihoods": ["s", "g"], "df": "k"}, "0.1840", "0.1890"
        ),
    )

    def compute(self, source: Source) -> Terms:
        small, large = (source.text(key) for key in self.log_likelihoods)
        formula = f"p of χ² = 2 × ({large} − {small}), df {source.text(self.df)}"
        return [(formula, chi2_p(self.statistic(source), source.interval(self.df)))]

    def statistic(self, source: Source) -> Interval:
        """Twice the difference of the log-likelihoods, which is not negative for nested models."""
        small, large = source.intervals(self.log_likelihoods)
        twice = (large - small).scaled(2)
        if twice.high < 0:
            raise ValueError("the larger model has the smaller log-likelihood")
        return twice.cut(Interval.at_least(Fraction(0)))

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        statistic, df = self.statistic(source), source.interval(self.df)
        one = Interval.point(1)
        return made(
            [
                Candidate(
                    "halved, as for a variance at its bound",
                    "claim",
                    lambda: halved([("p of χ²", chi2_p(statistic, df))]),
                ),
                Candidate(
                    "if the difference was not doubled",
                    "no",
                    lambda: [("p of χ² = the difference itself", chi2_p(statistic.scaled(HALF), df))],
                ),
                Candidate(
                    "with one degree of freedom less", "no", lambda: [("p, one df less", chi2_p(statistic, df - one))]
                ),
                Candidate(
                    "with one degree of freedom more", "no", lambda: [("p, one df more", chi2_p(statistic, df + one))]
                ),
            ],
            source.target(claim),
        )
