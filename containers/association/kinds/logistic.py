"""Kind `logistic`: maximum likelihood, Wald and profile intervals, strata, tests of interactions."""

from dataclasses import replace
from typing import Literal

import numpy as np

from containers.association.data.model_data import ModelData, stratified
from containers.association.fields import LogisticFields
from containers.association.kinds._analysis import Analysis
from containers.association.kinds._coefficients import put_coefficients, put_profile
from containers.association.kinds._fits import MEND, ModelFit, fit_model, put_counts, put_fit, put_test
from containers.association.models.logistic import fit_logistic
from containers.association.models.profile import bracketed_end, logistic_problem, profile_intervals
from containers.association.report import CohortReport
from containers.toolkit.tables.cohort.arrays import FloatArray
from containers.toolkit.tables.cohort.columns import Cohort


class LogisticAnalysis(LogisticFields, Analysis):
    """Logistic regression by maximum likelihood."""

    kind: Literal["logistic"]
    """Marks a logistic regression."""

    example = ({"id": "model", "kind": "logistic", "outcome": "pain", "terms": ["age_years", "sex"], "strata": "sex"},)

    def run(self, cohort: Cohort, report: CohortReport) -> None:
        """Fit the whole and the strata, and put what they give. Raises ItemFault."""
        for data in stratified(self, cohort, report, self.strata):
            model = fit_model(data, report)
            put_counts(data, report)
            put_coefficients(
                report,
                data.design.names,
                model.fit.coefficients,
                model.fit.standard_errors,
                level=self.level,
                scale=self.scale,
                stratum=data.stratum,
                notes=model.notes,
            )
            if "profile" in self.intervals:
                ends, notes = profile_ends(data, model, self.level)
                put_profile(report, data.design.names, ends, scale=self.scale, stratum=data.stratum, notes=notes)
            put_fit(data, model.fit.log_likelihood, report)
            for term in ("*".join(parts) for parts in self.interactions):
                if term in data.design.spans:
                    smaller = fit_logistic(data.design.without(term), data.y)
                    df = len(data.design.names) - len(smaller.coefficients)
                    put_test(report, model.fit.log_likelihood - smaller.log_likelihood, df, term, data.stratum)


def profile_ends(data: ModelData, model: ModelFit, level: float) -> tuple[FloatArray, dict[tuple[str, str], str]]:
    """(p, 2) ends of the profile intervals, and (term, side) -> why an end is unbounded.

    Under separation the supremum of the log-likelihood takes the maximum's place; the ends that exist are found.
    """
    x, y, names = data.design.matrix, data.y, data.design.names
    if model.separation is None:
        return profile_intervals(x, y, model.fit, level), {}
    ends, notes = np.full((len(names), 2), np.nan), {}
    # Newton's steps go far out along the separating directions, where the likelihood is next to its supremum.
    diverged = fit_logistic(x, y)
    problem = logistic_problem(x, y, replace(diverged, log_likelihood=model.fit.log_likelihood), level)
    far = diverged.coefficients
    errors = model.fit.standard_errors
    for j, name in enumerate(names):
        unbounded = {"low": bool(model.separation.down[j]), "high": bool(model.separation.up[j])}
        for position, (side, sign) in enumerate((("low", -1), ("high", 1))):
            width = float(errors[j]) if np.isfinite(errors[j]) else 0.1 * abs(float(far[j])) + 0.1
            if not unbounded[side]:
                ends[j, position] = bracketed_end(problem, j, sign, float(far[j]), width)
            if np.isnan(ends[j, position]):
                notes[name, side] = f"unbounded: {model.separation.word}; {MEND}"
    return ends, notes
