"""Kind `effects`: the effects themselves."""

from typing import Literal

import numpy as np

from containers.meta_analysis.data.effects import Effects
from containers.meta_analysis.kinds._analysis import Analysis
from containers.meta_analysis.kinds._rows import used_effects
from containers.meta_analysis.report import EffectReport
from containers.toolkit.tables.cohort import tails


class EffectsAnalysis(Analysis):
    """Each effect with its interval."""

    kind: Literal["effects"]
    """Marks a list of the effects themselves."""

    example = ({"id": "list", "kind": "effects"},)

    def run(self, data: Effects, report: EffectReport) -> None:
        """The effects themselves, with normal intervals."""
        data = used_effects(data, self.restrict, [], report)
        c = tails.normal_quantile(self.level)
        for name, effect, variance, j in zip(data.ids, data.effect, data.variance, data.correction, strict=True):
            se = float(np.sqrt(variance))
            report.put("effect", effect, term=name)
            report.put("effect_se", se, term=name)
            report.put("effect_low", effect - c * se, term=name)
            report.put("effect_high", effect + c * se, term=name)
            if np.isfinite(j):
                report.put("correction", j, term=name)
