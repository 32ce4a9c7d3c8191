"""Kind `meta_regression`: the two-level mixed-effects model."""

from typing import Literal

from containers.meta_analysis.data.design import check_terms
from containers.meta_analysis.data.effects import Effects
from containers.meta_analysis.fields import TwoLevelModel
from containers.meta_analysis.kinds._analysis import Analysis
from containers.meta_analysis.kinds._pooling import put_heterogeneity
from containers.meta_analysis.kinds._regression import make_design, put_coefficients, two_level_wald, without
from containers.meta_analysis.kinds._rows import each_stratum, need_studies, put_counts, used_effects, warn_dependent
from containers.meta_analysis.models.two_level import fit_two_level
from containers.meta_analysis.report import EffectReport


class MetaRegressionAnalysis(Analysis, TwoLevelModel):
    """Two-level mixed-effects model with moderators."""

    kind: Literal["meta_regression"]
    """Marks a meta-regression."""
    strata: str | None = None
    """Category whose levels get a model each, besides the whole; None for the whole only."""

    example = ({"id": "model", "kind": "meta_regression", "moderators": ["age_years", "outcome"], "strata": "outcome"},)

    def run(self, data: Effects, report: EffectReport) -> None:
        """Two-level mixed-effects model."""
        check_terms(self, report.where)
        strata = [self.strata] if self.strata else []
        data = used_effects(data, self.restrict, [*self.moderators, *strata], report)
        need_studies(data, report)
        warn_dependent(data, report)

        def fit(part: Effects, inside: EffectReport) -> None:
            model = without(self, str(self.strata)) if inside.stratum else self
            put_counts(part, inside)
            design = make_design(model, part, inside)
            knha = self.test == "knha"
            done = fit_two_level(part.effect, design.matrix, part.variance, self.method, knha)
            put_coefficients(two_level_wald(done, knha), design, self.level, inside)
            put_heterogeneity(done, part.effect, design.matrix, part.variance, self.level, inside)

        each_stratum(data, self.strata, report, "q", fit)
