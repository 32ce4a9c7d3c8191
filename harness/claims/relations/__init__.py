"""How printed numbers must hang together: one typed model per kind of relation.

Every operand is the id of a claim or of a helper number of the same ledger. What each relation computes, and
which other readings are tried, is in `harness.claims`; here is only the data.
"""

from typing import Annotated

from pydantic import Field

from harness.claims.relations.arithmetic import (
    AtMost,
    ByConstruction,
    Decline,
    DiceIou,
    Difference,
    EchoPhase,
    ExcessRange,
    Formula,
    HeightIndex,
    MeanIou,
    Order,
    Percent,
    Product,
    QuantileSize,
    Quotient,
    Same,
    Sum,
    UnitReading,
    VarianceShare,
    Within,
)
from harness.claims.relations.base import Decimal, Key, Ref, Scale, operands, supports
from harness.claims.relations.ratios import (
    ChangePercent,
    CombinedRatio,
    OddsAsRisk,
    OddsRatio,
    RatioPower,
    RiskRatio,
    Unadjusted,
)
from harness.claims.relations.significance import (
    Correlation,
    DifferenceTest,
    I2FromQ,
    LrP,
    PFromCounts,
    PFromInterval,
    PFromStatistic,
    SubgroupTest,
)
from harness.claims.relations.spread import (
    DfAtMost,
    IntervalCentre,
    IntervalFromSe,
    PooledSd,
    PooledWithin,
    SdFromSe,
    SeFromInterval,
    WeightedMean,
)

Relation = Annotated[
    Sum
    | Difference
    | Product
    | Quotient
    | Same
    | Formula
    | Percent
    | QuantileSize
    | Decline
    | ExcessRange
    | AtMost
    | Within
    | Order
    | VarianceShare
    | ByConstruction
    | HeightIndex
    | EchoPhase
    | MeanIou
    | DiceIou
    | WeightedMean
    | PooledSd
    | IntervalCentre
    | IntervalFromSe
    | SeFromInterval
    | SdFromSe
    | PooledWithin
    | DfAtMost
    | OddsRatio
    | RiskRatio
    | Unadjusted
    | RatioPower
    | CombinedRatio
    | ChangePercent
    | OddsAsRisk
    | PFromStatistic
    | PFromInterval
    | PFromCounts
    | DifferenceTest
    | Correlation
    | I2FromQ
    | LrP
    | SubgroupTest,
    Field(discriminator="kind"),
]

STATEMENTS = frozenset({"order", "at_most", "unadjusted", "echo_phase"})
"""Kinds that test other numbers than the claim's own: its printed text may be words."""

__all__ = [
    "STATEMENTS",
    "AtMost",
    "ByConstruction",
    "ChangePercent",
    "CombinedRatio",
    "Correlation",
    "Decimal",
    "Decline",
    "DfAtMost",
    "DiceIou",
    "Difference",
    "DifferenceTest",
    "EchoPhase",
    "ExcessRange",
    "Formula",
    "HeightIndex",
    "I2FromQ",
    "IntervalCentre",
    "IntervalFromSe",
    "Key",
    "LrP",
    "MeanIou",
    "OddsAsRisk",
    "OddsRatio",
    "Order",
    "PFromCounts",
    "PFromInterval",
    "PFromStatistic",
    "Percent",
    "PooledSd",
    "PooledWithin",
    "Product",
    "QuantileSize",
    "Quotient",
    "RatioPower",
    "Ref",
    "Relation",
    "RiskRatio",
    "Same",
    "Scale",
    "SdFromSe",
    "SeFromInterval",
    "SubgroupTest",
    "Sum",
    "Unadjusted",
    "UnitReading",
    "VarianceShare",
    "WeightedMean",
    "Within",
    "operands",
    "supports",
]
