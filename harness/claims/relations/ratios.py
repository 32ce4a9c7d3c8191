"""Relations between counts of events, odds ratios, risk ratios and their limits."""

from typing import Literal

from pydantic import Field, model_validator

from containers.contract.request import Strict
from harness.claims.relations.base import Part, Ref, Signed


class OddsRatio(Strict):
    """claim = unadjusted odds ratio of two groups, or a limit of its 95 % confidence interval.

    The limits are Woolf's: exp(ln OR -+ 1.96 SE) with SE^2 the sum of the inverse cell counts (Woolf 1955).
    """

    kind: Literal["odds_ratio"]
    """Names the relation in the ledger."""
    events_high: Ref
    """Id of the number of events in the first group."""
    events_low: Ref
    """Id of the number of events in the second group."""
    size: Ref
    """Id of the number of persons in each group, or in the first where `size_low` is given."""
    size_low: Ref | None = None
    """Id of the number of persons in the second group; None where both have the same."""
    part: Part
    """Whether the claim is the ratio or a limit of its interval."""
    method: str = ""
    """How the paper made its limits, when that is another way than Woolf's; otherwise empty."""


class RiskRatio(Strict):
    """claim = unadjusted risk ratio of two groups, or a limit of its 95 % confidence interval (Katz 1978)."""

    kind: Literal["risk_ratio"]
    """Names the relation in the ledger."""
    events_high: Ref
    """Id of the number of events in the first group."""
    size_high: Ref
    """Id of the number of persons in the first group."""
    events_low: Ref
    """Id of the number of events in the second group."""
    size_low: Ref
    """Id of the number of persons in the second group."""
    part: Part
    """Whether the claim is the ratio or a limit of its interval."""
    method: str = ""
    """How the paper made its limits, when that is another way than Katz's; otherwise empty."""


class Unadjusted(Strict):
    """claim = a statement that the rows were adjusted; counts the rows that equal the unadjusted ratios."""

    kind: Literal["unadjusted"]
    """Names the relation in the ledger."""
    rows: list[Ref] = Field(min_length=1)
    """Ids of the claims that are said to be adjusted, each of them an odds or risk ratio."""


class RatioPower(Strict):
    """claim = ratio ** power: an effect per k units from the effect per one, or with power -1 the reciprocal."""

    kind: Literal["ratio_power"]
    """Names the relation in the ledger."""
    ratio: Ref
    """Id of the ratio per one unit."""
    power: Signed
    """The power, as a decimal number with sign."""


class CombinedRatio(Strict):
    """claim = product of ratio ** power: effects that add on the log scale, an interaction as one more ratio."""

    kind: Literal["combined_ratio"]
    """Names the relation in the ledger."""
    ratios: list[Ref] = Field(min_length=2)
    """Ids of the ratios that are multiplied."""
    powers: list[Signed] = Field(default_factory=list)
    """Power of each ratio, as decimal numbers with sign; empty where all are 1."""

    @model_validator(mode="after")
    def _one_power_per_ratio(self) -> "CombinedRatio":
        if self.powers and len(self.powers) != len(self.ratios):
            raise ValueError("powers must have one entry per ratio")
        return self


class ChangePercent(Strict):
    """claim = 100 |ratio - 1|, in per cent."""

    kind: Literal["change_percent"]
    """Names the relation in the ledger."""
    ratio: Ref
    """Id of the ratio."""


class OddsAsRisk(Strict):
    """claim says of a risk what the odds ratio says of odds: the ratio of risks that it means at the baseline risk.

    RR = OR / (1 - p0 + p0 OR) (Zhang and Yu 1998). A bound: at a low baseline both agree.
    """

    kind: Literal["odds_as_risk"]
    """Names the relation in the ledger."""
    odds_ratio: Ref
    """Id of the odds ratio."""
    baseline_percent: Ref
    """Id of the baseline risk, in %."""
