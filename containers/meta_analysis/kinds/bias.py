"""Kinds `egger` and `trim_and_fill`: do small studies tell another story?"""

import numpy as np
import numpy.typing as npt

from containers.meta_analysis.data.effects import Dataset
from containers.meta_analysis.fields import Egger, ThreeLevelModel, TrimAndFill
from containers.meta_analysis.kinds._rows import each_stratum, need_studies, put_counts, used_effects, warn_dependent
from containers.meta_analysis.kinds.pooling import put_pooled
from containers.meta_analysis.kinds.regression import (
    Wald,
    fit_three,
    make_design,
    put_variances,
    two_level_wald,
    without,
)
from containers.meta_analysis.measures.trim_fill import Side, trim_and_fill
from containers.meta_analysis.models.two_level import fit_two_level
from containers.meta_analysis.report import Report, prefixed
from containers.toolkit.tables.cohort.tails import Tail

Floats = npt.NDArray[np.float64]
LN10 = float(np.log(10))


def run_egger(analysis: Egger, data: Dataset, report: Report) -> None:
    """Regression on the standard error, beside the moderators (Egger 1997; Sterne and Egger 2005)."""
    if "standard_error" in analysis.moderators:
        raise report.fault("standard_error is a moderator already", mend="take it out of the moderators")
    strata = [analysis.strata] if analysis.strata else []
    data = used_effects(data, analysis.restrict, [*analysis.moderators, *strata], report)
    need_studies(data, report)
    if analysis.levels == 2:
        warn_dependent(data, report)

    def fit(part: Dataset, inside: Report) -> None:
        put_counts(part, inside)
        rest = without(analysis, str(analysis.strata)) if inside.stratum else analysis
        model = ThreeLevelModel(
            moderators=["standard_error", *rest.moderators],
            interactions=rest.interactions,
            scale=rest.scale,
            method="REML" if analysis.method == "REML" else "ML",
        )
        design = make_design(model, part, inside)
        if analysis.levels == 3:
            need_studies(part, inside)
            done = fit_three(model, design, part, inside)
            df = float(len(part) - len(design.names)) if analysis.test == "t" else None
            wald = Wald(done.coefficients, done.covariance, df)
            put_variances(done, inside)
        else:
            knha = analysis.test == "knha"
            two = fit_two_level(part.effect, design.matrix, part.variance, analysis.method, knha)
            wald = two_level_wald(two, knha)
            if two.tau2 is not None:
                inside.put("tau2", two.tau2)
                inside.put("at_boundary", int(two.tau2 == 0))
        for i, name in ((0, "egger_intercept"), (1, "egger_slope")):
            se = float(np.sqrt(wald.covariance[i, i]))
            inside.put_estimate(prefixed(name), float(wald.coefficients[i]), se, analysis.level, df=wald.df)

    each_stratum(data, analysis.strata, report, "egger_slope", fit)


def run_trim_and_fill(analysis: TrimAndFill, data: Dataset, report: Report) -> None:
    """Fill what is missing on one side, and pool again."""
    strata = [analysis.strata] if analysis.strata else []
    data = used_effects(data, analysis.restrict, strata, report)
    need_studies(data, report)
    warn_dependent(data, report)

    def mean(y: Floats, v: Floats) -> float:
        if len(y) == 1:
            return float(y[0])
        return float(fit_two_level(y, np.ones((len(y), 1)), v, analysis.method).coefficients[0])

    def fit(part: Dataset, inside: Report) -> None:
        if len(part) < 3:
            raise inside.fault(f"{len(part)} effects are too few to trim", mend="three effects are the least")
        side = _side(part, analysis, inside)
        filled = trim_and_fill(part.effect, part.variance, side, analysis.estimator, mean)
        if filled is None:
            raise inside.fault("trim and fill does not settle", mend="choose the other estimator")
        inside.put("n", len(part))
        inside.put("n_filled", len(filled.effect))
        inside.put("k0", filled.k0)
        inside.put("k0_se", filled.k0_se)
        inside.put("fill_side", -1 if side == "left" else 1)
        if filled.k0_p is not None:
            inside.put_p("k0_p", Tail(filled.k0_p, float(np.log(filled.k0_p)) / LN10))
        new = slice(len(part), None)
        pairs = zip(filled.effect[new], np.sqrt(filled.variance[new]), strict=True)
        inside.tell("filled", [{"effect": float(y), "standard_error": float(se)} for y, se in pairs])
        inside.tell("effects", part.ids)
        put_pooled(filled.effect, filled.variance, analysis, inside)

    each_stratum(data, analysis.strata, report, "k0", fit)


def _side(data: Dataset, analysis: TrimAndFill, report: Report) -> Side:
    if analysis.side != "auto":
        return analysis.side
    error = np.sqrt(data.variance)
    if np.ptp(error) <= 1e-12 * float(error.max()):
        raise report.fault("all standard errors are equal, which leaves the side open", mend="give `side`")
    x = np.column_stack([np.ones(len(data)), error])
    slope = fit_two_level(data.effect, x, data.variance, analysis.method).coefficients[1]
    return "right" if slope < 0 else "left"
