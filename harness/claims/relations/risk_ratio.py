"""Risk ratios from counts of events."""

from typing import Literal

from harness.claims.relations.base import Example
from harness.claims.relations.event_ratio import EventRatio
from harness.claims.relations.keys import Ref


class RiskRatio(EventRatio):
    """claim = unadjusted risk ratio of two groups, or a limit of its 95 % confidence interval (Katz 1978)."""

    kind: Literal["risk_ratio"]
    """Names the relation in the ledger."""

    in_words = "unadjusted risk ratio, Katz's limits"
    excused = "one unit of the last digit for a named other method"
    explained = "the other ratio, groups, sizes or limits exchanged, 90 / 99 %"
    events_high: Ref
    """Id of the number of events in the first group."""
    size_high: Ref
    """Id of the number of persons in the first group."""
    events_low: Ref
    """Id of the number of events in the second group."""
    size_low: Ref
    """Id of the number of persons in the second group."""

    measure = "risk"
    usual = "Katz's"

    examples = (
        Example(
            {"a": "15", "b": "25", "n": "50"},
            {"events_high": "a", "size_high": "n", "events_low": "b", "size_low": "n", "part": "lower"},
            "0.3617",
            "0.3637",
        ),
        Example(
            {"a": "15", "b": "25", "n": "50"},
            {"events_high": "a", "size_high": "n", "events_low": "b", "size_low": "n", "part": "estimate"},
            "0.600",
            "0.602",
        ),
    )

    def groups(self) -> tuple[tuple[str, str], tuple[str, str]]:
        return (self.events_high, self.size_high), (self.events_low, self.size_low)
