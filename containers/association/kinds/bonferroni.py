"""Kind `bonferroni`: p values of earlier analyses times the number of tests (nako_cbp, Statistical analysis)."""

import math
from typing import Literal

from pydantic import Field, field_validator, model_validator

from containers.association.kinds._analysis import Analysis
from containers.association.report import CohortReport
from containers.toolkit.tables.cohort.columns import Cohort


class BonferroniAnalysis(Analysis):
    """p values of earlier analyses, corrected for their number."""

    kind: Literal["bonferroni"]
    """Marks a Bonferroni correction."""
    of: tuple[str, ...] = Field(min_length=1)
    """Metrics of earlier analyses that are corrected, `p.<id>...` or `lr_p.<id>...`."""
    tests: int | None = Field(default=None, ge=1)
    """How many tests there were; None for as many as `of` names."""

    example = (
        {"id": "r", "kind": "correlation", "of": ["age_years", "bmi"]},
        {"id": "corrected", "kind": "bonferroni", "of": ["p.r"]},
    )

    @field_validator("of")
    @classmethod
    def _p_values(cls, of: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [name for name in of if not name.startswith(("p.", "lr_p."))]:
            raise ValueError(f"{wrong[0]!r} is not a p value: name metrics p.... or lr_p....")
        if len(set(of)) < len(of):
            raise ValueError("a metric is named twice")
        return of

    @model_validator(mode="after")
    def _enough_tests(self) -> "BonferroniAnalysis":
        if self.tests is not None and self.tests < len(self.of):
            raise ValueError(f"tests is {self.tests}, and {len(self.of)} p values are named")
        return self

    def run(self, cohort: Cohort, report: CohortReport) -> None:
        """Put min(1, tests * p) as p and its decimal logarithm as log10_p, each with the named metric as its term."""
        tests = self.tests or len(self.of)
        for name in self.of:
            p = report.value_of(name)
            log10_p = report.value_of(name.replace("p.", "log10_p.", 1))
            note = "the p value itself is undefined" if p is None or log10_p is None else ""
            report.put("p", None if p is None else min(1.0, tests * p), term=name, note=note)
            log = None if log10_p is None else min(0.0, math.log10(tests) + log10_p)
            report.put("log10_p", log, term=name, note=note)
        report.attach("tests", tests)
