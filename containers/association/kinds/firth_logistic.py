"""Kind `firth_logistic`: Firth's penalised likelihood, with penalised profile intervals and tests."""

from typing import Literal

from containers.association.data.model_data import stratified
from containers.association.fields import LogisticFields
from containers.association.kinds._analysis import Analysis
from containers.association.kinds._coefficients import put_coefficients, put_profile
from containers.association.kinds._fits import put_counts, put_test
from containers.association.models.firth import firth_gains, firth_intervals, fit_firth
from containers.association.report import CohortReport
from containers.toolkit.tables.cohort.columns import Cohort
from containers.toolkit.tables.cohort.design import INTERCEPT


class FirthLogisticAnalysis(LogisticFields, Analysis):
    """Logistic regression with Firth's penalty."""

    kind: Literal["firth_logistic"]
    """Marks a logistic regression with Firth's penalty."""

    example = ({"id": "firth", "kind": "firth_logistic", "outcome": "pain", "terms": ["age_years", "sex"]},)

    def run(self, cohort: Cohort, report: CohortReport) -> None:
        """Fit the whole and the strata, and put what they give. Raises ItemFault."""
        for data in stratified(self, cohort, report, self.strata):
            x, names, stratum = data.design.matrix, data.design.names, data.stratum
            fit = fit_firth(x, data.y)
            if not fit.converged:
                raise ArithmeticError(f"analysis {report.id}: Firth's fit did not converge in {fit.iterations} steps")
            put_counts(data, report)
            put_coefficients(
                report,
                names,
                fit.coefficients,
                fit.standard_errors,
                level=self.level,
                scale=self.scale,
                stratum=stratum,
            )
            if "profile" in self.intervals:
                ends = firth_intervals(x, data.y, fit, self.level)
                put_profile(report, names, ends, scale=self.scale, stratum=stratum)
            report.put("log_likelihood", fit.log_likelihood, stratum=stratum)
            for name, gain in zip(names, firth_gains(x, data.y, fit), strict=True):
                if name != INTERCEPT:
                    put_test(report, float(gain), 1, name, stratum)
