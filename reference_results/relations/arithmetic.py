"""Relations of plain arithmetic: sums, shares, changes, bounds and formulas."""

from typing import Literal

from pydantic import Field, model_validator

from containers.contract.request import Strict
from reference_results.formula import names, parse
from reference_results.relations.base import AsideRef, Decimal, Ref, Share


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


class Same(Strict):
    """claim = the same quantity printed at other places, in the same unit or in one that converts to it.

    A printed range is compared end by end.
    """

    kind: Literal["same"]
    of: list[Ref] = Field(min_length=1)


class Formula(Strict):
    """claim = an expression of the values: + - * / ** (whole power), sqrt, exp, log, abs, min, max, numbers."""

    kind: Literal["formula"]
    formula: str = Field(min_length=1, max_length=400)
    values: dict[str, Ref] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_have_values(self) -> "Formula":
        used = set(names(parse(self.formula)))
        if missing := sorted(used - set(self.values)):
            raise ValueError(f"formula uses {missing[0]!r}, which `values` does not give")
        if idle := sorted(set(self.values) - used):
            raise ValueError(f"`values` gives {idle[0]!r}, which the formula does not use")
        return self


class Percent(Strict):
    """claim = 100 part / whole. `column`: the other percentages that must make up 100 with this one.

    wholes_tried: other denominators, which explain a mismatch and never excuse it.
    """

    kind: Literal["percent"]
    part: Ref
    whole: Ref
    column: list[AsideRef] = Field(default_factory=list)
    wholes_tried: list[AsideRef] = Field(default_factory=list)


class QuantileSize(Strict):
    """claim = size of a group cut off at a quantile of `whole` persons: share x whole, rounded either way."""

    kind: Literal["quantile_size"]
    whole: Ref
    share: Share


class Decline(Strict):
    """claim = 100 (start - end) / start, in per cent."""

    kind: Literal["decline"]
    start: Ref
    end: Ref


class ExcessRange(Strict):
    """claim = a printed range that must hold each 100 (upper / lower - 1) of the pairs [upper, lower]."""

    kind: Literal["excess_range"]
    pairs: list[tuple[Ref, Ref]] = Field(min_length=1)


class AtMost(Strict):
    """product of the factors is at most the product of the limits: a bound can be broken, not reproduced."""

    kind: Literal["at_most"]
    factors: list[Ref] = Field(min_length=1)
    limit: list[Ref] = Field(min_length=1)


class Within(Strict):
    """low <= claim <= high: a bound."""

    kind: Literal["within"]
    low: Ref
    high: Ref


class Order(Strict):
    """The claim states that one printed number exceeds another: a bound, and only ever a statement about them."""

    kind: Literal["order"]
    larger: Ref
    smaller: Ref


class VarianceShare(Strict):
    """claim = 100 part / (part + others), in per cent."""

    kind: Literal["variance_share"]
    part: Ref
    others: list[Ref] = Field(min_length=1)


class ByConstruction(Strict):
    """claim = a value that holds for any data: it says nothing of them."""

    kind: Literal["by_construction"]
    value: Decimal
    reason: str = Field(min_length=1)


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


class DiceIou(Strict):
    """claim = the overlap of one case in the other measure: IoU = D / (2 - D), or D = 2 IoU / (1 + IoU)."""

    kind: Literal["dice_iou"]
    dice: Ref | None = None
    iou: Ref | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "DiceIou":
        if (self.dice is None) == (self.iou is None):
            raise ValueError("give either dice or iou")
        return self
