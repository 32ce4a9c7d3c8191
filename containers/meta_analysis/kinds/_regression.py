"""Models with moderators on complete data: the design, the fit, and the numbers that several kinds put."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from containers.meta_analysis.data.design import build_design
from containers.meta_analysis.data.effects import Effects
from containers.meta_analysis.fields import ModeratorFields, ThreeLevelModel
from containers.meta_analysis.models.three_level import ThreeLevelFit, UnidentifiedError, fit_three_level
from containers.meta_analysis.models.two_level import TwoLevelFit
from containers.meta_analysis.report import COEFFICIENT, EffectReport
from containers.toolkit.tables.cohort import tails
from containers.toolkit.tables.cohort.design import Design

Floats = npt.NDArray[np.float64]
ModelT = TypeVar("ModelT", bound=ModeratorFields)


def make_design(model: ModeratorFields, data: Effects, report: EffectReport) -> Design:
    """The design of `model` on complete data, whose warnings the report gets. Raises ItemFault."""
    design, warnings = build_design(data.table, model, report.where)
    for line in warnings:
        report.warn(line)
    return design


def without(model: ModelT, column: str) -> ModelT:
    """The model without a column, which is constant inside a stratum."""
    return model.model_copy(
        update={
            "moderators": [name for name in model.moderators if name != column],
            "interactions": [parts for parts in model.interactions if column not in parts],
            "scale": {name: units for name, units in model.scale.items() if name != column},
        }
    )


def fit_three(model: ThreeLevelModel, design: Design, data: Effects, report: EffectReport) -> ThreeLevelFit:
    """Fit a three-level model on complete data. Raises ItemFault when its variances are not identified."""
    try:
        return fit_three_level(
            data.effect,
            design.matrix,
            data.variance,
            data.study_codes,
            reml=model.method == "REML",
            between="between" in model.variances,
            within="within" in model.variances,
            correlation=model.sampling_correlation,
        )
    except UnidentifiedError as error:
        raise report.fault(str(error), fix="fit one of the variances, or fewer moderators") from error


@dataclass(frozen=True)
class Wald:
    """Coefficients as their tests take them."""

    coefficients: Floats
    """Coefficients, (p,)."""
    covariance: Floats
    """Their covariance, (p, p)."""
    df: float | None
    """Degrees of freedom of Student's t; None for the normal distribution."""


def put_coefficients(wald: Wald, design: Design, level: float, report: EffectReport) -> None:
    """Put every coefficient and the test of all but the intercept."""
    for i, term in enumerate(design.names):
        se = float(np.sqrt(wald.covariance[i, i]))
        report.put_estimate(COEFFICIENT, float(wald.coefficients[i]), se, level, df=wald.df, term=term)
    m = len(design.names) - 1
    if not m:
        return
    b = wald.coefficients[1:]
    q = float(b @ np.linalg.solve(wald.covariance[1:, 1:], b))
    report.put("qm", q if wald.df is None else q / m)
    report.put("qm_df", m)
    if wald.df is not None:
        report.put("qm_df2", wald.df)
    report.put_p("qm_p", tails.chi_square(q, m) if wald.df is None else tails.fisher(q / m, m, wald.df))


def two_level_wald(model: TwoLevelFit, knha: bool) -> Wald:
    """Coefficients and covariance of a two-level fit."""
    return Wald(model.coefficients, model.scale * model.covariance, float(model.df) if knha else None)


def put_variances(fit: ThreeLevelFit, report: EffectReport) -> None:
    """Put both variances, the boundary and the gradient."""
    report.put("sigma2_between", fit.between)
    report.put("sigma2_within", fit.within)
    report.put("at_boundary", len(fit.boundary))
    report.put("gradient_max", fit.gradient_max)
    for name in fit.boundary:
        report.warn(f"sigma2_{name} is estimated as 0, the end of its range")


def put_criteria(fit: ThreeLevelFit, report: EffectReport, term: str = "") -> None:
    """Put the log-likelihood and what is made from it."""
    report.put("log_likelihood", fit.log_likelihood, term=term)
    report.put("deviance", -2 * fit.log_likelihood, term=term)
    for name in ("aic", "bic", "aicc"):
        value = float(getattr(fit.criteria, name))
        note = "" if np.isfinite(value) else "too few effects for this criterion"
        report.put(name, value, term=term, note=note)
