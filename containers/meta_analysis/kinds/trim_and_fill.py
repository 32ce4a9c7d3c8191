"""Kind `trim_and_fill`: what small studies that are missing would change."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from containers.meta_analysis.data.effects import Effects
from containers.meta_analysis.kinds._analysis import PoolingFields
from containers.meta_analysis.kinds._pooling import put_pooled
from containers.meta_analysis.kinds._rows import each_stratum, need_studies, used_effects, warn_dependent
from containers.meta_analysis.measures.trim_fill import Side, trim_and_fill
from containers.meta_analysis.models.two_level import fit_two_level
from containers.meta_analysis.report import EffectReport
from containers.toolkit.tables.cohort.tails import Tail

Floats = npt.NDArray[np.float64]
LN10 = float(np.log(10))


class TrimAndFillAnalysis(PoolingFields):
    """Duval and Tweedie's trim and fill."""

    kind: Literal["trim_and_fill"]
    """Marks trim and fill."""
    estimator: Literal["L0", "R0"] = "L0"
    """Estimator of the number of effects that are missing."""
    side: Literal["auto", "left", "right"] = "auto"
    """Side on which effects are missing; `auto` takes it from the slope on the standard error."""
    strata: str | None = None
    """Category whose levels get a result each, besides the whole; None for the whole only."""

    example = ({"id": "filled", "kind": "trim_and_fill", "strata": "outcome"},)

    def run(self, data: Effects, report: EffectReport) -> None:
        """Fill what is missing on one side, and pool again."""
        strata = [self.strata] if self.strata else []
        data = used_effects(data, self.restrict, strata, report)
        need_studies(data, report)
        warn_dependent(data, report)

        def mean(y: Floats, v: Floats) -> float:
            if len(y) == 1:
                return float(y[0])
            return float(fit_two_level(y, np.ones((len(y), 1)), v, self.method).coefficients[0])

        def fit(part: Effects, inside: EffectReport) -> None:
            if len(part) < 3:
                raise inside.fault(f"{len(part)} effects are too few to trim", fix="three effects are the least")
            side = _side(part, self, inside)
            filled = trim_and_fill(part.effect, part.variance, side, self.estimator, mean)
            if filled is None:
                raise inside.fault("trim and fill does not settle", fix="choose the other estimator")
            inside.put("n", len(part))
            inside.put("n_filled", len(filled.effect))
            inside.put("k0", filled.k0)
            inside.put("k0_se", filled.k0_se)
            inside.put("fill_side", -1 if side == "left" else 1)
            if filled.k0_p is not None:
                inside.put_p("k0_p", Tail(filled.k0_p, float(np.log(filled.k0_p)) / LN10))
            new = slice(len(part), None)
            pairs = zip(filled.effect[new], np.sqrt(filled.variance[new]), strict=True)
            inside.attach("filled", [{"effect": float(y), "standard_error": float(se)} for y, se in pairs])
            inside.attach("effects", part.ids)
            put_pooled(filled.effect, filled.variance, self, inside)

        each_stratum(data, self.strata, report, "k0", fit)


def _side(data: Effects, analysis: TrimAndFillAnalysis, report: EffectReport) -> Side:
    if analysis.side != "auto":
        return analysis.side
    error = np.sqrt(data.variance)
    if np.ptp(error) <= 1e-12 * float(error.max()):
        raise report.fault("all standard errors are equal, which leaves the side open", fix="give `side`")
    x = np.column_stack([np.ones(len(data)), error])
    slope = fit_two_level(data.effect, x, data.variance, analysis.method).coefficients[1]
    return "right" if slope < 0 else "left"
