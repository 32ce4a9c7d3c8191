"""Kind `vif`: variance inflation of a model's terms (nako_cbp, Methods and Supplementary Table S2)."""

from typing import Literal

from containers.association.kinds._analysis import Analysis
from containers.association.kinds._models import MODEL, Model, fit_fixed_effects
from containers.association.measures.vif import variance_inflation
from containers.association.report import CohortReport
from containers.toolkit.tables.cohort.columns import Cohort


class VifAnalysis(Analysis):
    """Variance inflation of a model's terms."""

    kind: Literal["vif"]
    """Marks a table of variance inflation."""
    model: Model
    """The model whose terms, interactions included, are judged next to each other."""

    example = ({"id": "inflation", "kind": "vif", "model": MODEL},)

    def run(self, cohort: Cohort, report: CohortReport) -> None:
        """Fit the model, and put gvif, gvif_adjusted and df of every term; vif of those with one degree of freedom."""
        fit = fit_fixed_effects(self.model, cohort, report)
        for term, inflation in variance_inflation(fit.covariance, fit.data.design.spans).items():
            report.put("gvif", inflation.gvif, term=term)
            report.put("gvif_adjusted", inflation.adjusted, term=term)
            report.put("df", inflation.df, term=term)
            if inflation.df == 1:
                report.put("vif", inflation.gvif, term=term)
