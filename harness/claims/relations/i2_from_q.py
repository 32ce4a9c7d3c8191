"""Heterogeneity between studies as a share."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Literal

from harness.claims.candidates import Candidate, made, suffixed
from harness.claims.interval import Interval, corners
from harness.claims.ledger import Claim
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Ref
from harness.claims.source import Source


class I2FromQ(Relation):
    """claim = I2 in per cent = 100 max(0, (Q - df) / Q) (Higgins and Thompson 2002)."""

    kind: Literal["i2_from_q"]
    """Names the relation in the ledger."""

    in_words = "100 (Q − df) / Q"
    excused = 'another variance between studies (REML), inside the uncertainty of I², unless `method = "DL"`'
    explained = "studies for df, share of one"
    q: Ref
    """Id of Cochran's Q."""
    df: Ref
    """Id of its degrees of freedom."""
    method: str = ""
    """`DL` where the paper says that it uses DerSimonian and Laird; with any other I2 follows from Q only roughly."""

    examples = (
        Example({"q": "152.233", "k": "12"}, {"q": "q", "df": "k", "method": "DL"}, "92.12", "92.22"),
        Example({"q": "152.233", "k": "12"}, {"q": "q", "df": "k"}, "92.12", "50.00"),
    )

    def compute(self, source: Source) -> Terms:
        q, df = source.text(self.q), source.text(self.df)
        return [(f"100 × ({q} − {df}) / {q}", i2(source.count(self.q), source.count(self.df)))]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        q, df = source.count(self.q), source.count(self.df)
        text_q, text_df = source.text(self.q), source.text(self.df)
        one = Interval.point(1)

        def of(value: Interval, text: str) -> Callable[[], Terms]:
            return lambda: [(f"100 × ({text_q} − ({text})) / {text_q}", i2(q, value))]

        def uncertain() -> Terms:
            low, high = corners(_i2_low, q, df), corners(_i2_high, q, df)
            return [(f"95 % range of I² for {text_q} with df {text_df}", Interval(low.low, high.high))]

        other = Candidate(
            "by another variance between studies (REML), inside the uncertainty of I²", "claim", uncertain
        )
        return made(
            [
                *([] if self.method == "DL" else [other]),
                Candidate("if the number of effects was taken for df", "no", of(df + one, f"{text_df} + 1")),
                Candidate("if df is the number of effects", "no", of(df - one, f"{text_df} − 1")),
                Candidate("as a share of one", "no", lambda: suffixed([("I²", i2(q, df))], " / 100", _hundredth)),
            ],
            source.target(claim),
        )


def i2(q: Interval, df: Interval) -> Interval:
    """100 max(0, (Q - df) / Q): rises with Q, falls with df."""
    ends = [max(Fraction(0), 1 - d / x) if x > 0 else Fraction(0) for x, d in ((q.low, df.high), (q.high, df.low))]
    return Interval(*ends).scaled(100)


def _i2_limit(q: float, df: float, sign: int) -> float:
    """Limit of I2 at 95 %: ln H -+ 1.96 SE by the test-based method (Higgins and Thompson 2002, table of intervals)."""
    h = math.log(max(q, 1e-9) / df) / 2
    if q > df + 1:
        error = 0.5 * (math.log(q) - math.log(df)) / (math.sqrt(2 * q) - math.sqrt(max(2 * df - 1, 0)))
    else:
        error = math.sqrt((1 - 1 / (3 * (df - 1) ** 2)) / (2 * (df - 1))) if df > 1 else math.inf
    limit = h + sign * 1.96 * error
    return 100 * max(0.0, 1 - math.exp(-2 * limit)) if math.isfinite(limit) else (100.0 if sign > 0 else 0.0)


def _i2_low(q: float, df: float) -> float:
    return _i2_limit(q, df, -1)


def _i2_high(q: float, df: float) -> float:
    return _i2_limit(q, df, 1)


def _hundredth(value: Interval) -> Interval:
    return value.scaled(Fraction(1, 100))
