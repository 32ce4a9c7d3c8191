"""Kind `linear`: ordinary least squares, and the change per decade (ukb_thigh, Statistical analysis)."""

from typing import Literal

import numpy as np
from pydantic import Field, model_validator
from scipy.special import ndtri, stdtrit

from containers.association.data.design import build_design
from containers.association.fields import ModelFields
from containers.association.kinds._analysis import Analysis
from containers.association.kinds._rows import varying, whole_and_strata
from containers.association.models.linear import LinearFit, fit_linear
from containers.association.report import CohortReport
from containers.toolkit.tables.cohort import tails
from containers.toolkit.tables.cohort.columns import Cohort


class LinearAnalysis(ModelFields, Analysis):
    """Linear regression of a number."""

    kind: Literal["linear"]
    """Marks a linear regression."""
    strata: str | None = None
    """Column whose levels get a model each, besides the whole, without that column; None for the whole only."""
    slope_of: str | None = None
    """Number term without interaction whose slope is put per `per` units; None for none."""
    per: float = Field(default=10.0, gt=0.0, allow_inf_nan=False)
    """Units of the term that the slope is put per."""
    interval: Literal["t", "normal"] = "t"
    """Quantiles of the intervals: Student's t, or the normal distribution as 1.96 standard errors are."""

    example = (
        {"id": "line", "kind": "linear", "outcome": "bmi", "terms": ["age_years", "sex"], "slope_of": "age_years"},
    )

    @model_validator(mode="after")
    def _slope_is_one(self) -> "LinearAnalysis":
        if self.scale:
            raise ValueError("scale belongs to odds ratios: take it out")
        if self.slope_of is not None and self.slope_of not in self.terms:
            raise ValueError(f"slope_of is {self.slope_of!r}, which is not in terms")
        if any(self.slope_of in parts for parts in self.interactions):
            raise ValueError(f"slope_of is {self.slope_of!r}, whose slope depends on an interaction")
        if self.strata is not None and set(self.terms) <= {self.strata}:
            raise ValueError(f"strata is {self.strata!r}, the only term")
        if self.slope_of is not None and self.slope_of == self.strata:
            raise ValueError(f"slope_of is {self.slope_of!r}, which is also strata")
        return self

    def run(self, cohort: Cohort, report: CohortReport) -> None:
        """Put n, coefficients with their tests and intervals, df, sd (term `residual`) and slope. Raises ItemFault."""
        columns = (self.outcome, *self.terms)
        for stratum, rows in whole_and_strata(cohort, columns, report, self.restrict, self.strata):
            y = varying(rows, self.outcome, report, stratum)
            inside = self.strata if stratum else None
            terms = [name for name in self.terms if name != inside]
            interactions = [parts for parts in self.interactions if inside not in parts]
            where = f"analysis {report.id}" + (f", stratum {stratum}" if stratum else "")
            design = build_design(rows, terms, interactions, where=where)
            if self.slope_of is not None and self.slope_of not in design.numbers:
                raise report.fault("is a category, where a number is needed", column=self.slope_of, fix="use a number")
            try:
                fit = fit_linear(design.matrix, y)
            except ValueError as error:
                raise report.fault(str(error), column=self.outcome, fix="give more rows, or fewer terms") from error
            report.count("n", rows.size, stratum=stratum)
            small = report.shown(rows.size, at=("n", stratum, ""))[1]
            report.put("df", None if small else fit.df, stratum=stratum, note=small)
            _put(self, design.names, fit, stratum, report)


def _put(analysis: LinearAnalysis, names: tuple[str, ...], fit: LinearFit, stratum: str, report: CohortReport) -> None:
    share = 0.5 + analysis.level / 2
    quantile = float(stdtrit(fit.df, share) if analysis.interval == "t" else ndtri(share))
    exact = "every row lies on the fitted surface" if fit.residual_sd == 0 else ""
    report.put("sd", fit.residual_sd, stratum=stratum, term="residual")
    for name, beta, error in zip(names, fit.coefficients, fit.standard_errors, strict=True):
        beta, error = float(beta), float(error)
        t = beta / error if error > 0 else np.nan
        p, log10_p = tails.student(t, fit.df) if error > 0 else (np.nan, np.nan)
        low, high = beta - quantile * error, beta + quantile * error
        values = {"coefficient": beta, "standard_error": error, "interval_low": low, "interval_high": high}
        for quantity, value in (values | {"t": t, "p": p, "log10_p": log10_p}).items():
            report.put(quantity, value, stratum=stratum, term=name, note=exact if np.isnan(value) else "")
        if name == analysis.slope_of:
            ends = (low * analysis.per, high * analysis.per)
            report.put_interval("slope", beta * analysis.per, ends, stratum=stratum, term=name)
