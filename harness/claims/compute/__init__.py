"""What each relation between printed numbers computes, by interval arithmetic over the printed roundings.

Every function takes a relation of `harness.claims.relations` and the printed numbers, and gives terms: the formula
as text and an interval that holds its result for all values inside the printed roundings.
"""

from collections.abc import Callable
from typing import Any

from harness.claims.compute import arithmetic, ratios, significance, spread, tables
from harness.claims.compute.base import Terms
from harness.claims.source import Source

COMPUTE: dict[str, Callable[[Any, Source], Terms]] = {
    **arithmetic.COMPUTE,
    **spread.COMPUTE,
    **ratios.COMPUTE,
    **significance.COMPUTE,
    **tables.COMPUTE,
}
"""By kind, but for the kinds whose target depends on the claim: they are in `harness.verdicts.plain`."""

BOUNDS = frozenset(
    {
        "height_index",
        "echo_phase",
        "mean_iou",
        "at_most",
        "unadjusted",
        "within",
        "order",
        "odds_as_risk",
        "by_construction",
        "pooled_within",
        "df_at_most",
    }
)
"""Kinds that bound the printed value without fixing it: they contradict or are consistent, never more."""

__all__ = ["BOUNDS", "COMPUTE", "Terms"]
