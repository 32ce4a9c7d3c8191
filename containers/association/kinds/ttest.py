"""Kind `ttest`: two means from data (nako_cbp, Fig. 2b: muscle composition with and without back pain)."""

from typing import Literal

from pydantic import Field

from containers.association.fields import Level
from containers.association.kinds._analysis import Analysis
from containers.association.kinds._rows import varying, whole_and_strata
from containers.association.measures.ttest import Summary, TTest, Variances, t_test
from containers.association.report import CohortReport
from containers.toolkit.tables.cohort.columns import Cohort


class TTestAnalysis(Analysis):
    """Difference of a number between two groups."""

    kind: Literal["ttest"]
    """Marks a t test of rows."""
    outcome: str
    """The number whose means are compared."""
    by: str
    """Category of the two groups, after `restrict`."""
    restrict: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Levels whose rows are kept, by category; empty for all rows."""
    strata: str | None = None
    """Category whose levels get a test each, besides the whole; None for the whole only."""
    variances: tuple[Variances, ...] = Field(default=("welch", "pooled"), min_length=1)
    """Which tests are made: `welch` with unequal variances, `pooled` with equal ones."""
    level: Level = 0.95
    """Confidence level of the interval, as a share."""

    example = ({"id": "means", "kind": "ttest", "outcome": "bmi", "by": "pain", "strata": "sex"},)

    def run(self, cohort: Cohort, report: CohortReport) -> None:
        """Put n, level_n, mean and sd of both levels, and each test of first level less second. Raises ItemFault.

        Mean and sd are shown only where their level_n is, df only where n is.
        """
        columns = (self.outcome, self.by)
        for stratum, rows in whole_and_strata(cohort, columns, report, self.restrict, self.strata, by=[self.by]):
            values, second = varying(rows, self.outcome, report, stratum), rows.binary(self.by)
            groups = []
            report.count("n", rows.size, stratum=stratum)
            for code, level in enumerate(rows.category(self.by).levels):
                chosen = values[second == code]
                term = f"{self.by}:{level}"
                if len(chosen) < 2:
                    of = f" in stratum {stratum}" if stratum else ""
                    raise report.fault(
                        f"level {level!r} has {len(chosen)} rows{of}, 2 are needed",
                        column=self.by,
                        fix="give more rows",
                    )
                group = Summary(float(chosen.mean()), float(chosen.std(ddof=1)), len(chosen))
                groups.append(group)
                shown, note = report.shown(group.n, at=("level_n", stratum, term))
                report.put("level_n", shown, stratum=stratum, term=term, note=note)
                report.put("mean", None if note else group.mean, stratum=stratum, term=term, note=note)
                report.put("sd", None if note else group.sd, stratum=stratum, term=term, note=note)
            for variances in dict.fromkeys(self.variances):
                try:
                    test = t_test(groups[0], groups[1], variances, self.level)
                except ValueError as error:
                    raise report.fault(str(error), column=self.outcome, fix="take the analysis out") from error
                put_test(report, test, variances, stratum, rows.size)


def put_test(
    report: CohortReport, test: TTest, variances: Variances, stratum: str = "", rows: int | None = None
) -> None:
    """mean_difference with its interval, t, df, p and log10_p, with the term `welch` or `pooled`.

    rows: n of a table, where it has one; its df is shown only where it is.
    """
    ends = (test.low, test.high)
    report.put_interval("mean_difference", test.difference, ends, stratum=stratum, term=variances)
    note = "" if rows is None else report.shown(rows, at=("n", stratum, ""))[1]
    report.put("df", None if note else test.df, stratum=stratum, term=variances, note=note)
    for quantity in ("t", "p", "log10_p"):
        report.put(quantity, getattr(test, quantity), stratum=stratum, term=variances)
