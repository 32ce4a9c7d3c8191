"""p values of printed test statistics."""

from typing import Literal

from pydantic import model_validator

from harness.claims.candidates import Candidate, halved, made
from harness.claims.distributions import chi2_p, f_p, normal_p, t_p
from harness.claims.interval import Interval
from harness.claims.ledger import Claim
from harness.claims.mathematics.confidence import SMALL_DF
from harness.claims.mathematics.ratio import ONE
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Ref
from harness.claims.source import Source


class PFromStatistic(Relation):
    """claim = p of a test statistic."""

    kind: Literal["p_from_statistic"]
    """Names the relation in the ledger."""

    in_words = "p of z, t, χ², F"
    explained = "other sides, normal for t or t for normal, χ² given as root, one df more or less"
    statistic: Ref
    """Id of the test statistic."""
    distribution: Literal["normal", "t", "chi2", "f"]
    """Distribution of the statistic when nothing is to be found."""
    df: Ref | None = None
    """Id of the degrees of freedom (of F: the numerator's); needed by t, chi2 and f, None for the normal
    distribution."""
    df2: Ref | None = None
    """Id of the denominator's degrees of freedom; needed by f, None for all others."""
    sides: Literal[1, 2] = 2
    """Whether the test is one-sided or two-sided."""

    probability = True

    examples = (
        Example({"x": "2.101", "k": "18"}, {"statistic": "x", "distribution": "t", "df": "k"}, "0.0500", "0.0520"),
        Example({"x": "1.96"}, {"statistic": "x", "distribution": "normal"}, "0.050", "0.040"),
        Example({"x": "7.815", "k": "3"}, {"statistic": "x", "distribution": "chi2", "df": "k"}, "0.0500", "0.0510"),
        Example(
            {"x": "3.10", "k": "2", "d": "27"},
            {"statistic": "x", "distribution": "f", "df": "k", "df2": "d"},
            "0.061",
            "0.065",
        ),
    )

    @model_validator(mode="after")
    def _degrees_of_freedom(self) -> "PFromStatistic":
        wanted = {"normal": 0, "t": 1, "chi2": 1, "f": 2}[self.distribution]
        if (self.df is not None) + (self.df2 is not None) != wanted or (self.df is None and self.df2 is not None):
            names = ("no df", "df", "df and df2")[wanted]
            raise ValueError(f"distribution {self.distribution} takes {names}")
        return self

    def compute(self, source: Source) -> Terms:
        return self.tail(source, self.sides)

    def tail(self, source: Source, sides: int) -> Terms:
        """p of the printed statistic; `sides` counts for the symmetric distributions."""
        value, text = source.interval(self.statistic), source.text(self.statistic)
        df = source.interval(self.df) if self.df else ONE
        df2 = source.interval(self.df2) if self.df2 else ONE
        texts = [source.text(key) for key in (self.df, self.df2) if key]
        degrees = f", df {' and '.join(texts)}" if texts else ""
        tail = "" if self.distribution in ("chi2", "f") else f", {'two' if sides == 2 else 'one'}-sided"
        name = {"normal": "z", "t": "t", "chi2": "χ²", "f": "F"}[self.distribution]
        found = {
            "normal": lambda: normal_p(value, sides),
            "t": lambda: t_p(value, df, sides),
            "chi2": lambda: chi2_p(value, df),
            "f": lambda: f_p(value, df, df2),
        }[self.distribution]()
        return [(f"p of {name} = {text}{degrees}{tail}", found)]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        symmetric = self.distribution in ("normal", "t")
        other = 1 if self.sides == 2 else 2
        candidates = [
            Candidate(
                f"{'two' if other == 2 else 'one'}-sided" if symmetric else "halved",
                "no",
                lambda: self.tail(source, other) if symmetric else halved(self.tail(source, 2)),
            )
        ]
        value, text = source.interval(self.statistic), source.text(self.statistic)
        if self.distribution == "t":
            candidates.append(
                Candidate(
                    "by the normal distribution", "no", lambda: [(f"p of z = {text}", normal_p(value, self.sides))]
                )
            )
        if self.distribution == "normal":
            candidates.append(
                Candidate(
                    "by Student's t of ten or more degrees of freedom",
                    "no",
                    lambda: [(f"p of t = {text}, df 10 or more", t_p(value, SMALL_DF, self.sides))],
                )
            )
        if self.distribution == "chi2" and self.df:
            df = source.interval(self.df)
            candidates += [
                Candidate(
                    "if it is the root of χ²", "no", lambda: [(f"p of χ² = {text}²", chi2_p(value.square(), df))]
                ),
                Candidate(
                    "with one degree of freedom less",
                    "no",
                    lambda: [(f"p of χ² = {text}, one df less", chi2_p(value, df - Interval.point(1)))],
                ),
                Candidate(
                    "with one degree of freedom more",
                    "no",
                    lambda: [(f"p of χ² = {text}, one df more", chi2_p(value, df + Interval.point(1)))],
                ),
            ]
        return made(candidates, source.target(claim))
