"""Kind `vif`: variance inflation of a model's terms."""

from typing import Annotated, Literal

from pydantic import Field

from containers.meta_analysis.data.design import check_terms
from containers.meta_analysis.data.effects import Effects
from containers.meta_analysis.fields import ThreeLevelModel, TwoLevelModel
from containers.meta_analysis.kinds._analysis import Analysis
from containers.meta_analysis.kinds._regression import fit_three, make_design
from containers.meta_analysis.kinds._rows import need_studies, put_counts, used_effects
from containers.meta_analysis.measures.vif import Inflation
from containers.meta_analysis.models.two_level import fit_two_level
from containers.meta_analysis.report import EffectReport


class VifThreeLevel(ThreeLevelModel):
    """A three-level model whose terms are judged."""

    kind: Literal["three_level"]
    """Marks a three-level model."""


class VifTwoLevel(TwoLevelModel):
    """A two-level model whose terms are judged."""

    kind: Literal["meta_regression"]
    """Marks a meta-regression."""


class VifAnalysis(Analysis):
    """Variance inflation from the covariance of the coefficients."""

    kind: Literal["vif"]
    """Marks a table of variance inflation."""
    model: Annotated[VifThreeLevel | VifTwoLevel, Field(discriminator="kind")]
    """The model whose terms are judged."""

    example = (
        {"id": "inflation", "kind": "vif", "model": {"kind": "three_level", "moderators": ["age_years", "bmi"]}},
    )

    def run(self, data: Effects, report: EffectReport) -> None:
        """Variance inflation factors from the covariance of the coefficients (Fox and Monette 1992)."""
        model = self.model
        check_terms(model, report.where)
        if not model.moderators:
            raise report.fault("a model without moderators has no variance inflation", fix="name moderators")
        data = used_effects(data, self.restrict, model.moderators, report)
        need_studies(data, report)
        put_counts(data, report)
        design = make_design(model, data, report)
        if isinstance(model, TwoLevelModel):
            covariance = fit_two_level(data.effect, design.matrix, data.variance, model.method).covariance
        else:
            covariance = fit_three(model, design, data, report).covariance
        inflation = Inflation(covariance[1:, 1:])
        for name, factor in zip(design.names[1:], inflation.of_columns(), strict=True):
            report.put("vif", factor, term=name)
        for term, span in design.spans.items():
            columns = slice(span.start - 1, span.stop - 1)
            factor = inflation.of_term(columns)
            report.put("gvif", factor, term=term)
            report.put("gvif_adjusted", factor ** (1 / (2 * (span.stop - span.start))), term=term)
