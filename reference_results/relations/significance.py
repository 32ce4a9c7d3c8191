"""Relations of tests: p values, statistics, degrees of freedom, correlations and heterogeneity."""

from typing import Literal

from pydantic import Field, model_validator

from containers.contract.request import Strict
from reference_results.relations.base import Decimal, Ref, Scale


class PFromStatistic(Strict):
    """claim = p of a test statistic. df: needed by t, chi2 and f; df2: the denominator's, needed by f."""

    kind: Literal["p_from_statistic"]
    statistic: Ref
    distribution: Literal["normal", "t", "chi2", "f"]
    df: Ref | None = None
    df2: Ref | None = None
    sides: Literal[1, 2] = 2

    @model_validator(mode="after")
    def _degrees_of_freedom(self) -> "PFromStatistic":
        wanted = {"normal": 0, "t": 1, "chi2": 1, "f": 2}[self.distribution]
        if (self.df is not None) + (self.df2 is not None) != wanted or (self.df is None and self.df2 is not None):
            names = ("no df", "df", "df and df2")[wanted]
            raise ValueError(f"distribution {self.distribution} takes {names}")
        return self


class PFromInterval(Strict):
    """claim = two-sided p of an estimate with its confidence limits, by the normal distribution (Altman 2011)."""

    kind: Literal["p_from_interval"]
    estimate: Ref
    low: Ref
    high: Ref
    scale: Scale = "linear"
    level: Decimal = "95"


class PFromCounts(Strict):
    """claim = p of two proportions: Pearson's chi-squared, with Yates' correction or Fisher's exact test."""

    kind: Literal["p_from_counts"]
    events_a: Ref
    size_a: Ref
    events_b: Ref
    size_b: Ref


class DifferenceTest(Strict):
    """claim = part of a test of two means. `t` and `d` are those of the first minus the second."""

    kind: Literal["difference_test"]
    means: list[Ref] = Field(min_length=2, max_length=2)
    sds: list[Ref] = Field(min_length=2, max_length=2)
    counts: list[Ref] = Field(min_length=2, max_length=2)
    part: Literal["t", "df", "p", "difference", "d"]


class Correlation(Strict):
    """claim = a limit of a correlation by Fisher's z, or its p by Student's t."""

    kind: Literal["correlation"]
    r: Ref
    n: Ref
    part: Literal["lower", "upper", "p"]


class I2FromQ(Strict):
    """claim = I2 in per cent = 100 max(0, (Q - df) / Q) (Higgins and Thompson 2002).

    method: "DL" when the paper says that its variance between studies is DerSimonian and Laird's: with any other (REML)
    I2 follows from Q only roughly.
    """

    kind: Literal["i2_from_q"]
    q: Ref
    df: Ref
    method: str = ""


class LrP(Strict):
    """claim = p of a likelihood-ratio test, from the log-likelihoods of the small and the large model."""

    kind: Literal["lr_p"]
    log_likelihoods: list[Ref] = Field(min_length=2, max_length=2)
    df: Ref


class SubgroupTest(Strict):
    """claim = heterogeneity between subgroups: Q of their estimates with weights 1 / SE^2, or its p."""

    kind: Literal["subgroup_test"]
    estimates: list[Ref] = Field(min_length=2)
    lows: list[Ref] = Field(min_length=2)
    highs: list[Ref] = Field(min_length=2)
    scale: Scale = "linear"
    part: Literal["q", "p"]

    @model_validator(mode="after")
    def _one_entry_per_group(self) -> "SubgroupTest":
        if not len(self.estimates) == len(self.lows) == len(self.highs):
            raise ValueError("estimates, lows and highs must have one entry per subgroup")
        return self
