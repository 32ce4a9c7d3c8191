"""Kind `mixed_logistic`: random intercept by group, by Laplace's approximation or quadrature (nako_cbp, Methods)."""

from collections.abc import Sequence
from math import log, log10
from typing import Any, Literal

import numpy as np

from containers.association.data.model_data import ModelData, stratified
from containers.association.kinds._analysis import Analysis
from containers.association.kinds._coefficients import put_coefficients
from containers.association.kinds._fits import put_counts, put_test
from containers.association.kinds._mixed import MixedFields, fit_columns, fit_mixed, group_sizes
from containers.association.models.mixed_logistic import LATENT_RESIDUAL_VARIANCE, MixedLogisticFit
from containers.association.models.mixed_profile import sigma_interval
from containers.association.report import CohortReport
from containers.toolkit.tables.cohort import tails
from containers.toolkit.tables.cohort.columns import Cohort

AT_BOUNDARY = "singular fit: the variance is at its boundary 0, and the model is the logistic regression without groups"
HALVED = "halved: under the null hypothesis the variance lies on its boundary (Self and Liang 1987)"

SEPARATED = "not estimated: the outcomes are separated"
UNBOUNDED = "the likelihood excludes no large value: no finite upper end"


class MixedLogisticAnalysis(MixedFields, Analysis):
    """Logistic regression with random intercepts."""

    kind: Literal["mixed_logistic"]
    """Marks a logistic regression with random intercepts."""
    strata: str | None = None
    """Category whose levels get a model each, besides the whole; None for the whole only."""
    intervals: tuple[Literal["wald", "profile"], ...] = ("wald",)
    """Kinds of intervals; `profile` adds that of the intercepts' SD."""

    example = ({"id": "mixed", "kind": "mixed_logistic", "outcome": "pain", "terms": ["age_years"], "group": "site"},)

    def run(self, cohort: Cohort, report: CohortReport) -> None:
        """Fit the whole and the strata, and put what they give. Raises ItemFault."""
        intercepts = []
        for data in stratified(self, cohort, report, self.strata, also=(self.group,)):
            put_counts(data, report)
            report.put("groups", len(group_sizes(self, data, report)), stratum=data.stratum)
            fit, notes = fit_mixed(self, data, report)
            missing = np.full(len(data.design.names), np.nan)
            put_coefficients(
                report,
                data.design.names,
                fit.coefficients if fit else missing,
                np.sqrt(np.diag(fit.covariance)) if fit else missing,
                level=self.level,
                scale=self.scale,
                stratum=data.stratum,
                notes=notes,
            )
            _put_fit(self, data, fit, report)
            interval = _sd_interval(self, data, fit)
            _put_spread(fit, interval, data.stratum, report)
            if fit:
                intercepts.append({"stratum": data.stratum, **_random_intercept(self, data, fit, interval, report)})
                for term in ("*".join(parts) for parts in self.interactions):
                    if term in data.design.spans:
                        smaller = fit_columns(self, data, report, data.design.without(term))
                        df = len(fit.coefficients) - len(smaller.coefficients)
                        put_test(report, fit.log_likelihood - smaller.log_likelihood, df, term, data.stratum)
        report.attach("random_intercept", intercepts)


