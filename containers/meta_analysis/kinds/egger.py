"""Kind `egger`: do small studies tell another story? Regression on the standard error."""

from typing import Literal

import numpy as np
from pydantic import model_validator

from containers.meta_analysis.data.effects import Effects
from containers.meta_analysis.fields import ModeratorFields, ThreeLevelModel
from containers.meta_analysis.kinds._analysis import Analysis
from containers.meta_analysis.kinds._regression import (
    Wald,
    fit_three,
    make_design,
    put_variances,
    two_level_wald,
    without,
)
from containers.meta_analysis.kinds._rows import each_stratum, need_studies, put_counts, used_effects, warn_dependent
from containers.meta_analysis.models.two_level import Method, fit_two_level
from containers.meta_analysis.report import EffectReport, prefixed


class EggerAnalysis(Analysis, ModeratorFields):
    """Regression on the standard error."""

    kind: Literal["egger"]
    """Marks Egger's regression."""
    levels: Literal[2, 3] = 2
    """Levels of the model: 2, or 3 with effects within studies."""
    method: Method = "REML"
    """Estimator of the variances; with 3 levels REML or ML."""
    test: Literal["z", "knha", "t"] = "z"
    """Reference of the coefficients: normal, Knapp and Hartung's t (2 levels) or Student's t (3 levels)."""
    strata: str | None = None
    """Category whose levels get a test each, besides the whole; None for the whole only."""

    example = ({"id": "asymmetry", "kind": "egger", "strata": "outcome"},)

    @model_validator(mode="after")
    def _fits_levels(self) -> "EggerAnalysis":
        if self.levels == 3 and (self.method not in ("REML", "ML") or self.test == "knha"):
            raise ValueError("with 3 levels method is REML or ML, test z or t")
        if self.levels == 2 and self.test == "t":
            raise ValueError("with 2 levels test is z or knha")
        return self

    def run(self, data: Effects, report: EffectReport) -> None:
        """Regression on the standard error, in addition to the moderators (Egger 1997; Sterne and Egger 2005)."""
        if "standard_error" in self.moderators:
            raise report.fault("standard_error is a moderator already", fix="take it out of the moderators")
        strata = [self.strata] if self.strata else []
        data = used_effects(data, self.restrict, [*self.moderators, *strata], report)
        need_studies(data, report)
        if self.levels == 2:
            warn_dependent(data, report)

        def fit(part: Effects, inside: EffectReport) -> None:
            put_counts(part, inside)
            rest = without(self, str(self.strata)) if inside.stratum else self
            model = ThreeLevelModel(
                moderators=["standard_error", *rest.moderators],
                interactions=rest.interactions,
                scale=rest.scale,
                method="REML" if self.method == "REML" else "ML",
            )
            design = make_design(model, part, inside)
            if self.levels == 3:
                need_studies(part, inside)
                done = fit_three(model, design, part, inside)
                df = float(len(part) - len(design.names)) if self.test == "t" else None
                wald = Wald(done.coefficients, done.covariance, df)
                put_variances(done, inside)
            else:
                knha = self.test == "knha"
                two = fit_two_level(part.effect, design.matrix, part.variance, self.method, knha)
                wald = two_level_wald(two, knha)
                if two.tau2 is not None:
                    inside.put("tau2", two.tau2)
                    inside.put("at_boundary", int(two.tau2 == 0))
            for i, name in ((0, "egger_intercept"), (1, "egger_slope")):
                se = float(np.sqrt(wald.covariance[i, i]))
                inside.put_estimate(prefixed(name), float(wald.coefficients[i]), se, self.level, df=wald.df)

        each_stratum(data, self.strata, report, "egger_slope", fit)
