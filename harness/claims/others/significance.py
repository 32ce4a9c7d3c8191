"""Other readings of p values and heterogeneity."""

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from scipy import special

import harness.claims.relations as kinds
from harness.claims.compute.base import Terms
from harness.claims.compute.significance import (
    i2,
    interval_p,
    interval_z,
    likelihood_ratio,
    limits_of,
    statistic_p,
)
from harness.claims.compute.spread import level_of
from harness.claims.compute.tables import (
    counts_of,
    each_table,
    fisher,
    likelihood,
    pearson,
    subgroup_q,
    subgroup_terms,
    table_text,
    yates,
)
from harness.claims.distributions import chi2_p, normal_p, t_p, t_quantile
from harness.claims.interval import Interval, corners
from harness.claims.ledger import Claim
from harness.claims.others.base import LEVELS, Candidate, made, suffixed
from harness.claims.others.spread import SMALL_DF
from harness.claims.reading import Reading
from harness.claims.source import Source

HALF = Fraction(1, 2)
OTHER_TEST = Interval(Fraction("0.95"), Fraction("1.05"))
"""How far a likelihood-ratio or score statistic may lie from Wald's before it is a contradiction."""
OTHER_ERROR = Interval(Fraction("0.9"), Fraction("1.1"))
"""How far robust or Knapp-Hartung standard errors may lie from those of the limits."""


def _halved(terms: Terms) -> Terms:
    return suffixed(terms, " / 2", lambda value: value.scaled(HALF))


