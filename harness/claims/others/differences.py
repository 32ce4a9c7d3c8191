"""Other readings of tests of two means, standardised differences and correlations."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import harness.claims.relations as kinds
from harness.claims.compute.base import Terms
from harness.claims.compute.significance import (
    Groups,
    correlation_t,
    fisher_limit,
    group_texts,
    groups_of,
    over,
)
from harness.claims.compute.spread import level_of, quantile_text
from harness.claims.distributions import normal_p, t_p, t_quantile
from harness.claims.interval import Interval, corners, total
from harness.claims.ledger import Claim
from harness.claims.others.base import LEVELS, Candidate, made
from harness.claims.reading import Reading
from harness.claims.source import Source

HALF = Fraction(1, 2)


def _difference_test(claim: Claim, relation: kinds.DifferenceTest, source: Source) -> list[Reading]:
    groups = groups_of(relation, source)
    difference, squares, counts = group_texts(relation, source)
    errors = Groups(
        groups.means,
        [sd * n.root() for sd, n in zip(groups.sds, groups.counts, strict=True)],
        groups.counts,
    )
    exchanged = Groups(groups.means, list(reversed(groups.sds)), groups.counts)
    everyone = total(groups.counts)
    whole = Groups(groups.means, groups.sds, [everyone, everyone])

    def part(of: Groups, equal: bool) -> Interval:
        t, df = of.student() if equal else of.welch()
        values: dict[str, Callable[[], Interval]] = {
            "difference": lambda: of.difference,
            "t": lambda: t,
            "df": lambda: df,
            "p": lambda: t_p(t, df),
            "d": lambda: over(of.difference, of.pooled_sd()),
        }
        return values[relation.part]()

    def terms(text: str, of: Groups, equal: bool = False) -> Callable[[], Terms]:
        return lambda: [(text, part(of, equal))]

    candidates = []
    if relation.part in ("t", "df", "p"):
        candidates.append(
            Candidate(
                "with one standard deviation for both groups (Student)",
                "claim",
                terms(f"{relation.part} of {difference} over the pooled SD, n {counts}", groups, equal=True),
            )
        )
    if relation.part == "p":
        t = groups.welch()[0]
        ratio = f"{difference} / √({squares})"
        candidates += [
            Candidate("by the normal distribution", "claim", lambda: [(f"p of z = {ratio}", normal_p(t))]),
            Candidate("one-sided", "no", lambda: [(f"half of p of {ratio}", part(groups, False).scaled(HALF))]),
        ]
    if relation.part == "df":
        first, second = groups.counts
        smaller = Interval(min(first.low, second.low) - 1, min(first.high, second.high) - 1)
        candidates.append(
            Candidate("of the smaller group", "claim", lambda: [(f"smaller of {counts}, less 1", smaller)])
        )
    if relation.part == "d":
        candidates += _effect_sizes(groups, difference, source, relation)
    if relation.part in ("t", "difference", "d"):
        candidates.append(
            Candidate(
                "with the groups in the other order",
                "claim",
                lambda: [(f"−{relation.part} of {difference}", part(groups, False).scaled(-1))],
            )
        )
    if relation.part != "difference":
        candidates += [
            Candidate("if the spreads are standard errors", "no", terms(f"{relation.part} with SD = SE × √n", errors)),
            Candidate("with all persons in each group", "no", terms(f"{relation.part} with n of both", whole)),
            Candidate(
                "with exchanged standard deviations", "no", terms(f"{relation.part} with exchanged SDs", exchanged)
            ),
        ]
    return made(candidates, source.target(claim))


def _effect_sizes(groups: Groups, difference: str, source: Source, relation: kinds.DifferenceTest) -> list[Candidate]:
    """Other standardised differences: Hedges' g, Glass's delta, and by the mean of the variances."""

    def hedges() -> Terms:
        df = groups.student()[1]
        factor = corners(_correction, df)
        return [(f"J × {difference} / pooled SD (Hedges' g)", over(groups.difference, groups.pooled_sd()) * factor)]

    def average() -> Terms:
        spread = (groups.sds[0].square() + groups.sds[1].square()).scaled(HALF).root()
        return [(f"{difference} / √(mean of the variances)", over(groups.difference, spread))]

    found = [
        Candidate("as Hedges' g", "claim", hedges),
        Candidate("by the mean of both variances", "claim", average),
    ]
    for i, which in enumerate(("first", "second")):
        text = f"{difference} / {source.text(relation.sds[i])}"
        found.append(
            Candidate(
                f"by the standard deviation of the {which} group (Glass's Δ)",
                "claim",
                lambda i=i, text=text: [(text, over(groups.difference, groups.sds[i]))],  # type: ignore[misc]
            )
        )
    return found


def _correction(df: float) -> float:
    """Hedges' correction: gamma(df/2) / (sqrt(df/2) gamma((df - 1)/2)) (Hedges 1981)."""
    return math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)


def _correlation(claim: Claim, relation: kinds.Correlation, source: Source) -> list[Reading]:
    usual = t_quantile(Fraction(95, 100), None)
    text_r, text_n = source.text(relation.r), source.text(relation.n)
    if relation.part == "p":
        t, df = correlation_t(relation, source)

        def by_z() -> Terms:
            z = corners(
                lambda x, k: math.atanh(x) * math.sqrt(k - 3),
                source.interval(relation.r).cut(Interval(Fraction(-999999, 10**6), Fraction(999999, 10**6))),
                source.interval(relation.n),
            )
            return [(f"p of z = artanh {text_r} × √({text_n} − 3)", normal_p(z))]

        return made(
            [
                Candidate("by Fisher's z", "claim", by_z),
                Candidate("one-sided", "no", lambda: [("half of the two-sided p", t_p(t, df, 1))]),
            ],
            source.target(claim),
        )
    other = "lower" if relation.part == "upper" else "upper"

    def ranks() -> Terms:
        """Bonett and Wright (2000): the variance of Spearman's z is (1 + r^2 / 2) / (n - 3)."""
        wider = corners(lambda x, q: q * math.sqrt(1 + x * x / 2), source.interval(relation.r).absolute(), usual)
        return fisher_limit(relation, source, wider, "1.96 × √(1 + r²/2)", relation.part)

    candidates = [
        Candidate("as a rank correlation (Bonett and Wright)", "claim", ranks),
        Candidate("with exchanged limits", "no", lambda: fisher_limit(relation, source, usual, "1.96", other)),
    ]
    candidates += [
        Candidate(
            f"with a confidence level of {level} %",
            "no",
            lambda level=level: fisher_limit(  # type: ignore[misc]
                relation, source, t_quantile(level_of(level), None), quantile_text(level), relation.part
            ),
        )
        for level in LEVELS
        if level != "95"
    ]
    return made(candidates, source.target(claim))


OTHERS: dict[str, Callable[[Claim, Any, Source], list[Reading]]] = {
    "difference_test": _difference_test,
    "correlation": _correlation,
}
