"""Kind `robust`: CR2 with Satterthwaite degrees of freedom under the three readings of an assumed correlation."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from containers.meta_analysis.data.design import check_terms
from containers.meta_analysis.data.effects import Effects
from containers.meta_analysis.fields import ModeratorFields, ThreeLevelModel
from containers.meta_analysis.kinds._analysis import Analysis
from containers.meta_analysis.kinds._regression import fit_three, make_design, put_variances
from containers.meta_analysis.kinds._rows import need_studies, put_counts, used_effects
from containers.meta_analysis.models.robust import RobustFit, correlated_tau2, correlated_weights, cr2
from containers.meta_analysis.models.three_level import make_blocks
from containers.meta_analysis.report import ROBUST, EffectReport
from containers.toolkit.tables.cohort.design import Design

Reading = Literal["independent", "che", "correlated_effects"]

ALONE = "one study alone tells this coefficient: nothing is left to judge its error by"


class RobustAnalysis(Analysis, ModeratorFields):
    """Cluster-robust variances (CR2) with Satterthwaite degrees of freedom; the clusters are the studies."""

    kind: Literal["robust"]
    """Marks robust variances."""
    rho: Annotated[float, Field(ge=0, lt=1)] = 0.7
    """Correlation of one study's effects that the working models assume."""
    readings: list[Reading] = Field(default=["independent", "che", "correlated_effects"], min_length=1)
    """Working models that are tried, as the README defines them."""
    method: Literal["REML", "ML"] = "REML"
    """Restricted (REML) or full (ML) maximum likelihood of the working models."""
    variances: list[Literal["between", "within"]] = Field(default=["between", "within"], min_length=1, max_length=2)
    """Which variances the working models have: between studies, within studies, or both."""

    example = ({"id": "errors", "kind": "robust", "moderators": ["age_years"]},)

    def run(self, data: Effects, report: EffectReport) -> None:
        """One fit per reading; clusters are studies."""
        check_terms(self, report.where)
        data = used_effects(data, self.restrict, self.moderators, report)
        need_studies(data, report)
        put_counts(data, report)
        design = make_design(self, data, report)
        for reading in dict.fromkeys(self.readings):
            inside = report.inside(reading)
            if reading == "correlated_effects":
                fit = _correlated(self, data, design, inside)
            else:
                model = ThreeLevelModel(
                    method=self.method,
                    variances=self.variances,
                    sampling_correlation=self.rho if reading == "che" else 0.0,
                )
                base = fit_three(model, design, data, inside)
                put_variances(base, inside)
                fit = cr2(data.effect, design.matrix, base.blocks, base.weights())
            alone = sorted({data.study[row] for row in fit.saturated})
            if alone:
                inside.warn(f"{', '.join(alone)} alone determines a coefficient; its own error is in no robust error")
            _put(fit, design, self.level, inside)


def _correlated(analysis: RobustAnalysis, data: Effects, design: Design, report: EffectReport) -> RobustFit:
    blocks = make_blocks(data.variance, data.study_codes)
    moment = correlated_tau2(data.effect, design.matrix, data.variance, blocks, analysis.rho)
    tau2 = max(0.0, moment)
    report.put("tau2", tau2)
    report.put("at_boundary", int(tau2 == 0))
    if tau2 == 0:
        report.warn("tau2 by moments is not above 0 and is taken as 0")
    return cr2(data.effect, design.matrix, blocks, correlated_weights(data.variance, blocks, tau2))


def _put(fit: RobustFit, design: Design, level: float, report: EffectReport) -> None:
    for i, term in enumerate(design.names):
        estimate, se, df = (float(part[i]) for part in (fit.coefficients, fit.se, fit.df))
        if np.isfinite(df):
            report.put_estimate(ROBUST, estimate, se, level, df=df, term=term)
            continue
        report.put(ROBUST.estimate, estimate, term=term)
        for quantity in (ROBUST.se, ROBUST.low, ROBUST.high, ROBUST.t, ROBUST.df):
            report.put(quantity, None, term=term, note=ALONE)
        report.put_p(ROBUST.p, None, term=term, note=ALONE)
