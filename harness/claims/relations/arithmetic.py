"""Relations of plain arithmetic: sums, shares, changes, bounds and formulas."""

from typing import Literal

from pydantic import Field, model_validator

from containers.contract.request import Strict
from harness.claims.formula import names, parse
from harness.claims.relations.base import AsideRef, Decimal, Ref, Share


class Sum(Strict):
    """claim = sum of the parts."""

    kind: Literal["sum"]
    """Names the relation in the ledger."""
    parts: list[Ref] = Field(min_length=2)
    """Ids of the numbers that are added, two or more."""


class Difference(Strict):
    """claim = minuend - subtrahend."""

    kind: Literal["difference"]
    """Names the relation in the ledger."""
    minuend: Ref
    """Id of the number that is subtracted from."""
    subtrahend: Ref
    """Id of the number that is subtracted."""


class Product(Strict):
    """claim = product of the factors."""

    kind: Literal["product"]
    """Names the relation in the ledger."""
    factors: list[Ref] = Field(min_length=2)
    """Ids of the numbers that are multiplied, two or more."""


class Quotient(Strict):
    """claim = dividend / divisor."""

    kind: Literal["quotient"]
    """Names the relation in the ledger."""
    dividend: Ref
    """Id of the number that is divided."""
    divisor: Ref
    """Id of the number that it is divided by."""


class Same(Strict):
    """claim = the same quantity printed at other places, in the same unit or in one that converts to it.

    A printed range is compared end by end.
    """

    kind: Literal["same"]
    """Names the relation in the ledger."""
    of: list[Ref] = Field(min_length=1)
    """Ids of the same quantity at other places."""


class Formula(Strict):
    """claim = an expression of the values: + - * / ** (whole power), sqrt, exp, log, abs, min, max, numbers."""

    kind: Literal["formula"]
    """Names the relation in the ledger."""
    formula: str = Field(min_length=1, max_length=400)
    """The expression, in the names of `values`."""
    values: dict[str, Ref] = Field(min_length=1)
    """Id of the number that each name of the expression stands for."""

    @model_validator(mode="after")
    def _names_have_values(self) -> "Formula":
        used = set(names(parse(self.formula)))
        if missing := sorted(used - set(self.values)):
            raise ValueError(f"formula uses {missing[0]!r}, which `values` does not give")
        if idle := sorted(set(self.values) - used):
            raise ValueError(f"`values` gives {idle[0]!r}, which the formula does not use")
        return self


class Percent(Strict):
    """claim = 100 part / whole."""

    kind: Literal["percent"]
    """Names the relation in the ledger."""
    part: Ref
    """Id of the part."""
    whole: Ref
    """Id of the whole."""
    column: list[AsideRef] = Field(default_factory=list)
    """Ids of the other percentages that must make up 100 with this one; empty where there is no such column."""
    wholes_tried: list[AsideRef] = Field(default_factory=list)
    """Ids of other denominators, which explain a mismatch and never excuse it."""


class QuantileSize(Strict):
    """claim = size of a group cut off at a quantile of `whole` persons: share x whole, rounded either way."""

    kind: Literal["quantile_size"]
    """Names the relation in the ledger."""
    whole: Ref
    """Id of the number of persons that the quantile is of."""
    share: Share
    """Share of the persons in the group, as `1/3` or `0.25`."""


class Decline(Strict):
    """claim = 100 (start - end) / start, in per cent."""

    kind: Literal["decline"]
    """Names the relation in the ledger."""
    start: Ref
    """Id of the value at the start."""
    end: Ref
    """Id of the value at the end, in the same unit."""


class ExcessRange(Strict):
    """claim = a printed range that must hold each 100 (upper / lower - 1) of the pairs [upper, lower]."""

    kind: Literal["excess_range"]
    """Names the relation in the ledger."""
    pairs: list[tuple[Ref, Ref]] = Field(min_length=1)
    """Ids of the upper and the lower number of each pair."""


