"""Kind `pooled`: one mean of all effects, taken as independent."""

from typing import Literal

from containers.meta_analysis.data.effects import Effects
from containers.meta_analysis.kinds._analysis import PoolingFields
from containers.meta_analysis.kinds._pooling import put_pooled
from containers.meta_analysis.kinds._rows import each_stratum, need_studies, put_counts, used_effects, warn_dependent
from containers.meta_analysis.report import EffectReport


class PooledAnalysis(PoolingFields):
    """One mean of all effects, taken as independent."""

    kind: Literal["pooled"]
    """Marks one pooled mean."""
    strata: str | None = None
    """Category whose levels get a mean each, besides the whole; None for the whole only."""

    example = ({"id": "mean", "kind": "pooled", "strata": "outcome"},)

    def run(self, data: Effects, report: EffectReport) -> None:
        """One mean."""
        columns = [self.strata] if self.strata else []
        data = used_effects(data, self.restrict, columns, report)
        need_studies(data, report)
        warn_dependent(data, report)

        def fit(part: Effects, inside: EffectReport) -> None:
            put_counts(part, inside)
            put_pooled(part.effect, part.variance, self, inside)

        each_stratum(data, self.strata, report, "effect", fit)