def _put_fit(
    analysis: MixedLogisticAnalysis, data: ModelData, fit: MixedLogisticFit | None, report: CohortReport
) -> None:
    """variance, sd, icc, information criteria, gradient_max and the test of the variance."""
    values: dict[str, float | None] = dict.fromkeys(
        ("variance", "sd", "icc", "log_likelihood", "deviance", "aic", "bic", "gradient_max"), None
    )
    tests: dict[str, float | None] = dict.fromkeys(("lr_chi2", "lr_df", "lr_p", "lr_log10_p"), None)
    notes: dict[str, str] = dict.fromkeys((*values, *tests), SEPARATED)
    if fit:
        parameters = len(fit.coefficients) + 1
        deviance = -2.0 * fit.log_likelihood
        values = {
            "variance": fit.variance,
            "sd": fit.sigma,
            "icc": fit.icc,
            "log_likelihood": fit.log_likelihood,
            "deviance": deviance,
            "aic": deviance + 2 * parameters,
            "bic": deviance + parameters * log(data.y.size),
            "gradient_max": fit.gradient_max,
        }
        boundary = AT_BOUNDARY if fit.singular else ""
        notes = dict.fromkeys(("variance", "sd", "icc"), boundary)
        notes |= dict.fromkeys(("lr_p", "lr_log10_p"), boundary or HALVED)
        # At the boundary both models are one: chi-square 0, of which half the mass lies at 0.
        chi2 = 0.0 if fit.singular else max(0.0, 2.0 * (fit.log_likelihood - fit.ungrouped_log_likelihood))
        p, log10_p = tails.chi_square(chi2, 1)
        half, log10_half = (p / 2, log10_p - log10(2.0)) if chi2 > 0 else (1.0, 0.0)
        tests = {"lr_chi2": chi2, "lr_df": 1, "lr_p": half, "lr_log10_p": log10_half}
        if fit.singular:
            report.warn(f"{data.stratum + ': ' if data.stratum else ''}{AT_BOUNDARY}")
    for quantity, value in values.items():
        report.put(quantity, value, stratum=data.stratum, note=notes.get(quantity, ""))
    for quantity, value in tests.items():
        report.put(quantity, value, stratum=data.stratum, term=analysis.group, note=notes.get(quantity, ""))


def _sd_interval(
    analysis: MixedLogisticAnalysis, data: ModelData, fit: MixedLogisticFit | None
) -> tuple[float | None, float | None] | None:
    """Profile interval of the intercepts' SD, an end None where there is none; None where it is not asked for."""
    if "profile" not in analysis.intervals:
        return None
    if fit is None:
        return None, None
    codes = data.cohort.category(analysis.group).codes
    return sigma_interval(fit, data.design.matrix, data.y, codes, level=analysis.level)


def _put_spread(
    fit: MixedLogisticFit | None, interval: tuple[float | None, float | None] | None, stratum: str, report: CohortReport
) -> None:
    """sd_se, and where asked for the profile ends of sd, variance and icc."""
    se = fit.sigma_standard_error if fit else None
    report.put("sd_se", se, stratum=stratum, note="" if se is not None else AT_BOUNDARY if fit else SEPARATED)
    for side, end in zip(("low", "high"), interval or (), strict=False):
        note = "" if end is not None else UNBOUNDED if fit else SEPARATED
        for quantity, of_sd in (("sd", float), ("variance", _variance), ("icc", _icc)):
            report.put(f"{quantity}_{side}", None if end is None else of_sd(end), stratum=stratum, note=note)


def _random_intercept(
    analysis: MixedLogisticAnalysis,
    data: ModelData,
    fit: MixedLogisticFit,
    interval: tuple[float | None, float | None] | None,
    report: CohortReport,
) -> dict[str, Any]:
    """For results.json: the SD with its standard error and interval, and each group's size and conditional mode."""
    levels: Sequence[str] = data.cohort.category(analysis.group).levels
    answer: dict[str, Any] = {
        "group": analysis.group,
        "nodes": fit.nodes,
        "singular": fit.singular,
        "sd": fit.sigma,
        "sd_standard_error": fit.sigma_standard_error,
        "sd_standard_error_note": "none at the boundary" if fit.singular else "",
    }
    if interval is not None:
        answer["profile"] = {
            "level": analysis.level,
            "sd": list(interval),
            "variance": [None if end is None else _variance(end) for end in interval],
            "icc": [None if end is None else _icc(end) for end in interval],
            "note": "" if interval[1] is not None else UNBOUNDED,
        }
    sizes = group_sizes(analysis, data, report)
    answer["groups"] = []
    for code, mode in zip(fit.labels, fit.intercepts, strict=True):
        level = levels[int(code)]
        n, events = sizes[level]
        term = f"{analysis.group}:{level}"
        shown, note = report.shown(n, at=("level_n", data.stratum, term))
        shown_events, events_note = report.shown(events, of=n, at=("level_events", data.stratum, term))
        answer["groups"].append(
            {
                "level": level,
                "n": shown,
                "events": shown_events,
                "note": note or events_note,
                "intercept": float(mode),
            }
        )
    return answer


def _variance(sigma: float) -> float:
    return sigma**2


def _icc(sigma: float) -> float:
    return sigma**2 / (sigma**2 + LATENT_RESIDUAL_VARIANCE)
