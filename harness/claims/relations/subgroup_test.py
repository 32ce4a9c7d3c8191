"""Heterogeneity between subgroups."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Literal, Self

from pydantic import Field, model_validator
from scipy import optimize

from harness.claims.candidates import Candidate, made, suffixed
from harness.claims.distributions import chi2_p, t_quantile
from harness.claims.interval import Interval
from harness.claims.ledger import Claim
from harness.claims.mathematics.confidence import Scale, half_width, level_of
from harness.claims.mathematics.ratio import ratio_log
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Ref
from harness.claims.source import Source

OTHER_ERROR = Interval(Fraction("0.9"), Fraction("1.1"))
"""How far robust or Knapp-Hartung standard errors may lie from those of the limits."""


_BCG = {
    "e1": "0.58229",
    "l1": "0.33530",
    "h1": "1.01120",
    "e2": "0.36635",
    "l2": "0.18017",
    "h2": "0.74494",
    "e3": "0.64446",
    "l3": "0.34872",
    "h3": "1.19099",
}
"""Risk ratios with limits of the BCG trials by allocation (metafor's dat.bcg, DerSimonian and Laird)."""
_GROUPS = {"estimates": ["e1", "e2", "e3"], "lows": ["l1", "l2", "l3"], "highs": ["h1", "h2", "h3"], "scale": "log"}


class SubgroupTest(Relation):
    """claim = heterogeneity between subgroups: Q of their estimates with weights 1 / SE^2, or its p."""

    kind: Literal["subgroup_test"]
    """Names the relation in the ledger."""

    in_words = "Q between subgroups, or its p"
    excused = "standard errors up to a tenth off (robust, Knapp-Hartung)"
    explained = "the other scale"
    estimates: list[Ref] = Field(min_length=2)
    """Ids of the subgroups' estimates."""
    lows: list[Ref] = Field(min_length=2)
    """Ids of their lower limits, in the order of the estimates."""
    highs: list[Ref] = Field(min_length=2)
    """Ids of their upper limits, in the order of the estimates."""
    scale: Scale = "linear"
    """Scale on which the limits are symmetric; `log` for ratios."""
    part: Literal["q", "p"]
    """Whether the claim is Q or its p."""

    examples = (
        Example(_BCG, {**_GROUPS, "part": "q"}, "1.537", "2.037"),
        Example(_BCG, {**_GROUPS, "part": "p"}, "0.464", "0.564"),
    )

    @model_validator(mode="after")
    def _one_entry_per_group(self) -> "SubgroupTest":
        if not len(self.estimates) == len(self.lows) == len(self.highs):
            raise ValueError("estimates, lows and highs must have one entry per subgroup")
        return self

    def compute(self, source: Source) -> Terms:
        return self.terms(source, self.q(source, self.scale))

    def q(self, source: Source, scale: Scale, level: str = "95") -> Interval:
        """Q between the subgroups' estimates."""
        lows, highs = source.intervals(self.lows), source.intervals(self.highs)
        estimates = source.intervals(self.estimates)
        halves = [half_width(low, high, scale) for low, high in zip(lows, highs, strict=True)]
        if scale == "log":
            estimates = [ratio_log(estimate) for estimate in estimates]
        return between_q(estimates, halves, t_quantile(level_of(level), None))

    def terms(self, source: Source, q: Interval) -> Terms:
        """Q, or its p with one degree of freedom less than subgroups."""
        logs = "ln " if self.scale == "log" else ""
        text = f"Q between {', '.join(logs + source.text(e) for e in self.estimates)} with their limits"
        if self.part == "q":
            return [(text, q)]
        df = len(self.estimates) - 1
        return [(f"p of {text}, df {df}", chi2_p(q, Interval.point(df)))]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        other: Scale = "log" if self.scale == "linear" else "linear"

        def near() -> Terms:
            q = self.q(source, self.scale) * OTHER_ERROR.square()
            return suffixed(self.terms(source, q), " with standard errors up to a tenth off", lambda v: v)

        return made(
            [
                Candidate("with other standard errors than those of the limits (robust, Knapp-Hartung)", "claim", near),
                Candidate(
                    f"on the {other} scale",
                    "no",
                    lambda: self.terms(source, self.q(source, other)),
                ),
            ],
            source.target(claim),
        )

    def limits(self) -> Iterable[tuple[str, str, str]]:
        return zip(self.estimates, self.lows, self.highs, strict=True)

    def exchanged(self) -> Self:
        return self.swapped("lows", "highs")


_WIDER = Fraction(1, 10**6)


def between_q(estimates: Sequence[Interval], halves: Sequence[Interval], quantile: Interval) -> Interval:
    """Q = min over mu of sum (quantile / half)^2 (estimate - mu)^2, ranged over the intervals.

    For every value inside the intervals Q lies between the least sum with the nearest estimates and smallest weights,
    and the least sum with the farthest estimates and largest weights: two convex functions of mu.
    """
    if any(half.high <= 0 for half in halves):
        raise ValueError("limits without width")
    smallest = [float(quantile.low / half.high) ** 2 for half in halves]
    # Limits that are printed equal leave the weight without an upper end.
    largest = [float(quantile.high / max(half.low, half.high / 1000)) ** 2 for half in halves]
    ends = [(float(e.low), float(e.high)) for e in estimates]

    def nearest(mu: float) -> float:
        gaps = (max(0.0, low - mu, mu - high) for low, high in ends)
        return sum(w * gap**2 for w, gap in zip(smallest, gaps, strict=True))

    def farthest(mu: float) -> float:
        return sum(w * max(abs(mu - low), abs(mu - high)) ** 2 for w, (low, high) in zip(largest, ends, strict=True))

    span = (min(low for low, _ in ends), max(high for _, high in ends))
    least, most = (
        Fraction(float(optimize.minimize_scalar(f, bounds=span, method="bounded", options={"xatol": 1e-12}).fun))
        for f in (nearest, farthest)
    )
    return Interval(least * (1 - _WIDER), most * (1 + _WIDER))
