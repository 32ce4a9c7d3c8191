"""Relations between counts of events, odds ratios, risk ratios and their limits."""

from typing import Literal

from pydantic import Field, model_validator

from containers.contract.request import Strict
from reference_results.relations.base import Part, Ref, Signed


class OddsRatio(Strict):
    """claim = unadjusted odds ratio of two groups, or a limit of its 95 % confidence interval.

    size: of both groups, or of the first when size_low is given. The limits are Woolf's: exp(ln OR -+ 1.96 SE) with
    SE^2 the sum of the inverse cell counts (Woolf 1955). method: how the paper made its limits, when that is another
    way.
    """

    kind: Literal["odds_ratio"]
    events_high: Ref
    events_low: Ref
    size: Ref
    size_low: Ref | None = None
    part: Part
    method: str = ""


class RiskRatio(Strict):
    """claim = unadjusted risk ratio of two groups, or a limit of its 95 % confidence interval (Katz 1978)."""

    kind: Literal["risk_ratio"]
    events_high: Ref
    size_high: Ref
    events_low: Ref
    size_low: Ref
    part: Part
    method: str = ""


class Unadjusted(Strict):
    """claim = a statement that the rows were adjusted; counts the rows that equal the unadjusted ratios."""

    kind: Literal["unadjusted"]
    rows: list[Ref] = Field(min_length=1)


class RatioPower(Strict):
    """claim = ratio ** power: an effect per k units from the effect per one, or with power -1 the reciprocal."""

    kind: Literal["ratio_power"]
    ratio: Ref
    power: Signed


class CombinedRatio(Strict):
    """claim = product of ratio ** power: effects that add on the log scale, an interaction as one more ratio."""

    kind: Literal["combined_ratio"]
    ratios: list[Ref] = Field(min_length=2)
    powers: list[Signed] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_power_per_ratio(self) -> "CombinedRatio":
        if self.powers and len(self.powers) != len(self.ratios):
            raise ValueError("powers must have one entry per ratio")
        return self


class ChangePercent(Strict):
    """claim = 100 |ratio - 1|, in per cent."""

    kind: Literal["change_percent"]
    ratio: Ref


class OddsAsRisk(Strict):
    """claim says of a risk what the odds ratio says of odds: the ratio of risks that it means at the baseline risk.

    RR = OR / (1 - p0 + p0 OR) (Zhang and Yu 1998). A bound: at a low baseline both agree.
    """

    kind: Literal["odds_as_risk"]
    odds_ratio: Ref
    baseline_percent: Ref
