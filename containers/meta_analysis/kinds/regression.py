"""Kinds `meta_regression`, `three_level`, `likelihood_ratio` and `vif`."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from containers.meta_analysis.data.design import Design, build_design, check_terms
from containers.meta_analysis.data.effects import Dataset
from containers.meta_analysis.fields import (
    LikelihoodRatio,
    MetaRegression,
    Moderated,
    ThreeLevel,
    ThreeLevelModel,
    TwoLevelModel,
    Vif,
)
from containers.meta_analysis.kinds._rows import each_stratum, need_studies, put_counts, used_effects, warn_dependent
from containers.meta_analysis.kinds.pooling import put_heterogeneity
from containers.meta_analysis.measures.variance_shares import cheung_shares, design_shares
from containers.meta_analysis.models.three_level import ThreeLevelFit, UnidentifiedError, fit_three_level
from containers.meta_analysis.models.two_level import TwoLevelFit, fit_two_level, generalised_q
from containers.meta_analysis.report import COEFFICIENT, Report
from containers.toolkit.tables.cohort import tails

Floats = npt.NDArray[np.float64]
ModelT = TypeVar("ModelT", bound=Moderated)


def make_design(model: Moderated, data: Dataset, report: Report) -> Design:
    """The design of `model` on complete data, with its warnings told. Raises ItemFault."""
    design = build_design(data.cohort, model, report.where)
    for line in design.warnings:
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


def fit_three(model: ThreeLevelModel, design: Design, data: Dataset, report: Report) -> ThreeLevelFit:
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
        raise report.fault(str(error), mend="fit one of the variances, or fewer moderators") from error


@dataclass(frozen=True)
class Wald:
    """Coefficients as their tests take them."""

    coefficients: Floats
    """Coefficients, (p,)."""
    covariance: Floats
    """Their covariance, (p, p)."""
    df: float | None
    """Degrees of freedom of Student's t; None for the normal distribution."""


def put_coefficients(wald: Wald, design: Design, level: float, report: Report) -> None:
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


def run_meta_regression(analysis: MetaRegression, data: Dataset, report: Report) -> None:
    """Two-level mixed-effects model."""
    check_terms(analysis, report.where)
    strata = [analysis.strata] if analysis.strata else []
    data = used_effects(data, analysis.restrict, [*analysis.moderators, *strata], report)
    need_studies(data, report)
    warn_dependent(data, report)

    def fit(part: Dataset, inside: Report) -> None:
        model = without(analysis, str(analysis.strata)) if inside.stratum else analysis
        put_counts(part, inside)
        design = make_design(model, part, inside)
        knha = analysis.test == "knha"
        done = fit_two_level(part.effect, design.matrix, part.variance, analysis.method, knha)
        put_coefficients(two_level_wald(done, knha), design, analysis.level, inside)
        put_heterogeneity(done, part.effect, design.matrix, part.variance, analysis.level, inside)

    each_stratum(data, analysis.strata, report, "q", fit)


def run_three_level(analysis: ThreeLevel, data: Dataset, report: Report) -> None:
    """Random effects of study and of effect within study."""
    check_terms(analysis, report.where)
    strata = [analysis.strata] if analysis.strata else []
    data = used_effects(data, analysis.restrict, [*analysis.moderators, *strata], report)
    need_studies(data, report)

    def fit(part: Dataset, inside: Report) -> None:
        model = without(analysis, str(analysis.strata)) if inside.stratum else analysis
        put_counts(part, inside)
        need_studies(part, inside)
        design = make_design(model, part, inside)
        done = fit_three(model, design, part, inside)
        df = float(len(part) - len(design.names)) if analysis.test == "t" else None
        put_coefficients(Wald(done.coefficients, done.covariance, df), design, analysis.level, inside)
        put_variances(done, inside)
        put_criteria(done, inside)
        _put_residual_q(part, design, done, inside)
        _put_shares(part, design, done, inside)

    each_stratum(data, analysis.strata, report, "log_likelihood", fit)


def put_variances(fit: ThreeLevelFit, report: Report) -> None:
    """Put both variances, the boundary and the gradient."""
    report.put("sigma2_between", fit.between)
    report.put("sigma2_within", fit.within)
    report.put("at_boundary", len(fit.boundary))
    report.put("gradient_max", fit.gradient_max)
    for name in fit.boundary:
        report.warn(f"sigma2_{name} is estimated as 0, the end of its range")


def put_criteria(fit: ThreeLevelFit, report: Report, term: str = "") -> None:
    """Put the log-likelihood and what is made from it."""
    report.put("log_likelihood", fit.log_likelihood, term=term)
    report.put("deviance", -2 * fit.log_likelihood, term=term)
    for name in ("aic", "bic", "aicc"):
        value = float(getattr(fit.criteria, name))
        note = "" if np.isfinite(value) else "too few effects for this criterion"
        report.put(name, value, term=term, note=note)


