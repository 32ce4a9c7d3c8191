"""Kind `firth_logistic`: Firth's penalised likelihood, with penalised profile intervals and tests."""

from typing import Literal

from containers.association.data.model_data import stratified
from containers.association.fields import Analysis
from containers.association.kinds._coefficients import put_coefficients, put_profile
from containers.association.kinds._fits import put_counts, put_test
from containers.association.kinds.logistic import Fields
from containers.association.models.firth import firth_gains, firth_intervals, fit_firth
from containers.association.report import Report
from containers.toolkit.tables.cohort.columns import Cohort
from containers.toolkit.tables.cohort.design import INTERCEPT


class Spec(Fields, Analysis):
    """Logistic regression with Firth's penalty."""

    kind: Literal["firth_logistic"]
    """Marks a logistic regression with Firth's penalty."""


def run(analysis: Spec, cohort: Cohort, report: Report) -> None:
    """Fit the whole and the strata, and put what they give. Raises ItemFault."""
    for data in stratified(analysis, cohort, report, analysis.strata):
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
            level=analysis.level,
            scale=analysis.scale,
            stratum=stratum,
        )
        if "profile" in analysis.intervals:
            ends = firth_intervals(x, data.y, fit, analysis.level)
            put_profile(report, names, ends, scale=analysis.scale, stratum=stratum)
        report.put("log_likelihood", fit.log_likelihood, stratum=stratum)
        for name, gain in zip(names, firth_gains(x, data.y, fit), strict=True):
            if name != INTERCEPT:
                put_test(report, float(gain), 1, name, stratum)
