"""Relations between means, standard deviations, standard errors and confidence limits."""

from typing import Literal

from pydantic import Field, model_validator

from containers.contract.request import Strict
from harness.claims.relations.base import AsideRef, Decimal, Ref, Scale


class WeightedMean(Strict):
    """claim = mean over groups, weighted by the groups' counts."""

    kind: Literal["weighted_mean"]
    """Names the relation in the ledger."""
    means: list[Ref] = Field(min_length=2)
    """Ids of the groups' means."""
    counts: list[Ref] = Field(min_length=2)
    """Ids of the groups' counts, in the order of the means."""

    @model_validator(mode="after")
    def _one_entry_per_group(self) -> "WeightedMean":
        if len(self.means) != len(self.counts):
            raise ValueError("means and counts must have one entry per group")
        return self


class PooledSd(Strict):
    """claim = standard deviation of the union of groups, from their counts, means and standard deviations."""

    kind: Literal["pooled_sd"]
    """Names the relation in the ledger."""
    mean: AsideRef
    """Id of the printed mean of the union, from which other group sizes can be inferred to explain a mismatch."""
    sds: list[Ref] = Field(min_length=2)
    """Ids of the groups' standard deviations."""
    means: list[Ref] = Field(min_length=2)
    """Ids of the groups' means, in the order of the standard deviations."""
    counts: list[Ref] = Field(min_length=2)
    """Ids of the groups' counts, in the order of the standard deviations."""

    @model_validator(mode="after")
    def _one_entry_per_group(self) -> "PooledSd":
        if not len(self.sds) == len(self.means) == len(self.counts):
            raise ValueError("sds, means and counts must have one entry per group")
        return self


class IntervalCentre(Strict):
    """claim = the estimate that lies in the middle of its own limits."""

    kind: Literal["interval_centre"]
    """Names the relation in the ledger."""
    low: Ref
    """Id of the lower limit."""
    high: Ref
    """Id of the upper limit."""
    scale: Scale = "linear"
    """Scale on which the limits are symmetric; `log` for ratios."""
    method: str = ""
    """How limits were made that are not symmetric (bootstrap, profile), which makes it a bound; otherwise empty."""


class IntervalFromSe(Strict):
    """claim = a limit, estimate -+ quantile x SE; on the log scale exp(ln estimate -+ quantile x SE), SE of the log."""

    kind: Literal["interval_from_se"]
    """Names the relation in the ledger."""
    estimate: Ref
    """Id of the estimate."""
    se: Ref
    """Id of its standard error, on the log scale that of the logarithm."""
    part: Literal["lower", "upper"]
    """Which limit the claim is."""
    df: Ref | None = None
    """Id of the degrees of freedom of Student's t; None for the normal distribution."""
    scale: Scale = "linear"
    """Scale on which the limits are symmetric; `log` for ratios."""
    level: Decimal = "95"
    """Level of the limits, in %."""


class SeFromInterval(Strict):
    """claim = standard error: width of the limits over twice the normal quantile; on the log scale, SE of the log."""

    kind: Literal["se_from_interval"]
    """Names the relation in the ledger."""
    low: Ref
    """Id of the lower limit."""
    high: Ref
    """Id of the upper limit."""
    scale: Scale = "linear"
    """Scale on which the limits are symmetric; `log` for ratios."""
    level: Decimal = "95"
    """Level of the limits, in %."""


class SdFromSe(Strict):
    """claim = standard deviation = SE sqrt(n)."""

    kind: Literal["sd_from_se"]
    """Names the relation in the ledger."""
    se: Ref
    """Id of the standard error."""
    n: Ref
    """Id of the number of persons."""


class PooledWithin(Strict):
    """claim = a pooled effect, which lies between the smallest and the largest of its strata: a bound.

    It holds for a weighted mean of the strata and for an effect adjusted for what they are made by. A crude effect need
    not lie between them (Simpson's paradox): do not use it there.
    """

    kind: Literal["pooled_within"]
    """Names the relation in the ledger."""
    strata: list[Ref] = Field(min_length=2)
    """Ids of the effects of the strata."""


class DfAtMost(Strict):
    """claim = degrees of freedom, which cannot exceed clusters - parameters: a bound."""

    kind: Literal["df_at_most"]
    """Names the relation in the ledger."""
    clusters: Ref
    """Id of the number of clusters."""
    parameters: Decimal = "1"
    """Number of parameters that were estimated, as a decimal number."""
