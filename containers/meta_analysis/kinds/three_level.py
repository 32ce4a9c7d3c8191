"""Kind `three_level`: random effects of study and of effect within study."""

from typing import Literal

import numpy as np

from containers.meta_analysis.data.design import Design, check_terms
from containers.meta_analysis.data.effects import Dataset
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
from containers.meta_analysis.models.two_level import generalised_q
from containers.meta_analysis.report import EffectReport
from containers.toolkit.tables.cohort import tails


class ThreeLevelAnalysis(Analysis, ThreeLevelModel):
    """Random effects of study and of effect within study."""

    kind: Literal["three_level"]
    """Marks a three-level model."""
    strata: str | None = None
    """Category whose levels get a model each, besides the whole; None for the whole only."""

    example = ({"id": "model", "kind": "three_level", "moderators": ["age_years", "outcome"], "strata": "outcome"},)

    def run(self, data: Dataset, report: EffectReport) -> None:
        """Random effects of study and of effect within study."""
        check_terms(self, report.where)
        strata = [self.strata] if self.strata else []
        data = used_effects(data, self.restrict, [*self.moderators, *strata], report)
        need_studies(data, report)

        def fit(part: Dataset, inside: EffectReport) -> None:
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


def _put_residual_q(data: Dataset, design: Design, fit: ThreeLevelFit, report: EffectReport) -> None:
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


def _put_shares(data: Dataset, design: Design, fit: ThreeLevelFit, report: EffectReport) -> None:
    for infix, shares in (("", design_shares(design.matrix, fit)), ("_cheung", cheung_shares(data.variance, fit))):
        report.put(f"variance_share_sampling{infix}_percent", shares.sampling)
        report.put(f"variance_share_between{infix}_percent", shares.between)
        report.put(f"variance_share_within{infix}_percent", shares.within)
        report.put(f"i2{infix}_percent", shares.between + shares.within)
