"""Odds ratios and risk ratios from counts of events, with their limits."""

from abc import abstractmethod
from typing import ClassVar, Literal

from harness.claims.candidates import Candidate, made
from harness.claims.distributions import t_quantile
from harness.claims.interval import Interval
from harness.claims.ledger import Claim
from harness.claims.mathematics.confidence import LEVELS, level_of, quantile_text
from harness.claims.mathematics.two_groups import Measure, Table, profile_limit, ratio_terms
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Relation
from harness.claims.relations.keys import Part
from harness.claims.source import Source

_PLURAL: dict[Measure, str] = {"odds": "odds", "risk": "risks"}


class EventRatio(Relation):
    """An unadjusted ratio of two groups, or a limit of its 95 % confidence interval, from the counts of events."""

    part: Part
    """Whether the claim is the ratio or a limit of its interval."""
    method: str = ""
    """How the paper made its limits, when that is another way than the usual one; otherwise empty."""

    measure: ClassVar[Measure]
    """Whether it is a ratio of odds or of risks."""
    usual: ClassVar[str]
    """Whose limits are computed."""

    @abstractmethod
    def groups(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """Ids of events and size, of the first and of the second group."""

    def compute(self, source: Source) -> Terms:
        """Both groups have their printed size, each for itself inside its rounding."""
        return ratio_terms(self.table(source), self.measure, self.part)

    def table(self, source: Source) -> Table:
        """The counts. Raises ValueError when a group has no event, or more events than members."""
        events, sizes = zip(*self.groups(), strict=True)
        table = Table(
            (source.interval(events[0]), source.interval(events[1])),
            (source.interval(sizes[0]), source.interval(sizes[1])),
            ((source.text(events[0]), source.text(sizes[0])), (source.text(events[1]), source.text(sizes[1]))),
        )
        for count, rest, (event_text, size_text) in zip(table.events, table.rests, table.texts, strict=True):
            if rest.high < 0:
                raise ValueError(f"{event_text} events are more than {size_text} members")
            if count.low <= 0 or (rest.low <= 0 and self.measure == "odds"):
                raise ValueError("a cell of the table is zero: the ratio has no value")
        return table

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        table, target = self.table(source), source.target(claim)
        candidates = [*_of_counts(table, self.measure, self.part)]
        if self.part != "estimate":
            candidates += _of_limits(table, self.measure, self.part)
            if self.method:
                unit = claim.parsed()[0].step
                near = Interval(target.low - unit, target.high + unit)
                name = f"within one unit of the last digit, for limits by {self.method}"
                terms = ratio_terms(table, self.measure, self.part)
                candidates.append(Candidate(name, "claim", lambda: terms, near))
        return made(candidates, target)

    def premises(self) -> list[str]:
        if not self.method or self.part == "estimate":
            return []
        return [f"Assumption: {self.usual} limits; the paper names {self.method}, which differs little here."]

    def not_negative(self) -> list[str]:
        return [events for events, _ in self.groups()]


def _of_counts(table: Table, measure: Measure, part: str) -> list[Candidate]:
    other: Measure = "risk" if measure == "odds" else "odds"
    turned: Literal["estimate", "lower", "upper"] = (
        "estimate" if part == "estimate" else "lower" if part == "upper" else "upper"
    )
    return [
        Candidate(f"as a ratio of {_PLURAL[other]}", "no", lambda: ratio_terms(table, other, part)),
        Candidate(
            "with the groups exchanged",
            "no",
            # The lower limit of the reciprocal is one over the upper limit: the turned table has it by itself.
            lambda: ratio_terms(table.turned(), measure, part),
        ),
        Candidate("with the sizes exchanged", "no", lambda: ratio_terms(table.sizes_exchanged(), measure, part)),
        *(
            [Candidate("with exchanged limits", "no", lambda: ratio_terms(table, measure, turned))]
            if part != "estimate"
            else []
        ),
    ]


def _of_limits(table: Table, measure: Measure, part: str) -> list[Candidate]:
    found = []
    if measure == "odds":
        found.append(
            Candidate(
                "with profile-likelihood limits",
                "claim",
                lambda: [(f"profile-likelihood {part} limit of {_counts(table)}", profile_limit(table, part))],
            )
        )
    for level in LEVELS:
        if level != "95":
            quantile, said = t_quantile(level_of(level), None), quantile_text(level)
            found.append(
                Candidate(
                    f"with a confidence level of {level} %",
                    "no",
                    lambda q=quantile, s=said: ratio_terms(table, measure, part, q, s),  # type: ignore[misc]
                )
            )
    return found


def _counts(table: Table) -> str:
    return " against ".join(f"{events} of {size}" for events, size in table.texts)
