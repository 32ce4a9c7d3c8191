"""Relations of tests: p values, statistics, degrees of freedom, correlations and heterogeneity."""

from typing import Literal

from pydantic import Field, model_validator

from containers.contract.request import Strict
from harness.claims.relations.base import Decimal, Ref, Scale


class PFromStatistic(Strict):
    """claim = p of a test statistic."""

    kind: Literal["p_from_statistic"]
    """Names the relation in the ledger."""
    statistic: Ref
    """Id of the test statistic."""
    distribution: Literal["normal", "t", "chi2", "f"]
    """Distribution of the statistic when nothing is to be found."""
    df: Ref | None = None
    """Id of the degrees of freedom (of F: the numerator's); needed by t, chi2 and f, None for the normal
    distribution."""
    df2: Ref | None = None
    """Id of the denominator's degrees of freedom; needed by f, None for all others."""
    sides: Literal[1, 2] = 2
    """Whether the test is one-sided or two-sided."""

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
    """Names the relation in the ledger."""
    estimate: Ref
    """Id of the estimate."""
    low: Ref
    """Id of its lower limit."""
    high: Ref
    """Id of its upper limit."""
    scale: Scale = "linear"
    """Scale on which the limits are symmetric; `log` for ratios."""
    level: Decimal = "95"
    """Level of the limits, in %."""


class PFromCounts(Strict):
    """claim = p of two proportions: Pearson's chi-squared, with Yates' correction or Fisher's exact test."""

    kind: Literal["p_from_counts"]
    """Names the relation in the ledger."""
    events_a: Ref
    """Id of the number of events in the first group."""
    size_a: Ref
    """Id of the number of persons in the first group."""
    events_b: Ref
    """Id of the number of events in the second group."""
    size_b: Ref
    """Id of the number of persons in the second group."""


class DifferenceTest(Strict):
    """claim = part of a test of two means."""

    kind: Literal["difference_test"]
    """Names the relation in the ledger."""
    means: list[Ref] = Field(min_length=2, max_length=2)
    """Ids of the two means."""
    sds: list[Ref] = Field(min_length=2, max_length=2)
    """Ids of the two standard deviations, in the order of the means."""
    counts: list[Ref] = Field(min_length=2, max_length=2)
    """Ids of the two numbers of persons, in the order of the means."""
    part: Literal["t", "df", "p", "difference", "d"]
    """What the claim is; `difference`, `t` and `d` (Cohen's) are those of the first minus the second."""


class Correlation(Strict):
    """claim = a limit of a correlation by Fisher's z, or its p by Student's t."""

    kind: Literal["correlation"]
    """Names the relation in the ledger."""
    r: Ref
    """Id of the correlation."""
    n: Ref
    """Id of the number of pairs."""
    part: Literal["lower", "upper", "p"]
    """Whether the claim is a limit of the 95 % confidence interval or the p."""


class I2FromQ(Strict):
    """claim = I2 in per cent = 100 max(0, (Q - df) / Q) (Higgins and Thompson 2002)."""

    kind: Literal["i2_from_q"]
    """Names the relation in the ledger."""
    q: Ref
    """Id of Cochran's Q."""
    df: Ref
    """Id of its degrees of freedom."""
    method: str = ""
    """`DL` where the paper says that it uses DerSimonian and Laird; with any other I2 follows from Q only roughly."""


class LrP(Strict):
    """claim = p of a likelihood-ratio test, from the log-likelihoods of the small and the large model."""

    kind: Literal["lr_p"]
    """Names the relation in the ledger."""
    log_likelihoods: list[Ref] = Field(min_length=2, max_length=2)
    """Ids of the log-likelihoods of the small and of the large model."""
    df: Ref
    """Id of the difference in the number of parameters."""


class SubgroupTest(Strict):
    """claim = heterogeneity between subgroups: Q of their estimates with weights 1 / SE^2, or its p."""

    kind: Literal["subgroup_test"]
    """Names the relation in the ledger."""
    estimates: list[Ref] = Field(min_length=2)
    """Ids of the subgroups' estimates."""
    lows: list[Ref] = Field(min_length=2)
    """Ids of their lower limits, in the order of the estimates."""
    highs: list[Ref] = Field(min_length=2)
    """Ids of their upper limits, in the order of the estimates."""
    scale: Scale = "linear"
    """Scale on which the limits are symmetric; `log` for ratios."""
    part: Literal["q", "p"]
    """Whether the claim is Q or its p."""

    @model_validator(mode="after")
    def _one_entry_per_group(self) -> "SubgroupTest":
        if not len(self.estimates) == len(self.lows) == len(self.highs):
            raise ValueError("estimates, lows and highs must have one entry per subgroup")
        return self
