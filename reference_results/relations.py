"""How printed numbers must hang together: one typed model per kind of relation.

Every operand is the id of a claim or of a helper number of the same ledger. What each relation computes, and
which other readings are tried, is in `harness.verdicts.relations`; here is only the data.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from containers.contract.request import Strict

Ref = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.]*$")]
Decimal = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?$", description="a decimal number as a string: exact")]


class Sum(Strict):
    """claim = sum of the parts."""

    kind: Literal["sum"]
    parts: list[Ref] = Field(min_length=2)


class Difference(Strict):
    """claim = minuend - subtrahend."""

    kind: Literal["difference"]
    minuend: Ref
    subtrahend: Ref


class Product(Strict):
    """claim = product of the factors."""

    kind: Literal["product"]
    factors: list[Ref] = Field(min_length=2)


class Quotient(Strict):
    """claim = dividend / divisor."""

    kind: Literal["quotient"]
    dividend: Ref
    divisor: Ref


class Percent(Strict):
    """claim = 100 part / whole. `column`: the other percentages that must make up 100 with this one."""

    kind: Literal["percent"]
    part: Ref
    whole: Ref
    column: list[Ref] = Field(default_factory=list)


class Decline(Strict):
    """claim = 100 (start - end) / start, in per cent."""

    kind: Literal["decline"]
    start: Ref
    end: Ref


class ExcessRange(Strict):
    """claim = a printed range that must hold each 100 (upper / lower - 1) of the pairs [upper, lower]."""

    kind: Literal["excess_range"]
    pairs: list[tuple[Ref, Ref]] = Field(min_length=1)


class WeightedMean(Strict):
    """claim = mean over groups, weighted by the groups' counts."""

    kind: Literal["weighted_mean"]
    means: list[Ref] = Field(min_length=2)
    counts: list[Ref] = Field(min_length=2)

    @model_validator(mode="after")
    def _one_entry_per_group(self) -> "WeightedMean":
        if len(self.means) != len(self.counts):
            raise ValueError("means and counts must have one entry per group")
        return self


class PooledSd(Strict):
    """claim = standard deviation of the union of groups, from their counts, means and standard deviations.

    mean: the printed mean of the union, from which other group sizes can be inferred to explain a mismatch.
    """

    kind: Literal["pooled_sd"]
    mean: Ref
    sds: list[Ref] = Field(min_length=2)
    means: list[Ref] = Field(min_length=2)
    counts: list[Ref] = Field(min_length=2)

    @model_validator(mode="after")
    def _one_entry_per_group(self) -> "PooledSd":
        if not len(self.sds) == len(self.means) == len(self.counts):
            raise ValueError("sds, means and counts must have one entry per group")
        return self


class UnitReading(Strict):
    """Another unit in which the number would hold, with the factor from the relation's basic unit to it."""

    unit: str
    scale: Decimal


class HeightIndex(Strict):
    """claim = mean of (quantity / height^2), bounded by the mean quantity and by limits on every height.

    The mean of a ratio is not the ratio of means, so the bound is mean / limit^2 with all heights inside
    `height_limits_m`. other_units: units that are tried to explain a mismatch; they never excuse it.
    """

    kind: Literal["height_index"]
    quantity: Ref
    height_cm: Ref
    height_limits_m: tuple[Decimal, Decimal]
    other_units: list[UnitReading] = Field(default_factory=list)


class EchoPhase(Strict):
    """claim = the phase of fat against water at an echo time: cycles = echo time x field x gamma x shift."""

    kind: Literal["echo_phase"]
    echo_time_ms: Ref
    field_t: Ref
    shift_ppm: Ref
    phase: Literal["in-phase", "opposed-phase"]


class MeanIou(Strict):
    """claim = mean intersection over union, bounded by the mean Dice and the range of the classes' Dice.

    IoU = D / (2 - D) is convex: the mean IoU is at least that of the mean Dice (Jensen) and at most the chord
    between the smallest and the largest class.
    """

    kind: Literal["mean_iou"]
    mean_dice: Ref
    smallest: Ref
    largest: Ref


class AtMost(Strict):
    """product of the factors is at most the product of the limits: a bound can be broken, not reproduced."""

    kind: Literal["at_most"]
    factors: list[Ref] = Field(min_length=1)
    limit: list[Ref] = Field(min_length=1)


class OddsRatio(Strict):
    """claim = unadjusted odds ratio of two groups of one size, or a limit of its 95 % confidence interval.

    The limits are Woolf's: exp(ln OR -+ 1.96 SE) with SE^2 the sum of the inverse cell counts (Woolf 1955).
    method: how the paper made its limits, when that is another way.
    """

    kind: Literal["odds_ratio"]
    events_high: Ref
    events_low: Ref
    size: Ref
    part: Literal["estimate", "lower", "upper"]
    method: str = ""


class Unadjusted(Strict):
    """claim = a statement that the rows were adjusted; counts the rows that equal the unadjusted odds ratios."""

    kind: Literal["unadjusted"]
    rows: list[Ref] = Field(min_length=1)


Relation = Annotated[
    Sum
    | Difference
    | Product
    | Quotient
    | Percent
    | Decline
    | ExcessRange
    | WeightedMean
    | PooledSd
    | HeightIndex
    | EchoPhase
    | MeanIou
    | AtMost
    | OddsRatio
    | Unadjusted,
    Field(discriminator="kind"),
]


_SETTINGS = {"kind", "phase", "height_limits_m", "other_units", "part", "method"}


def operands(relation: Relation) -> list[str]:
    """Ids of all printed numbers that a relation uses."""
    found: list[str] = []
    for name, value in relation:
        if name in _SETTINGS:
            continue
        for entry in value if isinstance(value, list) else [value]:
            found.extend(entry if isinstance(entry, tuple) else [entry])
    return found
