"""Odds ratios from counts of events."""

from typing import Literal

from harness.claims.relations.base import Example
from harness.claims.relations.event_ratio import EventRatio
from harness.claims.relations.keys import Ref


class OddsRatio(EventRatio):
    """claim = unadjusted odds ratio of two groups, or a limit of its 95 % confidence interval.

    The limits are Woolf's: exp(ln OR -+ 1.96 SE) with SE^2 the sum of the inverse cell counts (Woolf 1955).
    """

    kind: Literal["odds_ratio"]
    """Names the relation in the ledger."""

    in_words = "unadjusted odds ratio, Woolf's limits"
    excused = "profile-likelihood limits, one unit of the last digit for a named other method"
    explained = "the other ratio, groups, sizes or limits exchanged, 90 / 99 %"
    events_high: Ref
    """Id of the number of events in the first group."""
    events_low: Ref
    """Id of the number of events in the second group."""
    size: Ref
    """Id of the number of persons in each group, or in the first where `size_low` is given."""
    size_low: Ref | None = None
    """Id of the number of persons in the second group; None where both have the same."""

    measure = "odds"
    usual = "Woolf's"

    examples = (
        Example(
            {"a": "15", "b": "25", "n": "50"},
            {"events_high": "a", "events_low": "b", "size": "n", "part": "estimate"},
            "0.4286",
            "0.4296",
        ),
        Example(
            {"a": "15", "b": "25", "n": "50"},
            {"events_high": "a", "events_low": "b", "size": "n", "part": "lower"},
            "0.1887",
            "0.1897",
        ),
        Example(
            {"a": "15", "b": "25", "n": "50"},
            {"events_high": "a", "events_low": "b", "size": "n", "part": "upper", "method": "score"},
            "0.97",
            "1.12",
        ),
    )

    def groups(self) -> tuple[tuple[str, str], tuple[str, str]]:
        return (self.events_high, self.size), (self.events_low, self.size_low or self.size)
