"""Kind `combined_odds`: odds ratios of two terms of a model on a grid of values (nako_cbp, Methods, Fig. 1c)."""

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from containers.association.kinds._analysis import Analysis
from containers.association.kinds._coefficients import odds
from containers.association.kinds._models import MODEL, Model, fit_fixed_effects
from containers.association.measures.combined_odds import combined_odds
from containers.association.report import CohortReport
from containers.contract.request import Finite
from containers.toolkit.tables.cohort.columns import Cohort


class CombinedOddsAnalysis(Analysis):
    """Odds ratios at combinations of two scores."""

    kind: Literal["combined_odds"]
    """Marks a table of combined odds ratios."""
    model: Model
    """The model that the odds ratios come from."""
    of: tuple[str, str]
    """Two number terms of the model."""
    grid: tuple[Finite, ...] = Field(default=(-3.0, -1.5, 1.5, 3.0), min_length=1)
    """Values that both terms take in turn, in their units; the odds are against 0 and 0."""

    example = ({"id": "odds", "kind": "combined_odds", "model": MODEL, "of": ["age_years", "bmi"], "grid": [1, 2]},)

    @model_validator(mode="after")
    def _two_terms(self) -> "CombinedOddsAnalysis":
        if missing := [name for name in self.of if name not in self.model.terms]:
            raise ValueError(f"of has {missing[0]!r}, which is not in the model's terms")
        if self.of[0] == self.of[1]:
            raise ValueError(f"of has {self.of[0]!r} twice")
        if len(set(self.grid)) < len(self.grid):
            raise ValueError("grid has a value twice")
        third = [name for parts in self.model.interactions for name in parts if set(parts) & set(self.of)]
        if other := [name for name in third if name not in self.of]:
            raise ValueError(
                f"the odds ratio of {list(self.of)} depends on {other[0]!r}, with which the model has a product"
            )
        return self

    def run(self, cohort: Cohort, report: CohortReport) -> None:
        """Fit the model, and put combined_odds_ratio with its interval for each pair of grid values.

        Raises ItemFault.
        """
        fit = fit_fixed_effects(self.model, cohort, report)
        spans = fit.data.design.spans
        first, second = self.of
        for name in self.of:
            if name not in fit.data.design.numbers:
                raise report.fault(
                    "is a category, where a number is needed", column=name, fix="name number terms in of"
                )
        product = next(
            (spans[name].start for name in (f"{first}*{second}", f"{second}*{first}") if name in spans), None
        )
        grid = np.array(self.grid)
        ratios = combined_odds(
            fit.coefficients,
            fit.covariance,
            (spans[first].start, spans[second].start),
            product,
            (grid, grid),
            self.model.level,
        )
        for i, value in enumerate(self.grid):
            for j, other in enumerate(self.grid):
                ends = (odds(float(ratios.low[i, j])), odds(float(ratios.high[i, j])))
                note = "beyond the range of numbers"
                report.put_interval(
                    "combined_odds_ratio",
                    odds(float(ratios.log_odds_ratio[i, j])),
                    ends,
                    term=f"{first}:{value:g}*{second}:{other:g}",
                    notes={key: note for key, end in zip(("low", "high"), ends, strict=True) if np.isinf(end)},
                )
