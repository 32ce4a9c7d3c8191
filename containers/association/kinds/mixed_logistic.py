"""Kind `mixed_logistic`: random intercept by group, by Laplace's approximation or quadrature (nako_cbp, Methods)."""

from collections.abc import Sequence
from math import log, log10
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from containers.association.data.model_data import ModelData, stratified
from containers.association.fields import Analysis, ModelFields
from containers.association.kinds._coefficients import put_coefficients
from containers.association.kinds._fits import fit_model, put_counts, put_test
from containers.association.models.mixed_logistic import LATENT_RESIDUAL_VARIANCE, MixedLogisticFit, fit_mixed_logistic
from containers.association.models.mixed_profile import sigma_interval
from containers.association.models.quadrature import MAX_NODES
from containers.association.report import Report
from containers.toolkit.tables.cohort import tails
from containers.toolkit.tables.cohort.columns import Cohort

AT_BOUNDARY = "singular fit: the variance is at its boundary 0, and the model is the logistic regression without groups"
HALVED = "halved: under the null hypothesis the variance lies on its boundary (Self and Liang 1987)"

SEPARATED = "not estimated: the outcomes are separated"
UNBOUNDED = "the likelihood excludes no large value: no finite upper end"


class MixedFields(ModelFields):
    """What a logistic regression with random intercepts states."""

    group: str
    """Category whose levels have a random intercept each; it is not a term."""
    nodes: int = Field(default=1, ge=1, le=MAX_NODES)
    """Points of the adaptive quadrature: 1 is Laplace's approximation."""

    @model_validator(mode="after")
    def _group_is_apart(self) -> "MixedFields":
        if self.group in (self.outcome, *self.terms):
            raise ValueError(f"group {self.group!r} is also the outcome or a term")
        return self


class Spec(MixedFields, Analysis):
    """Logistic regression with random intercepts."""

    kind: Literal["mixed_logistic"]
    """Marks a logistic regression with random intercepts."""
    strata: str | None = None
    """Category whose levels get a model each, besides the whole; None for the whole only."""
    intervals: tuple[Literal["wald", "profile"], ...] = ("wald",)
    """Kinds of intervals; `profile` adds that of the intercepts' SD."""


def run(analysis: Spec, cohort: Cohort, report: Report) -> None:
    """Fit the whole and the strata, and put what they give. Raises ItemFault."""
    told = []
    for data in stratified(analysis, cohort, report, analysis.strata, also=(analysis.group,)):
        put_counts(data, report)
        report.put("groups", len(group_sizes(analysis, data, report)), stratum=data.stratum)
        fit, notes = fit_mixed(analysis, data, report)
        missing = np.full(len(data.design.names), np.nan)
        put_coefficients(
            report,
            data.design.names,
            fit.coefficients if fit else missing,
            np.sqrt(np.diag(fit.covariance)) if fit else missing,
            level=analysis.level,
            scale=analysis.scale,
            stratum=data.stratum,
            notes=notes,
        )
        _put_fit(analysis, data, fit, report)
        interval = _sd_interval(analysis, data, fit)
        _put_spread(fit, interval, data.stratum, report)
        if fit:
            told.append({"stratum": data.stratum, **_random_intercept(analysis, data, fit, interval, report)})
            for term in ("*".join(parts) for parts in analysis.interactions):
                if term in data.design.spans:
                    smaller = _fit(analysis, data, report, data.design.without(term))
                    df = len(fit.coefficients) - len(smaller.coefficients)
                    put_test(report, fit.log_likelihood - smaller.log_likelihood, df, term, data.stratum)
    report.tell("random_intercept", told)


def group_sizes(fields: MixedFields, data: ModelData, report: Report) -> dict[str, tuple[int, int]]:
    """Rows and events of each level of the group column that has rows. Raises ItemFault for one only."""
    column = data.cohort.category(fields.group)
    rows = np.bincount(column.codes, minlength=len(column.levels))
    events = np.bincount(column.codes, data.y, minlength=len(column.levels))
    sizes = {level: (int(rows[k]), int(events[k])) for k, level in enumerate(column.levels) if rows[k]}
    if len(sizes) < 2:
        of = f" in stratum {data.stratum}" if data.stratum else ""
        raise report.fault(
            f"has one group only{of} ({', '.join(sizes)}), and a random intercept needs at least two",
            column=fields.group,
            mend="use kind logistic",
        )
    return sizes


def fit_mixed(fields: MixedFields, data: ModelData, report: Report) -> tuple[MixedLogisticFit | None, dict[str, str]]:
    """The fit, or None where outcomes are separated, and then a note for every term.

    A direction that separates the outcomes does so whatever the intercepts are, so that the test of the plain
    regression holds here. Raises ItemFault for one group, and for a variance without a finite estimate.
    """
    group_sizes(fields, data, report)
    plain = fit_model(data, report)
    if plain.separation:
        apart = ", ".join(plain.notes)
        return None, {
            name: plain.notes.get(name, f"not estimated beside {apart}, which have no finite estimate")
            for name in data.design.names
        }
    return _fit(fields, data, report, data.design.matrix), {}


def _fit(fields: MixedFields, data: ModelData, report: Report, x: Any) -> MixedLogisticFit:
    fit = fit_mixed_logistic(x, data.y, data.cohort.category(fields.group).codes, fields.nodes)
    if fit.diverging:
        raise report.fault(
            "the variance of its intercepts has no finite estimate: (almost) all groups are without, or all, events",
            column=fields.group,
            mend="use larger groups, or kind logistic",
        )
    if not fit.converged:
        raise report.fault(
            f"mixed logistic fit does not settle in {fit.iterations} steps: its likelihood has no clear maximum",
            column=fields.group,
            mend="use fewer terms, or larger groups",
        )
    return fit


def _put_fit(analysis: Spec, data: ModelData, fit: MixedLogisticFit | None, report: Report) -> None:
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
        chi2 = 0.0 if fit.singular else max(0.0, 2.0 * (fit.log_likelihood - fit.plain_log_likelihood))
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
    analysis: Spec, data: ModelData, fit: MixedLogisticFit | None
) -> tuple[float | None, float | None] | None:
    """Profile interval of the intercepts' SD, an end None where there is none; None where it is not asked for."""
    if "profile" not in analysis.intervals:
        return None
    if fit is None:
        return None, None
    codes = data.cohort.category(analysis.group).codes
    return sigma_interval(fit, data.design.matrix, data.y, codes, level=analysis.level)


def _put_spread(
    fit: MixedLogisticFit | None, interval: tuple[float | None, float | None] | None, stratum: str, report: Report
) -> None:
    """sd_se, and where asked for the profile ends of sd, variance and icc."""
    se = fit.sigma_standard_error if fit else None
    report.put("sd_se", se, stratum=stratum, note="" if se is not None else AT_BOUNDARY if fit else SEPARATED)
    for side, end in zip(("low", "high"), interval or (), strict=False):
        note = "" if end is not None else UNBOUNDED if fit else SEPARATED
        for quantity, of_sd in (("sd", float), ("variance", _variance), ("icc", _icc)):
            report.put(f"{quantity}_{side}", None if end is None else of_sd(end), stratum=stratum, note=note)


def _random_intercept(
    analysis: Spec,
    data: ModelData,
    fit: MixedLogisticFit,
    interval: tuple[float | None, float | None] | None,
    report: Report,
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
