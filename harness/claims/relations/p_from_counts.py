"""p values of two proportions."""

import math
from collections.abc import Callable
from typing import Literal

from scipy import special

from harness.claims.candidates import Candidate, halved, made
from harness.claims.interval import Interval
from harness.claims.ledger import Claim
from harness.claims.mathematics.proportions import each_table, fisher, likelihood, pearson, yates
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Ref
from harness.claims.source import Source


class PFromCounts(Relation):
    """claim = p of two proportions: Pearson's chi-squared, with Yates' correction or Fisher's exact test."""

    kind: Literal["p_from_counts"]
    """Names the relation in the ledger."""

    in_words = "Pearson's χ²"
    excused = "Yates, Fisher, likelihood ratio, Wald"
    explained = "one-sided"
    events_a: Ref
    """Id of the number of events in the first group."""
    size_a: Ref
    """Id of the number of persons in the first group."""
    events_b: Ref
    """Id of the number of events in the second group."""
    size_b: Ref
    """Id of the number of persons in the second group."""

    probability = True

    examples = (
        Example(
            {"a": "215", "n": "17920", "b": "202", "m": "19084"},
            {"events_a": "a", "size_a": "n", "events_b": "b", "size_b": "m"},
            "0.1981",
            "0.1881",
        ),
    )

    def compute(self, source: Source) -> Terms:
        found = each_table(self.counts(source), pearson)
        return [(f"p of Pearson's χ² for {self.text(source)}", found)]

    def counts(self, source: Source) -> list[Interval]:
        """events, size, events, size."""
        keys = (self.events_a, self.size_a, self.events_b, self.size_b)
        return [source.count(key) for key in keys]

    def text(self, source: Source) -> str:
        """`215 of 17,920 against 202 of 19,084`."""
        first = f"{source.text(self.events_a)} of {source.text(self.size_a)}"
        return f"{first} against {source.text(self.events_b)} of {source.text(self.size_b)}"

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        counts, text = self.counts(source), self.text(source)

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
                Candidate("one-sided", "no", lambda: halved(of("of Pearson's χ²", pearson)())),
            ],
            source.target(claim),
        )
