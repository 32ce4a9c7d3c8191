"""Kind `likelihood_ratio`: two nested three-level models on the same rows."""

from typing import Literal

import numpy as np

from containers.meta_analysis.data.design import check_terms
from containers.meta_analysis.data.effects import Effects
from containers.meta_analysis.fields import ThreeLevelModel
from containers.meta_analysis.kinds._analysis import Analysis
from containers.meta_analysis.kinds._regression import fit_three, make_design, put_criteria
from containers.meta_analysis.kinds._rows import need_studies, put_counts, used_effects
from containers.meta_analysis.report import EffectReport
from containers.toolkit.tables.cohort import tails


class LikelihoodRatioAnalysis(Analysis):
    """Comparison of two nested three-level models on the same rows."""

    kind: Literal["likelihood_ratio"]
    """Marks a likelihood-ratio test."""
    full: ThreeLevelModel
    """The larger model."""
    reduced: ThreeLevelModel
    """The smaller model, which the larger one contains."""

    example = ({"id": "test", "kind": "likelihood_ratio", "full": {}, "reduced": {"variances": ["within"]}},)

    def run(self, data: Effects, report: EffectReport) -> None:
        """Two nested three-level models on the same rows."""
        full, reduced = self.full, self.reduced
        for model in (full, reduced):
            check_terms(model, report.where)
        _check_nested(full, reduced, report)
        data = used_effects(data, self.restrict, [*full.moderators, *reduced.moderators], report)
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


def _check_nested(full: ThreeLevelModel, reduced: ThreeLevelModel, report: EffectReport) -> None:
    fix = "let `reduced` be `full` with less"
    if full.method != reduced.method or full.sampling_correlation != reduced.sampling_correlation:
        raise report.fault("the models differ in method or sampling_correlation", fix="give both the same")
    if full.scale != reduced.scale and any(full.scale.get(n) != u for n, u in reduced.scale.items()):
        raise report.fault("the models differ in scale", fix="give both the same")
    terms = [
        {frozenset([name]) for name in m.moderators} | {frozenset(p) for p in m.interactions} for m in (full, reduced)
    ]
    if not (terms[1] <= terms[0] and set(reduced.variances) <= set(full.variances)):
        raise report.fault("`reduced` is not nested in `full`", fix=fix)
    if terms[1] == terms[0] and set(reduced.variances) == set(full.variances):
        raise report.fault("the two models are the same", fix=fix)
    if full.method == "REML" and terms[0] != terms[1]:
        raise report.fault("REML likelihoods of different moderators cannot be compared", fix='use "method": "ML"')