class AtMost(Strict):
    """product of the factors is at most the product of the limits: a bound can be broken, not reproduced."""

    kind: Literal["at_most"]
    """Names the relation in the ledger."""
    factors: list[Ref] = Field(min_length=1)
    """Ids of the numbers whose product is bounded."""
    limit: list[Ref] = Field(min_length=1)
    """Ids of the numbers whose product is the bound."""


class Within(Strict):
    """low <= claim <= high: a bound."""

    kind: Literal["within"]
    """Names the relation in the ledger."""
    low: Ref
    """Id of the lower bound."""
    high: Ref
    """Id of the upper bound."""


class Order(Strict):
    """The claim states that one printed number exceeds another: a bound, and only ever a statement about them."""

    kind: Literal["order"]
    """Names the relation in the ledger."""
    larger: Ref
    """Id of the number that is said to be larger."""
    smaller: Ref
    """Id of the number that is said to be smaller."""


class VarianceShare(Strict):
    """claim = 100 part / (part + others), in per cent."""

    kind: Literal["variance_share"]
    """Names the relation in the ledger."""
    part: Ref
    """Id of the variance whose share is claimed."""
    others: list[Ref] = Field(min_length=1)
    """Ids of the other variances of the same sum."""


class ByConstruction(Strict):
    """claim = a value that holds for any data: it says nothing of them."""

    kind: Literal["by_construction"]
    """Names the relation in the ledger."""
    value: Decimal
    """The value that holds for any data, in the claim's unit."""
    reason: str = Field(min_length=1)
    """Why it holds for any data."""


class UnitReading(Strict):
    """Another unit in which the number would hold, with the factor from the relation's basic unit to it."""

    unit: str
    """The unit, as it is named in the explanation."""
    scale: Decimal
    """Factor from the relation's basic unit to it."""


class HeightIndex(Strict):
    """claim = mean of (quantity / height^2), bounded by the mean quantity and by limits on every height.

    The mean of a ratio is not the ratio of means, so the bound is mean / limit^2 with all heights inside the limits.
    """

    kind: Literal["height_index"]
    """Names the relation in the ledger."""
    quantity: Ref
    """Id of the mean quantity."""
    height_cm: Ref
    """Id of the mean height in cm."""
    height_limits_m: tuple[Decimal, Decimal]
    """Lowest and highest height that a participant may have, in m."""
    other_units: list[UnitReading] = Field(default_factory=list)
    """Units that are tried to explain a mismatch; they never excuse it."""


class EchoPhase(Strict):
    """claim = the phase of fat against water at an echo time: cycles = echo time x field x gamma x shift."""

    kind: Literal["echo_phase"]
    """Names the relation in the ledger."""
    echo_time_ms: Ref
    """Id of the echo time in ms."""
    field_t: Ref
    """Id of the field strength in T."""
    shift_ppm: Ref
    """Id of the chemical shift of fat against water in ppm."""
    phase: Literal["in-phase", "opposed-phase"]
    """The phase that the paper says."""


class MeanIou(Strict):
    """claim = mean intersection over union, bounded by the mean Dice and the range of the classes' Dice.

    IoU = D / (2 - D) is convex: the mean IoU is at least that of the mean Dice (Jensen) and at most the chord
    between the smallest and the largest class.
    """

    kind: Literal["mean_iou"]
    """Names the relation in the ledger."""
    mean_dice: Ref
    """Id of the mean Dice over the classes."""
    smallest: Ref
    """Id of the smallest Dice of a class."""
    largest: Ref
    """Id of the largest Dice of a class."""


class DiceIou(Strict):
    """claim = the overlap of one case in the other measure: IoU = D / (2 - D), or D = 2 IoU / (1 + IoU)."""

    kind: Literal["dice_iou"]
    """Names the relation in the ledger."""
    dice: Ref | None = None
    """Id of the Dice that the claim's IoU follows from; None where `iou` is given."""
    iou: Ref | None = None
    """Id of the IoU that the claim's Dice follows from; None where `dice` is given."""

    @model_validator(mode="after")
    def _one_of_both(self) -> "DiceIou":
        if (self.dice is None) == (self.iou is None):
            raise ValueError("give either dice or iou")
        return self