def _put_residual_q(data: Dataset, design: Design, fit: ThreeLevelFit, report: Report) -> None:
    q = 0.0
    y, x = data.effect, design.matrix
    if all(np.all(np.count_nonzero(block.v, axis=(1, 2)) == block.v.shape[1]) for block in fit.blocks):
        q = generalised_q(y, x, data.variance, 0.0)
    else:
        inverses = [(block.rows, np.linalg.inv(block.v)) for block in fit.blocks]
        xwx = sum(np.einsum("smp,smn,snq->pq", x[rows], w, x[rows]) for rows, w in inverses)
        xwy = sum(np.einsum("smp,smn,sn->p", x[rows], w, y[rows]) for rows, w in inverses)
        e = y - x @ np.linalg.solve(xwx, xwy)
        q = float(sum(np.einsum("sm,smn,sn->", e[rows], w, e[rows]) for rows, w in inverses))
    df = len(data) - len(design.names)
    report.put("q", q)
    report.put("q_df", df)
    report.put_p("q_p", tails.chi_square(q, df))


def _put_shares(data: Dataset, design: Design, fit: ThreeLevelFit, report: Report) -> None:
    for infix, shares in (("", design_shares(design.matrix, fit)), ("_cheung", cheung_shares(data.variance, fit))):
        report.put(f"variance_share_sampling{infix}_percent", shares.sampling)
        report.put(f"variance_share_between{infix}_percent", shares.between)
        report.put(f"variance_share_within{infix}_percent", shares.within)
        report.put(f"i2{infix}_percent", shares.between + shares.within)


def run_likelihood_ratio(analysis: LikelihoodRatio, data: Dataset, report: Report) -> None:
    """Two nested three-level models on the same rows."""
    full, reduced = analysis.full, analysis.reduced
    for model in (full, reduced):
        check_terms(model, report.where)
    _check_nested(full, reduced, report)
    data = used_effects(data, analysis.restrict, [*full.moderators, *reduced.moderators], report)
    need_studies(data, report)
    put_counts(data, report)
    fits, sizes = [], []
    for term, model in (("full", full), ("reduced", reduced)):
        design = make_design(model, data, report)
        fits.append(fit_three(model, design, data, report))
        sizes.append(len(design.names) + len(set(model.variances)))
        put_criteria(fits[-1], report, term)
    # Rounding may leave the smaller model ahead by a last digit.
    chi2 = max(0.0, 2 * (fits[0].log_likelihood - fits[1].log_likelihood))
    df = sizes[0] - sizes[1]
    report.put("lr_chi2", chi2)
    report.put("lr_df", df)
    tail = tails.chi_square(chi2, df)
    report.put_p("lr_p", tail)
    note = "" if df == 1 and set(full.variances) != set(reduced.variances) else "no single variance is tested"
    halved = tails.Tail(tail.p / 2, tail.log10_p - float(np.log10(2))) if chi2 > 0 else tails.Tail(1.0, 0.0)
    report.put("lr_p_boundary", None if note else halved.p, note=note)
    report.put("lr_log10_p_boundary", None if note else halved.log10_p, note=note)


def _check_nested(full: ThreeLevelModel, reduced: ThreeLevelModel, report: Report) -> None:
    mend = "let `reduced` be `full` with less"
    if full.method != reduced.method or full.sampling_correlation != reduced.sampling_correlation:
        raise report.fault("the models differ in method or sampling_correlation", mend="give both the same")
    if full.scale != reduced.scale and any(full.scale.get(n) != u for n, u in reduced.scale.items()):
        raise report.fault("the models differ in scale", mend="give both the same")
    terms = [
        {frozenset([name]) for name in m.moderators} | {frozenset(p) for p in m.interactions} for m in (full, reduced)
    ]
    if not (terms[1] <= terms[0] and set(reduced.variances) <= set(full.variances)):
        raise report.fault("`reduced` is not nested in `full`", mend=mend)
    if terms[1] == terms[0] and set(reduced.variances) == set(full.variances):
        raise report.fault("the two models are the same", mend=mend)
    if full.method == "REML" and terms[0] != terms[1]:
        raise report.fault("REML likelihoods of different moderators cannot be compared", mend='use "method": "ML"')


def run_vif(analysis: Vif, data: Dataset, report: Report) -> None:
    """Variance inflation factors from the covariance of the coefficients (Fox and Monette 1992)."""
    model = analysis.model
    check_terms(model, report.where)
    if not model.moderators:
        raise report.fault("a model without moderators has no variance inflation", mend="name moderators")
    data = used_effects(data, analysis.restrict, model.moderators, report)
    need_studies(data, report)
    put_counts(data, report)
    design = make_design(model, data, report)
    if isinstance(model, TwoLevelModel):
        covariance = fit_two_level(data.effect, design.matrix, data.variance, model.method).covariance
    else:
        covariance = fit_three(model, design, data, report).covariance
    covariance = covariance[1:, 1:]
    root = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(root, root)
    for i, factor in enumerate(np.diag(np.linalg.inv(correlation))):
        report.put("vif", factor, term=design.names[1 + i])
    whole = float(np.linalg.det(correlation))
    for term, span in design.spans.items():
        inside = np.zeros(len(root), bool)
        inside[span.start - 1 : span.stop - 1] = True
        part = np.linalg.det(correlation[np.ix_(inside, inside)])
        rest = np.linalg.det(correlation[np.ix_(~inside, ~inside)])
        factor = float(part * rest / whole)
        report.put("gvif", factor, term=term)
        report.put("gvif_adjusted", factor ** (1 / (2 * int(inside.sum()))), term=term)
