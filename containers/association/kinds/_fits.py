"""A logistic model of prepared data: the fit, or what is left of it under separation, and its common metrics."""

from dataclasses import dataclass
from math import log

from containers.association.data.model_data import ModelData
from containers.association.models.logistic import LogisticFit, fit_logistic
from containers.association.models.separation import Separation, find_separation, fit_at_limit, overlap_is_certain
from containers.association.report import CohortReport
from containers.toolkit.tables.cohort import tails
from containers.toolkit.tables.cohort.columns import Category

MEND = "kind firth_logistic gives a finite estimate"


@dataclass(frozen=True)
class ModelFit:
    """A logistic regression with what separation does to it."""

    fit: LogisticFit
    """The fit; NaN where separation leaves no estimate."""
    separation: Separation | None
    """What separates the outcomes; None where nothing does."""
    notes: dict[str, str]
    """Why a term has no estimate, by term."""


def fit_model(data: ModelData, report: CohortReport) -> ModelFit:
    """Fit; when the estimate does not exist, warn with the terms by name and go on with the limit.

    Raises ArithmeticError when the fit does not converge although the estimate exists: a fault of the stage.
    """
    x, y, names = data.design.matrix, data.y, data.design.names
    fit = fit_logistic(x, y)
    if fit.converged and overlap_is_certain(x, y, fit.coefficients):
        return ModelFit(fit, None, {})
    separation = find_separation(x, y)
    if separation is None:
        if not fit.converged:
            raise ArithmeticError(f"analysis {report.id}: logistic fit did not converge in {fit.iterations} steps")
        report.warn("fitted probabilities next to 0 or 1, without separation: look at the largest coefficients")
        return ModelFit(fit, None, {})
    notes = {
        name: f"no finite estimate ({direction(up, down)}): {separation.word}; {MEND}"
        for name, up, down in zip(names, separation.up, separation.down, strict=True)
        if up or down
    }
    where = f" in stratum {data.stratum}" if data.stratum else ""
    terms = ", ".join(notes)
    report.warn(f"{separation.word}{where}: no finite estimate of {terms}; {MEND}")
    return ModelFit(fit_at_limit(x, y, separation), separation, notes)


def direction(up: bool, down: bool) -> str:
    """Where an unbounded coefficient goes, in words."""
    return "any value" if up and down else "towards +infinity" if up else "towards -infinity"


def put_counts(data: ModelData, report: CohortReport) -> None:
    """n and events, of all rows and by level of each category among the terms, with small counts suppressed."""
    report.count("n", data.y.size, stratum=data.stratum)
    report.count("events", data.events, of=data.y.size, stratum=data.stratum)
    for name in data.design.spans:
        column = data.cohort.columns.get(name)
        if not isinstance(column, Category):
            continue
        for code, level in enumerate(column.levels):
            chosen = column.codes == code
            n, events, term = int(chosen.sum()), int(data.y[chosen].sum()), f"{name}:{level}"
            report.count("level_n", n, stratum=data.stratum, term=term)
            report.count("level_events", events, of=n, stratum=data.stratum, term=term)


def put_fit(data: ModelData, log_likelihood: float, report: CohortReport) -> None:
    """log_likelihood, deviance, null_deviance, aic and bic of a model with all coefficients of the design."""
    p, n, share = len(data.design.names), data.y.size, data.y.mean()
    null = n * (share * log(share) + (1 - share) * log(1 - share))
    values = {
        "log_likelihood": log_likelihood,
        "deviance": -2 * log_likelihood,
        "null_deviance": -2 * null,
        "aic": 2 * p - 2 * log_likelihood,
        "bic": p * log(n) - 2 * log_likelihood,
    }
    for quantity, value in values.items():
        report.put(quantity, value, stratum=data.stratum)


def put_test(report: CohortReport, gain: float, df: int, term: str, stratum: str = "") -> None:
    """lr_chi2, lr_df, lr_p and lr_log10_p of a term. gain: log-likelihood with it less that without."""
    chi2 = max(0.0, 2.0 * gain)
    p, log10_p = tails.chi_square(chi2, df)
    for quantity, value in {"lr_chi2": chi2, "lr_df": df, "lr_p": p, "lr_log10_p": log10_p}.items():
        report.put(quantity, value, stratum=stratum, term=term)
