"""p values of estimates with confidence limits."""

import itertools
from collections.abc import Iterable
from fractions import Fraction
from typing import Literal, Self

from harness.claims.candidates import Candidate, halved, made
from harness.claims.distributions import normal_p, t_p, t_quantile
from harness.claims.interval import Interval
from harness.claims.ledger import Claim
from harness.claims.mathematics.confidence import LEVELS, Limits, Scale, interval_z, level_of, quantile_text
from harness.claims.mathematics.ratio import ratio_log
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Decimal, Ref
from harness.claims.source import Source

OTHER_TEST = Interval(Fraction("0.95"), Fraction("1.05"))
"""How far a likelihood-ratio or score statistic may lie from Wald's before it is a contradiction."""


class PFromInterval(Relation):
    """claim = two-sided p of an estimate with its confidence limits, by the normal distribution (Altman 2011)."""

    kind: Literal["p_from_interval"]
    """Names the relation in the ledger."""

    in_words = "p by the normal law"
    excused = "limits that are not symmetric, another test (statistic within 5 %), Student's t (table)"
    explained = "the other scale, one-sided, 90 / 99 %"
    estimate: Ref
    """Id of the estimate."""
    low: Ref
    """Id of its lower limit."""
    high: Ref
    """Id of its upper limit."""
    scale: Scale = "linear"
    """Scale on which the limits are symmetric; `log` for ratios."""
    level: Decimal = "95"
    """Level of the limits, in %."""

    probability = True

    examples = (
        Example(
            {"e": "0.81", "l": "0.70", "h": "0.94"},
            {"estimate": "e", "low": "l", "high": "h", "scale": "log"},
            "0.005",
            "0.040",
        ),
        Example({"e": "1.00", "l": "0.10", "h": "1.90"}, {"estimate": "e", "low": "l", "high": "h"}, "0.03", "0.40"),
    )

    def compute(self, source: Source) -> Terms:
        return self.p(source, self.scale, self.level, None)

    def scaled(self, source: Source, scale: str) -> Limits:
        """Raises ValueError for limits that have no logarithm on the log scale."""
        keys = (self.estimate, self.low, self.high)
        values = source.intervals(list(keys))
        texts = [source.text(key) for key in keys]
        if scale == "log":
            values = [ratio_log(value) for value in values]
            texts = [f"ln {text}" for text in texts]
        return Limits(values[0], values[1], values[2], (texts[0], texts[1], texts[2]))

    def p(self, source: Source, scale: str, level: str, df: Interval | None) -> Terms:
        """Two-sided p by the normal distribution, or by Student's t when df is given."""
        limits = self.scaled(source, scale)
        z = interval_z(limits, t_quantile(level_of(level), df))
        found = t_p(z, df) if df else normal_p(z)
        name = "t" if df else "z"
        return [(f"p of {name} = {quantile_text(level)} × {limits.statistic}", found)]

    def _student(self, source: Source) -> Terms:
        """The quantile and the tail have the same degrees of freedom: hull over steps of them, each monotone."""
        steps = [10, 11, 12, 13, 14, 15, 17, 20, 24, 30, 40, 60, 120, 10**6]
        found = []
        for low, high in itertools.pairwise(steps):
            df = Interval(Fraction(low), Fraction(high))
            found.append(self.p(source, self.scale, self.level, df)[0][1])
        hull = Interval(min(p.low for p in found), max(p.high for p in found))
        return [("p of Student's t from the limits, df 10 or more", hull)]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        scale: Scale = "log" if self.scale == "linear" else "linear"
        quantile = t_quantile(level_of(self.level), None)

        def asymmetric() -> Terms:
            """From the distance to either limit, as limits by profile or bootstrap need not be symmetric."""
            limits = self.scaled(source, self.scale)
            sides = []
            for distance in (limits.estimate - limits.low, limits.high - limits.estimate):
                if distance.high <= 0:
                    raise ValueError("the estimate is outside its limits")
                floor = max(distance.low, distance.high / 1000)
                size = limits.estimate.absolute()
                sides.append(Interval(size.low * quantile.low / distance.high, size.high * quantile.high / floor))
            found = [normal_p(side) for side in sides]
            hull = Interval(min(p.low for p in found), max(p.high for p in found))
            return [("p from the estimate's distance to one limit or the other", hull)]

        def other_test() -> Terms:
            z = interval_z(self.scaled(source, self.scale), quantile) * OTHER_TEST
            return [("p of a statistic within 5 % of that of the limits", normal_p(z))]

        candidates = [
            Candidate("with limits that are not symmetric", "claim", asymmetric),
            Candidate("by another test than that of the limits (likelihood ratio, score)", "claim", other_test),
            Candidate(
                "with Student's t of ten or more degrees of freedom",
                "table",
                lambda: self._student(source),
            ),
            Candidate(f"on the {scale} scale", "no", lambda: self.p(source, scale, self.level, None)),
            Candidate(
                "one-sided",
                "no",
                lambda: halved(self.p(source, self.scale, self.level, None)),
            ),
        ]
        candidates += [
            Candidate(
                f"with a confidence level of {level} %",
                "no",
                lambda level=level: self.p(source, self.scale, level, None),  # type: ignore[misc]
            )
            for level in LEVELS
            if level != self.level
        ]
        return made(candidates, source.target(claim))

    def limits(self) -> Iterable[tuple[str, str, str]]:
        return [(self.estimate, self.low, self.high)]

    def exchanged(self) -> Self:
        return self.swapped("low", "high")