def _p_from_statistic(claim: Claim, relation: kinds.PFromStatistic, source: Source) -> list[Reading]:
    symmetric = relation.distribution in ("normal", "t")
    other = 1 if relation.sides == 2 else 2
    candidates = [
        Candidate(
            f"{'two' if other == 2 else 'one'}-sided" if symmetric else "halved",
            "no",
            lambda: statistic_p(relation, source, other) if symmetric else _halved(statistic_p(relation, source, 2)),
        )
    ]
    value, text = source.interval(relation.statistic), source.text(relation.statistic)
    if relation.distribution == "t":
        candidates.append(
            Candidate(
                "by the normal distribution", "no", lambda: [(f"p of z = {text}", normal_p(value, relation.sides))]
            )
        )
    if relation.distribution == "normal":
        candidates.append(
            Candidate(
                "by Student's t of ten or more degrees of freedom",
                "no",
                lambda: [(f"p of t = {text}, df 10 or more", t_p(value, SMALL_DF, relation.sides))],
            )
        )
    if relation.distribution == "chi2" and relation.df:
        df = source.interval(relation.df)
        candidates += [
            Candidate("if it is the root of χ²", "no", lambda: [(f"p of χ² = {text}²", chi2_p(value.square(), df))]),
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


def _p_from_interval(claim: Claim, relation: kinds.PFromInterval, source: Source) -> list[Reading]:
    scale: kinds.Scale = "log" if relation.scale == "linear" else "linear"
    quantile = t_quantile(level_of(relation.level), None)

    def asymmetric() -> Terms:
        """From the distance to either limit, as limits by profile or bootstrap need not be symmetric."""
        limits = limits_of(relation, source, relation.scale)
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
        z = interval_z(limits_of(relation, source, relation.scale), quantile) * OTHER_TEST
        return [("p of a statistic within 5 % of that of the limits", normal_p(z))]

    candidates = [
        Candidate("with limits that are not symmetric", "claim", asymmetric),
        Candidate("by another test than that of the limits (likelihood ratio, score)", "claim", other_test),
        Candidate(
            "with Student's t of ten or more degrees of freedom",
            "table",
            lambda: _student(relation, source),
        ),
        Candidate(f"on the {scale} scale", "no", lambda: interval_p(relation, source, scale, relation.level, None)),
        Candidate(
            "one-sided",
            "no",
            lambda: _halved(interval_p(relation, source, relation.scale, relation.level, None)),
        ),
    ]
    candidates += [
        Candidate(
            f"with a confidence level of {level} %",
            "no",
            lambda level=level: interval_p(relation, source, relation.scale, level, None),  # type: ignore[misc]
        )
        for level in LEVELS
        if level != relation.level
    ]
    return made(candidates, source.target(claim))


def _student(relation: kinds.PFromInterval, source: Source) -> Terms:
    """The quantile and the tail have the same degrees of freedom: hull over steps of them, each monotone."""
    steps = [10, 11, 12, 13, 14, 15, 17, 20, 24, 30, 40, 60, 120, 10**6]
    found = []
    for low, high in itertools.pairwise(steps):
        df = Interval(Fraction(low), Fraction(high))
        found.append(interval_p(relation, source, relation.scale, relation.level, df)[0][1])
    hull = Interval(min(p.low for p in found), max(p.high for p in found))
    return [("p of Student's t from the limits, df 10 or more", hull)]


def _p_from_counts(claim: Claim, relation: kinds.PFromCounts, source: Source) -> list[Reading]:
    counts, text = counts_of(relation, source), table_text(relation, source)

    def of(name: str, test: Callable[[int, int, int, int], float]) -> Callable[[], Terms]:
        return lambda: [(f"p {name} for {text}", each_table(counts, test))]

    def unpooled(a: int, n: int, b: int, m: int) -> float:
        """Difference of proportions over its own standard error."""
        p, q = a / n, b / m
        error = math.sqrt(p * (1 - p) / n + q * (1 - q) / m)
        return float(2 * special.ndtr(-abs(p - q) / error)) if error else 1.0

    return made(
        [
            Candidate("with Yates' correction", "claim", of("with Yates' correction", yates)),
            Candidate("by Fisher's exact test", "claim", of("of Fisher's exact test", fisher)),
            Candidate("by the likelihood ratio", "claim", of("of the likelihood ratio", likelihood)),
            Candidate("by Wald's test of the difference", "claim", of("of Wald's test", unpooled)),
            Candidate("one-sided", "no", lambda: _halved(of("of Pearson's χ²", pearson)())),
        ],
        source.target(claim),
    )


def _i2_from_q(claim: Claim, relation: kinds.I2FromQ, source: Source) -> list[Reading]:
    q, df = source.count(relation.q), source.count(relation.df)
    text_q, text_df = source.text(relation.q), source.text(relation.df)
    one = Interval.point(1)

    def of(value: Interval, text: str) -> Callable[[], Terms]:
        return lambda: [(f"100 × ({text_q} − ({text})) / {text_q}", i2(q, value))]

    def uncertain() -> Terms:
        low, high = corners(_i2_low, q, df), corners(_i2_high, q, df)
        return [(f"95 % range of I² for {text_q} with df {text_df}", Interval(low.low, high.high))]

    other = Candidate("by another variance between studies (REML), inside the uncertainty of I²", "claim", uncertain)
    return made(
        [
            *([] if relation.method == "DL" else [other]),
            Candidate("if the number of effects was taken for df", "no", of(df + one, f"{text_df} + 1")),
            Candidate("if df is the number of effects", "no", of(df - one, f"{text_df} − 1")),
            Candidate("as a share of one", "no", lambda: suffixed([("I²", i2(q, df))], " / 100", _hundredth)),
        ],
        source.target(claim),
    )


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


def _lr_p(claim: Claim, relation: kinds.LrP, source: Source) -> list[Reading]:
    statistic, df = likelihood_ratio(relation, source), source.interval(relation.df)
    one = Interval.point(1)
    return made(
        [
            Candidate(
                "halved, as for a variance at its bound", "claim", lambda: _halved([("p of χ²", chi2_p(statistic, df))])
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


def _subgroup_test(claim: Claim, relation: kinds.SubgroupTest, source: Source) -> list[Reading]:
    other: kinds.Scale = "log" if relation.scale == "linear" else "linear"

    def near() -> Terms:
        q = subgroup_q(relation, source, relation.scale) * OTHER_ERROR.square()
        return suffixed(subgroup_terms(relation, source, q), " with standard errors up to a tenth off", lambda v: v)

    return made(
        [
            Candidate("with other standard errors than those of the limits (robust, Knapp-Hartung)", "claim", near),
            Candidate(
                f"on the {other} scale",
                "no",
                lambda: subgroup_terms(relation, source, subgroup_q(relation, source, other)),
            ),
        ],
        source.target(claim),
    )


OTHERS: dict[str, Callable[[Claim, Any, Source], list[Reading]]] = {
    "p_from_statistic": _p_from_statistic,
    "p_from_interval": _p_from_interval,
    "p_from_counts": _p_from_counts,
    "i2_from_q": _i2_from_q,
    "lr_p": _lr_p,
    "subgroup_test": _subgroup_test,
}
