"""Percentages of a whole, alone or as one of a column that makes up 100."""

from fractions import Fraction
from typing import Literal

from pydantic import Field

from harness.claims.candidates import Candidate, made
from harness.claims.interval import Interval, decimal
from harness.claims.ledger import Claim
from harness.claims.mathematics.ratio import ONE
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import AsideRef, Ref
from harness.claims.source import Source


class Percent(Relation):
    """claim = 100 part / whole."""

    kind: Literal["percent"]
    """Names the relation in the ledger."""

    in_words = "100 part / whole"
    excused = "column adjusted to 100"
    explained = "other wholes, of those without, share of one, what the column leaves"
    part: Ref
    """Id of the part."""
    whole: Ref
    """Id of the whole."""
    column: list[AsideRef] = Field(default_factory=list)
    """Ids of the other percentages that must make up 100 with this one; empty where there is no such column."""
    wholes_tried: list[AsideRef] = Field(default_factory=list)
    """Ids of other denominators, which explain a mismatch and never excuse it."""

    examples = (
        Example(
            {"a": "25", "n": "80", "all": "100"}, {"part": "a", "whole": "n", "wholes_tried": ["all"]}, "31.3", "31.5"
        ),
    )

    def compute(self, source: Source) -> Terms:
        return percent_of(self.part, self.whole, source)

    def _column(self, claim: Claim, source: Source) -> list[Reading]:
        """Whether a column was adjusted to make up 100, and whether this entry is what the others leave of 100."""
        ledger, printed = source.ledger, claim.parsed()[0]
        terms, target, notes = self.compute(source), source.target(claim), []
        members = [claim, *(c for c in ledger.claims if c.id in self.column)]
        shares = [c.relation.compute(source)[0][1].middle for c in members if isinstance(c.relation, Percent)]
        plain_sum = (
            sum((_rounded(share, printed.step) for share in shares), Fraction(0)) if printed.step else Fraction(0)
        )
        printed_sum = sum((ledger.number(key).parsed()[0].value for key in self.column), printed.value)
        if len(shares) == len(self.column) + 1 and printed_sum == 100 and plain_sum != 100:
            target = Interval(target.low - printed.step, target.high + printed.step)
        else:
            notes = [f"No adjustment was called for: plain rounding adds to {decimal(plain_sum)}."]
        rest = Interval.point(100 - (printed_sum - printed.value))
        formula = "100 − " + source.texts(self.column, " − ")
        name = "as what the column's other entries leave of 100"
        wrong = [
            member.printed
            for member in members[1:]
            if isinstance(member.relation, Percent)
            and not member.relation.compute(source)[0][1].meets(source.target(member))
        ]
        if wrong:
            # Two entries cannot excuse each other: the remainder of a column follows from entries that are right.
            name += f" (at most one entry can be that, and {' and '.join(wrong)} is not its own share either)"
        return [
            Reading("with the column adjusted to add up to 100", terms, target, "claim", notes),
            Reading(name, [(formula, rest)], Interval.point(printed.value)),
        ]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        found = self._column(claim, source) if self.column else []
        wholes = [
            Candidate(
                f"of {source.text(key)} ({source.ledger.number(key).place})",
                "no",
                lambda key=key: percent_of(self.part, key, source),  # type: ignore[misc]
            )
            for key in self.wholes_tried
        ]
        part, whole = source.text(self.part), source.text(self.whole)

        def of_the_rest() -> list[tuple[str, Interval]]:
            rest = source.interval(self.whole) - source.interval(self.part)
            return [(f"100 × {part} / ({whole} − {part})", (source.interval(self.part) / rest).scaled(100))]

        def complement() -> list[tuple[str, Interval]]:
            ratio = source.interval(self.part) / source.interval(self.whole)
            return [(f"100 − 100 × {part} / {whole}", (ONE - ratio).scaled(100))]

        def share() -> list[tuple[str, Interval]]:
            return [(f"{part} / {whole}", source.interval(self.part) / source.interval(self.whole))]

        return [
            *found,
            *made(
                [
                    *wholes,
                    Candidate("of those without it", "no", of_the_rest),
                    Candidate("as the share of those without it", "no", complement),
                    Candidate("as a share of one", "no", share),
                ],
                source.target(claim),
            ),
        ]


def percent_of(part: str, whole: str, source: Source) -> Terms:
    """100 part / whole."""
    ratio = source.interval(part) / source.interval(whole)
    return [(f"100 × {source.text(part)} / {source.text(whole)}", ratio.scaled(100))]


def _rounded(value: Fraction, step: Fraction) -> Fraction:
    """To the nearest multiple of `step`, ties up."""
    return ((value / step + Fraction(1, 2)).__floor__()) * step
