"""How other readings are made: candidates with the arithmetic that each would need."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from harness.claims.interval import Interval
from harness.claims.reading import Excuse, Reading, Terms


@dataclass(frozen=True)
class Candidate:
    """Another reading that may have a value."""

    name: str
    """The reading in words that go on from "it would agree"."""
    excuse: Excuse
    """Whether agreement lets the claim stand: `no`, for this `claim`, or only where it fits its `table`."""
    compute: Callable[[], Terms]
    """Computes the values; raises where there is none."""
    target: Interval | None = None
    """What the printed text stands for under it; None for its rounding."""
    notes: list[str] = field(default_factory=list)
    """Assumptions and side results."""


def made(candidates: Iterable[Candidate], target: Interval) -> list[Reading]:
    """The readings that have a value; one without (a logarithm of zero) is not a reading."""
    found = []
    for candidate in candidates:
        try:
            terms = candidate.compute()
        except (ValueError, ZeroDivisionError, OverflowError):
            continue
        found.append(
            Reading(candidate.name, terms, candidate.target or target, candidate.excuse, list(candidate.notes))
        )
    return found


def suffixed(terms: Terms, text: str, change: Callable[[Interval], Interval]) -> Terms:
    """Every computed value changed, which the text at the end of its formula says."""
    return [(f"{formula}{text}", change(value)) for formula, value in terms]


def halved(terms: Terms) -> Terms:
    """One-sided for a two-sided p."""
    return suffixed(terms, " / 2", lambda value: value.scaled(Fraction(1, 2)))
