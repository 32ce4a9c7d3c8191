"""Means and standard deviations of the union of groups."""

from fractions import Fraction
from typing import Literal

from pydantic import Field, model_validator

from harness.claims.candidates import Candidate, made
from harness.claims.interval import Interval, show, total
from harness.claims.ledger import Claim
from harness.claims.mathematics.ratio import ONE
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import AsideRef, Ref
from harness.claims.source import Source


class WeightedMean(Relation):
    """claim = mean over groups, weighted by the groups' counts."""

    kind: Literal["weighted_mean"]
    """Names the relation in the ledger."""

    in_words = "mean of the union"
    explained = "other group sizes, plain mean"
    means: list[Ref] = Field(min_length=2)
    """Ids of the groups' means."""
    counts: list[Ref] = Field(min_length=2)
    """Ids of the groups' counts, in the order of the means."""

    examples = (
        Example(
            {"m1": "10.0", "m2": "20.0", "n1": "30", "n2": "10"},
            {"means": ["m1", "m2"], "counts": ["n1", "n2"]},
            "12.5",
            "13.5",
        ),
    )

    @model_validator(mode="after")
    def _one_entry_per_group(self) -> "WeightedMean":
        if len(self.means) != len(self.counts):
            raise ValueError("means and counts must have one entry per group")
        return self

    def compute(self, source: Source) -> Terms:
        counts, means = source.intervals(self.counts), source.intervals(self.means)
        weighted = total(n * m for n, m in zip(counts, means, strict=True))
        pairs = zip(self.counts, self.means, strict=True)
        formula = " + ".join(f"{source.text(n)} × {source.text(m)}" for n, m in pairs)
        return [(f"({formula}) / ({source.texts(self.counts, ' + ')})", weighted / total(counts))]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        def unweighted() -> Terms:
            means = source.intervals(self.means)
            formula = f"({source.texts(self.means, ' + ')}) / {len(means)}"
            return [(formula, total(means).scaled(Fraction(1, len(means))))]

        plain = Candidate("as the plain mean of the groups' means", "no", unweighted)
        return [*_other_sizes(self, claim.id, claim, source), *made([plain], source.target(claim))]


class PooledSd(Relation):
    """claim = standard deviation of the union of groups, from their counts, means and standard deviations."""

    kind: Literal["pooled_sd"]
    """Names the relation in the ledger."""

    in_words = "SD of the union"
    explained = "other group sizes, SD within groups, mean of SDs"
    mean: AsideRef
    """Id of the printed mean of the union, from which other group sizes can be inferred to explain a mismatch."""
    sds: list[Ref] = Field(min_length=2)
    """Ids of the groups' standard deviations."""
    means: list[Ref] = Field(min_length=2)
    """Ids of the groups' means, in the order of the standard deviations."""
    counts: list[Ref] = Field(min_length=2)
    """Ids of the groups' counts, in the order of the standard deviations."""

    examples = (
        Example(
            {"m": "12.5", "m1": "10.0", "m2": "20.0", "s1": "2.0", "s2": "3.0", "n1": "30", "n2": "10"},
            {"mean": "m", "sds": ["s1", "s2"], "means": ["m1", "m2"], "counts": ["n1", "n2"]},
            "4.9",
            "6.0",
        ),
    )

    @model_validator(mode="after")
    def _one_entry_per_group(self) -> "PooledSd":
        if not len(self.sds) == len(self.means) == len(self.counts):
            raise ValueError("sds, means and counts must have one entry per group")
        return self

    def compute(self, source: Source) -> Terms:
        """(N - 1) SD^2 = sum (n_i - 1) SD_i^2 + sum_{i<j} n_i n_j (m_i - m_j)^2 / N: exact, and each mean
        difference stands once, so that two groups give a tight interval."""
        counts, means = source.intervals(self.counts), source.intervals(self.means)
        sds = source.intervals(self.sds)
        everyone = total(counts)
        within = total((n - ONE) * s.square() for n, s in zip(counts, sds, strict=True))
        between = total(
            counts[i] * counts[j] * (means[i] - means[j]).square() / everyone
            for i in range(len(counts))
            for j in range(i + 1, len(counts))
        )
        formula = " + ".join(
            f"({source.text(n)} − 1) × {source.text(s)}²" for n, s in zip(self.counts, self.sds, strict=True)
        )
        between_means = source.texts(self.means, " and ")
        formula = f"√((squares within groups {formula}, and between the means {between_means}) / (N − 1))"
        return [(formula, ((within + between) / (everyone - ONE)).root())]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        sds, counts = source.intervals(self.sds), source.intervals(self.counts)

        def within() -> Terms:
            weights = [n - ONE for n in counts]
            squares = total(w * sd.square() for w, sd in zip(weights, sds, strict=True))
            formula = f"√(mean square within groups of {source.texts(self.sds, ', ')})"
            return [(formula, (squares / total(weights)).root())]

        def mean() -> Terms:
            return [(f"({source.texts(self.sds, ' + ')}) / {len(sds)}", total(sds).scaled(Fraction(1, len(sds))))]

        candidates = [
            Candidate("as the standard deviation within the groups", "no", within),
            Candidate("as the mean of the groups' standard deviations", "no", mean),
        ]
        return [*_other_sizes(self, self.mean, claim, source), *made(candidates, source.target(claim))]

    def not_negative(self) -> list[str]:
        return [*self.sds, *self.counts]


def _other_sizes(relation: WeightedMean | PooledSd, mean: str, claim: Claim, source: Source) -> list[Reading]:
    """Two groups whose sizes are not the printed ones (values missing): the first group's share follows from the
    means, and the standard deviation from that share."""
    if len(relation.means) != 2:
        return []
    first, second = source.intervals(relation.means)
    whole = source.interval(mean)
    try:
        share = (whole - second) / (first - second)
    except ZeroDivisionError:
        return []
    counts = source.intervals(relation.counts)
    from_counts = show(counts[0] / total(counts))
    notes = [f"The first group's share is {show(share)} by the means and {from_counts} by the counts."]
    name = "with other group sizes than printed (values missing)"
    if isinstance(relation, WeightedMean):
        span = Interval(min(first.low, second.low), max(first.high, second.high))
        formula = f"any weighted mean of {source.texts(relation.means, ' and ')}"
        return [Reading(name, [(formula, span)], source.target(claim), notes=notes)]
    between = share * (ONE - share) * (first - second).square()
    formula = (
        f"√(share × {source.text(relation.sds[0])}² + (1 − share) × {source.text(relation.sds[1])}² + between means)"
    )

    def spread() -> Terms:
        sds = source.intervals(relation.sds)
        within = [w * sd.square() for w, sd in zip((share, ONE - share), sds, strict=True)]
        return [(formula, (total(within) + between).root())]

    return made([Candidate(name, "no", spread, notes=notes)], source.target(claim))
