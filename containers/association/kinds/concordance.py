"""Kind `concordance`: limits of agreement and Lin's coefficient of two measurements (ukb_thigh: MRI against DXA)."""

from typing import Literal

from pydantic import Field, model_validator

from containers.association.fields import Level
from containers.association.kinds._analysis import Analysis
from containers.association.kinds._rows import varying, whole_and_strata
from containers.association.measures.concordance import lin_concordance
from containers.association.report import CohortReport
from containers.contract.request import Finite
from containers.toolkit.tables.cohort.columns import Cohort, Number
from containers.toolkit.tables.limits_of_agreement import limits_of_agreement


class ConcordanceAnalysis(Analysis):
    """Agreement of two measurements of the same thing."""

    kind: Literal["concordance"]
    """Marks a concordance."""
    of: tuple[str, str]
    """The measured number and the reference, of one unit."""
    factor: Finite | None = None
    """Multiplies the measured number into the reference's unit (cm3 to kg: 0.00106); None where the units agree."""
    restrict: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Levels whose rows are kept, by category; empty for all rows."""
    strata: str | None = None
    """Category whose levels get a result each, besides the whole; None for the whole only."""
    level: Level = 0.95
    """Confidence level of the intervals, as a share."""

    example = ({"id": "agreement", "kind": "concordance", "of": ["bmi", "bmi_again"], "strata": "sex"},)

    @model_validator(mode="after")
    def _factor_counts(self) -> "ConcordanceAnalysis":
        if self.factor == 0:
            raise ValueError("factor is 0")
        return self

    def run(self, cohort: Cohort, report: CohortReport) -> None:
        """Put n, mean_difference (measured - reference), sd (term `difference`), limits and concordance.

        Raises ItemFault.
        """
        measured, reference = self.of
        for stratum, rows in whole_and_strata(cohort, self.of, report, self.restrict, self.strata):
            x, y = (varying(rows, name, report, stratum) for name in self.of)
            if self.factor is None:
                _check_units(rows, measured, reference, report)
            else:
                x = x * self.factor
            report.count("n", rows.size, stratum=stratum)
            limits = limits_of_agreement(x - y, self.level)
            report.put_interval("mean_difference", limits.mean, limits.mean_interval, stratum=stratum)
            report.put("sd", limits.sd, stratum=stratum, term="difference")
            report.put_interval("limits_low", limits.low, limits.low_interval, stratum=stratum)
            report.put_interval("limits_high", limits.high, limits.high_interval, stratum=stratum)
            lin = lin_concordance(x, y, self.level)
            notes = dict.fromkeys(
                ("low", "high"), "undefined where r is 0 or the agreement perfect" if lin.low is None else ""
            )
            report.put_interval("concordance", lin.coefficient, (lin.low, lin.high), stratum=stratum, notes=notes)


def _check_units(rows: Cohort, measured: str, reference: str, report: CohortReport) -> None:
    units = [column.unit for name in (measured, reference) if isinstance(column := rows.column(name), Number)]
    if len(set(units)) > 1:
        raise report.fault(
            f"is in {units[0]}, {reference} in {units[1]}", column=measured, fix="give factor, or one unit for both"
        )
