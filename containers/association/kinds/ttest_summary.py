"""Kind `ttest_summary`: two means from summary statistics, as a paper prints them. It reads no row of the table."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from containers.association.fields import Level
from containers.association.kinds._analysis import Analysis
from containers.association.kinds.ttest import put_test
from containers.association.measures.ttest import Summary, Variances, t_test
from containers.association.report import CohortReport
from containers.contract.request import Finite, Strict
from containers.toolkit.tables.cohort.columns import Cohort


class GroupSummary(Strict):
    """A group as its mean and SD."""

    label: str
    """Name of the group."""
    mean: Finite
    """Mean of the values."""
    sd: Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
    """Standard deviation of the values with n - 1, in the mean's unit."""
    n: int = Field(ge=2)
    """Number of values."""


class TTestSummaryAnalysis(Analysis):
    """Difference of two groups of which only mean and SD are known."""

    kind: Literal["ttest_summary"]
    """Marks a t test of printed means and SDs."""
    groups: tuple[GroupSummary, GroupSummary]
    """The first and the second group; the difference is first minus second."""
    variances: tuple[Variances, ...] = Field(default=("welch", "pooled"), min_length=1)
    """Which tests are made: `welch` with unequal variances, `pooled` with equal ones."""
    level: Level = 0.95
    """Confidence level of the interval, as a share."""

    example = (
        {
            "id": "means",
            "kind": "ttest_summary",
            "groups": [
                {"label": "a", "mean": 1.5, "sd": 1.0, "n": 20},
                {"label": "b", "mean": 1.0, "sd": 2.0, "n": 30},
            ],
        },
    )

    @model_validator(mode="after")
    def _two_that_vary(self) -> "TTestSummaryAnalysis":
        if self.groups[0].label == self.groups[1].label:
            raise ValueError("both groups have the same label")
        if self.groups[0].sd == self.groups[1].sd == 0.0:
            raise ValueError("both sd are 0: a t test needs a group that varies")
        return self

    def run(self, cohort: Cohort, report: CohortReport) -> None:
        """Put each test of the first mean less the second."""
        first, second = (Summary(group.mean, group.sd, group.n) for group in self.groups)
        for variances in dict.fromkeys(self.variances):
            put_test(report, t_test(first, second, variances, self.level), variances)
