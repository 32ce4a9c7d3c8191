"""Tests of two means and standardised differences."""

from collections.abc import Callable
from fractions import Fraction
from typing import Literal

from pydantic import Field

from harness.claims.candidates import Candidate, made
from harness.claims.distributions import normal_p, t_p
from harness.claims.interval import Interval, corners, total
from harness.claims.ledger import Claim
from harness.claims.mathematics.two_means import Groups, hedges_correction, over
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Ref
from harness.claims.source import Source

HALF = Fraction(1, 2)


_SLEEP = {"m1": "0.7500", "m2": "2.3300", "s1": "1.789010", "s2": "2.002249", "n1": "10", "n2": "10"}
"""Extra hours of sleep of two groups (Student 1908)."""
_TEST = {"means": ["m1", "m2"], "sds": ["s1", "s2"], "counts": ["n1", "n2"]}


class DifferenceTest(Relation):
    """claim = part of a test of two means."""

    kind: Literal["difference_test"]
    """Names the relation in the ledger."""

    in_words = "difference, Welch's t, df, p; Cohen's d"
    excused = (
        "Student, normal law, groups in the other order, Hedges' g, Glass's Δ, mean variance, df of the smaller group"
    )
    explained = "SE for SD, exchanged SDs, n of both groups, one-sided"
    means: list[Ref] = Field(min_length=2, max_length=2)
    """Ids of the two means."""
    sds: list[Ref] = Field(min_length=2, max_length=2)
    """Ids of the two standard deviations, in the order of the means."""
    counts: list[Ref] = Field(min_length=2, max_length=2)
    """Ids of the two numbers of persons, in the order of the means."""
    part: Literal["t", "df", "p", "difference", "d"]
    """What the claim is; `difference`, `t` and `d` (Cohen's) are those of the first minus the second."""

    examples = (
        Example(_SLEEP, {**_TEST, "part": "t"}, "-1.8608", "-1.8708"),
        Example(_SLEEP, {**_TEST, "part": "df"}, "17.776", "17.756"),
        Example(_SLEEP, {**_TEST, "part": "p"}, "0.07939", "0.07989"),
        Example(_SLEEP, {**_TEST, "part": "difference"}, "-1.58", "-1.68"),
        Example(_SLEEP, {**_TEST, "part": "d"}, "-0.8322", "-0.8422"),
    )

    def compute(self, source: Source) -> Terms:
        groups = self.groups(source)
        difference, squares, _ = self.texts(source)
        if self.part == "difference":
            return [(difference, groups.difference)]
        if self.part == "d":
            return [(f"{difference} / pooled SD (Cohen's d)", over(groups.difference, groups.pooled_sd()))]
        t, df = groups.welch()
        formula = f"{difference} / √({squares})"
        if self.part == "t":
            return [(f"{formula} (Welch)", t)]
        if self.part == "df":
            return [(f"degrees of freedom of {formula} (Welch–Satterthwaite)", df)]
        return [(f"p of t = {formula}, two-sided (Welch)", t_p(t, df))]

    def groups(self, source: Source) -> Groups:
        """Standard deviations are not negative, whatever their rounding allows."""
        sds = [source.count(key) for key in self.sds]
        return Groups(source.intervals(self.means), sds, source.intervals(self.counts))

    def texts(self, source: Source) -> tuple[str, str, str]:
        """The difference, the squared standard errors and the degrees of freedom, as text."""
        difference = f"({source.text(self.means[0])} − {source.text(self.means[1])})"
        parts = [f"{source.text(s)}²/{source.text(n)}" for s, n in zip(self.sds, self.counts, strict=True)]
        return difference, " + ".join(parts), " and ".join(source.text(n) for n in self.counts)

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        groups = self.groups(source)
        difference, squares, counts = self.texts(source)
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
            return values[self.part]()

        def terms(text: str, of: Groups, equal: bool = False) -> Callable[[], Terms]:
            return lambda: [(text, part(of, equal))]

        candidates = []
        if self.part in ("t", "df", "p"):
            candidates.append(
                Candidate(
                    "with one standard deviation for both groups (Student)",
                    "claim",
                    terms(f"{self.part} of {difference} over the pooled SD, n {counts}", groups, equal=True),
                )
            )
        if self.part == "p":
            t = groups.welch()[0]
            ratio = f"{difference} / √({squares})"
            candidates += [
                Candidate("by the normal distribution", "claim", lambda: [(f"p of z = {ratio}", normal_p(t))]),
                Candidate("one-sided", "no", lambda: [(f"half of p of {ratio}", part(groups, False).scaled(HALF))]),
            ]
        if self.part == "df":
            first, second = groups.counts
            smaller = Interval(min(first.low, second.low) - 1, min(first.high, second.high) - 1)
            candidates.append(
                Candidate("of the smaller group", "claim", lambda: [(f"smaller of {counts}, less 1", smaller)])
            )
        if self.part == "d":
            candidates += _effect_sizes(groups, difference, source, self)
        if self.part in ("t", "difference", "d"):
            candidates.append(
                Candidate(
                    "with the groups in the other order",
                    "claim",
                    lambda: [(f"−{self.part} of {difference}", part(groups, False).scaled(-1))],
                )
            )
        if self.part != "difference":
            candidates += [
                Candidate("if the spreads are standard errors", "no", terms(f"{self.part} with SD = SE × √n", errors)),
                Candidate("with all persons in each group", "no", terms(f"{self.part} with n of both", whole)),
                Candidate(
                    "with exchanged standard deviations", "no", terms(f"{self.part} with exchanged SDs", exchanged)
                ),
            ]
        return made(candidates, source.target(claim))

    def not_negative(self) -> list[str]:
        return [*self.sds, *self.counts]


def _effect_sizes(groups: Groups, difference: str, source: Source, relation: DifferenceTest) -> list[Candidate]:
    """Other standardised differences: Hedges' g, Glass's delta, and by the mean of the variances."""

    def hedges() -> Terms:
        df = groups.student()[1]
        factor = corners(hedges_correction, df)
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
