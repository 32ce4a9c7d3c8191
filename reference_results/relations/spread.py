"""Relations between means, standard deviations, standard errors and confidence limits."""

from typing import Literal

from pydantic import Field, model_validator

from containers.contract.request import Strict
from reference_results.relations.base import AsideRef, Decimal, Ref, Scale


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
    mean: AsideRef
    sds: list[Ref] = Field(min_length=2)
    means: list[Ref] = Field(min_length=2)
    counts: list[Ref] = Field(min_length=2)

    @model_validator(mode="after")
    def _one_entry_per_group(self) -> "PooledSd":
        if not len(self.sds) == len(self.means) == len(self.counts):
            raise ValueError("sds, means and counts must have one entry per group")
        return self


class IntervalCentre(Strict):
    """claim = the estimate that lies in the middle of its own limits.

    method: how the limits were made when they are not symmetric on the scale (bootstrap, profile); then the relation
    is a bound: the estimate lies between its limits.
    """

    kind: Literal["interval_centre"]
    low: Ref
    high: Ref
    scale: Scale = "linear"
    method: str = ""


class IntervalFromSe(Strict):
    """claim = a limit, estimate -+ quantile x SE; on the log scale exp(ln estimate -+ quantile x SE), SE of the log.

    df: degrees of freedom of Student's t; the normal distribution without.
    """

    kind: Literal["interval_from_se"]
    estimate: Ref
    se: Ref
    part: Literal["lower", "upper"]
    df: Ref | None = None
    scale: Scale = "linear"
    level: Decimal = "95"


class SeFromInterval(Strict):
    """claim = standard error: width of the limits over twice the normal quantile; on the log scale, SE of the log."""

    kind: Literal["se_from_interval"]
    low: Ref
    high: Ref
    scale: Scale = "linear"
    level: Decimal = "95"


class SdFromSe(Strict):
    """claim = standard deviation = SE sqrt(n)."""

    kind: Literal["sd_from_se"]
    se: Ref
    n: Ref


class PooledWithin(Strict):
    """claim = a pooled effect, which lies between the smallest and the largest of its strata: a bound.

    It holds for a weighted mean of the strata and for an effect adjusted for what they are made by. A crude effect need
    not lie between them (Simpson's paradox): do not use it there.
    """

    kind: Literal["pooled_within"]
    strata: list[Ref] = Field(min_length=2)


class DfAtMost(Strict):
    """claim = degrees of freedom, which cannot exceed clusters - parameters: a bound."""

    kind: Literal["df_at_most"]
    clusters: Ref
    parameters: Decimal = "1"
