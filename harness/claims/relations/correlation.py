"""Limits and p values of correlations."""

import math
from fractions import Fraction
from typing import Literal

from harness.claims.candidates import Candidate, made
from harness.claims.distributions import normal_p, t_p, t_quantile
from harness.claims.interval import Interval, corners
from harness.claims.ledger import Claim
from harness.claims.mathematics.confidence import LEVELS, level_of, quantile_text
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Ref
from harness.claims.source import Source


class Correlation(Relation):
    """claim = a limit of a correlation by Fisher's z, or its p by Student's t."""

    kind: Literal["correlation"]
    """Names the relation in the ledger."""

    in_words = "Fisher's limits, p by t"
    excused = "rank correlation, p by Fisher's z"
    explained = "exchanged limits, 90 / 99 %, one-sided"
    r: Ref
    """Id of the correlation."""
    n: Ref
    """Id of the number of pairs."""
    part: Literal["lower", "upper", "p"]
    """Whether the claim is a limit of the 95 % confidence interval or the p."""

    examples = (
        Example({"r": "-0.867659", "n": "32"}, {"r": "r", "n": "n", "part": "lower"}, "-0.9338", "-0.9348"),
        Example({"r": "-0.11756978", "n": "150"}, {"r": "r", "n": "n", "part": "p"}, "0.1519", "0.1569"),
    )

    def compute(self, source: Source) -> Terms:
        if self.part != "p":
            return self.fisher_limit(source, t_quantile(Fraction(95, 100), None), "1.96", self.part)
        text_r, text_n = source.text(self.r), source.text(self.n)
        return [(f"p of t = {text_r} × √(({text_n} − 2) / (1 − {text_r}²))", t_p(*self.t(source)))]

    def _pairs(self, source: Source) -> tuple[Interval, Interval]:
        r = source.interval(self.r).cut(Interval(Fraction(-1), Fraction(1)))
        n = source.interval(self.n)
        if n.low <= 3:
            raise ValueError("a correlation's limits need more than three pairs")
        # Just inside: the transform has no value at ±1.
        inner = Interval(Fraction(-999999, 10**6), Fraction(999999, 10**6))
        return r.cut(inner), n

    def fisher_limit(self, source: Source, quantile: Interval, said: str, part: str) -> Terms:
        """tanh(artanh r -+ quantile / sqrt(n - 3)): monotone in r, n and the quantile."""
        r, n = self._pairs(source)
        sign = 1 if part == "upper" else -1
        found = corners(lambda x, k, q: math.tanh(math.atanh(x) + sign * q / math.sqrt(k - 3)), r, n, quantile)
        text_r, text_n = source.text(self.r), source.text(self.n)
        return [(f"tanh(artanh {text_r} {'+' if sign > 0 else '−'} {said} / √({text_n} − 3))", found)]

    def t(self, source: Source) -> tuple[Interval, Interval]:
        """t = r sqrt((n - 2) / (1 - r^2)) and its degrees of freedom."""
        r, n = self._pairs(source)
        return corners(lambda x, k: x * math.sqrt((k - 2) / (1 - x * x)), r, n), n - Interval.point(2)

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        usual = t_quantile(Fraction(95, 100), None)
        text_r, text_n = source.text(self.r), source.text(self.n)
        if self.part == "p":
            t, df = self.t(source)

            def by_z() -> Terms:
                z = corners(
                    lambda x, k: math.atanh(x) * math.sqrt(k - 3),
                    source.interval(self.r).cut(Interval(Fraction(-999999, 10**6), Fraction(999999, 10**6))),
                    source.interval(self.n),
                )
                return [(f"p of z = artanh {text_r} × √({text_n} − 3)", normal_p(z))]

            return made(
                [
                    Candidate("by Fisher's z", "claim", by_z),
                    Candidate("one-sided", "no", lambda: [("half of the two-sided p", t_p(t, df, 1))]),
                ],
                source.target(claim),
            )
        other = "lower" if self.part == "upper" else "upper"

        def ranks() -> Terms:
            """Bonett and Wright (2000): the variance of Spearman's z is (1 + r^2 / 2) / (n - 3)."""
            wider = corners(lambda x, q: q * math.sqrt(1 + x * x / 2), source.interval(self.r).absolute(), usual)
            return self.fisher_limit(source, wider, "1.96 × √(1 + r²/2)", self.part)

        candidates = [
            Candidate("as a rank correlation (Bonett and Wright)", "claim", ranks),
            Candidate("with exchanged limits", "no", lambda: self.fisher_limit(source, usual, "1.96", other)),
        ]
        candidates += [
            Candidate(
                f"with a confidence level of {level} %",
                "no",
                lambda level=level: self.fisher_limit(  # type: ignore[misc]
                    source, t_quantile(level_of(level), None), quantile_text(level), self.part
                ),
            )
            for level in LEVELS
            if level != "95"
        ]
        return made(candidates, source.target(claim))
