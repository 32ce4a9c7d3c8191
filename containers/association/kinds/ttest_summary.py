"""Kind `ttest_summary`: two means from summary statistics, as a paper prints them. It reads no row of the table."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from containers.association.kinds.ttest import put_test
from containers.association.report import Report
from containers.association.spec import Analysis, Level
from containers.association.ttest import Summary, Variances, t_test
from containers.contract.cohort.columns import Cohort
from containers.contract.request import Finite, Strict


class Group(Strict):
    """mean and sd (n - 1) of n values."""

    label: str
    mean: Finite
    sd: Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
    n: int = Field(ge=2)


class Spec(Analysis):
    """groups: first and second."""

    kind: Literal["ttest_summary"]
    groups: tuple[Group, Group]
    variances: tuple[Variances, ...] = Field(default=("welch", "pooled"), min_length=1)
    level: Level = 0.95

    @model_validator(mode="after")
    def _two_that_vary(self) -> "Spec":
        if self.groups[0].label == self.groups[1].label:
            raise ValueError("both groups have the same label")
        if self.groups[0].sd == self.groups[1].sd == 0.0:
            raise ValueError("both sd are 0: a t test needs a group that varies")
        return self


def run(analysis: Spec, cohort: Cohort, report: Report) -> None:
    """Put each test of the first mean less the second."""
    first, second = (Summary(group.mean, group.sd, group.n) for group in analysis.groups)
    for variances in dict.fromkeys(analysis.variances):
        put_test(report, t_test(first, second, variances, analysis.level), variances)
