"""Kind `three_level`: random effects of study and of effect within study."""

from typing import Literal

from containers.meta_analysis.data.design import check_terms
from containers.meta_analysis.data.effects import Effects
from containers.meta_analysis.fields import ThreeLevelModel
from containers.meta_analysis.kinds._analysis import Analysis
from containers.meta_analysis.kinds._regression import (
    Wald,
    fit_three,
    make_design,
    put_coefficients,
    put_criteria,
    put_variances,
    without,
)
from containers.meta_analysis.kinds._rows import each_stratum, need_studies, put_counts, used_effects
from containers.meta_analysis.measures.variance_shares import cheung_shares, design_shares
from containers.meta_analysis.models.three_level import ThreeLevelFit
from containers.meta_analysis.models.two_level import residual_q
from containers.meta_analysis.report import EffectReport
from containers.toolkit.tables.cohort import tails
from containers.toolkit.tables.cohort.design import Design


class ThreeLevelAnalysis(Analysis, ThreeLevelModel):
    """Random effects of study and of effect within study."""

    kind: Literal["three_level"]
    """Marks a three-level model."""
    strata: str | None = None
    """Category whose levels get a model each, besides the whole; None for the whole only."""

    example = ({"id": "model", "kind": "three_level", "moderators": ["age_years", "outcome"], "strata": "outcome"},)

    def run(self, data: Effects, report: EffectReport) -> None:
        """Random effects of study and of effect within study."""
        check_terms(self, report.where)
        strata = [self.strata] if self.strata else []
        data = used_effects(data, self.restrict, [*self.moderators, *strata], report)
        need_studies(data, report)

        def fit(part: Effects, inside: EffectReport) -> None:
            model = without(self, str(self.strata)) if inside.stratum else self
            put_counts(part, inside)
            need_studies(part, inside)
            design = make_design(model, part, inside)
            done = fit_three(model, design, part, inside)
            df = float(len(part) - len(design.names)) if self.test == "t" else None
            put_coefficients(Wald(done.coefficients, done.covariance, df), design, self.level, inside)
            put_variances(done, inside)
            put_criteria(done, inside)
            _put_residual_q(part, design, done, inside)
            _put_shares(part, design, done, inside)

        each_stratum(data, self.strata, report, "log_likelihood", fit)


def _put_residual_q(data: Effects, design: Design, fit: ThreeLevelFit, report: EffectReport) -> None:
    df = len(data) - len(design.names)
    q = residual_q(data.effect, design.matrix, data.variance, fit.blocks)
    report.put("q", q)
    report.put("q_df", df)
    report.put_p("q_p", tails.chi_square(q, df))


def _put_shares(data: Effects, design: Design, fit: ThreeLevelFit, report: EffectReport) -> None:
    for infix, shares in (("", design_shares(design.matrix, fit)), ("_cheung", cheung_shares(data.variance, fit))):
        report.put(f"variance_share_sampling{infix}_percent", shares.sampling)
        report.put(f"variance_share_between{infix}_percent", shares.between)
        report.put(f"variance_share_within{infix}_percent", shares.within)
        report.put(f"i2{infix}_percent", shares.between + shares.within)
