"""Kind `subgroups`: one mean per subgroup, and the test between them."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from containers.meta_analysis.data.analyses_file import Columns
from containers.meta_analysis.data.effects import Effects
from containers.meta_analysis.kinds._analysis import PoolingFields
from containers.meta_analysis.kinds._pooling import EFFECT, put_pooled
from containers.meta_analysis.kinds._rows import need_studies, put_counts, used_effects, warn_dependent
from containers.meta_analysis.models.two_level import fit_two_level
from containers.meta_analysis.report import EffectReport
from containers.toolkit.tables.cohort import tails


class SubgroupsAnalysis(PoolingFields):
    """One mean per subgroup, and the test between them."""

    kind: Literal["subgroups"]
    """Marks subgroups."""
    by: Columns
    """The category of the subgroups, or several whose levels are combined."""
    tau2: Literal["separate", "common"] = "separate"
    """Whether each subgroup has a variance of its own or all share one."""

    example = ({"id": "groups", "kind": "subgroups", "by": "outcome"},)

    def run(self, data: Effects, report: EffectReport) -> None:
        """One mean per subgroup, and the test between them."""
        by = [self.by] if isinstance(self.by, str) else self.by
        data = used_effects(data, self.restrict, by, report)
        need_studies(data, report)
        warn_dependent(data, report)
        columns = [data.table.text(name, report.where) for name in by]
        keys = ["*".join(f"{name}:{v}" for name, v in zip(by, row, strict=True)) for row in zip(*columns, strict=True)]
        levels = [data.table.category(name, report.where).levels for name in by]
        order = {
            key: tuple(ls.index(str(c[i])) for ls, c in zip(levels, columns, strict=True)) for i, key in enumerate(keys)
        }
        names = sorted(order, key=lambda key: order[key])
        parts = {key: np.array([k == key for k in keys], bool) for key in names}
        if len(names) < 2:
            raise report.fault("there is only one subgroup", fix="choose another column for `by`")
        report.put("n", len(data))
        report.put("groups", data.studies)
        report.attach("subgroups", names)
        if self.tau2 == "common":
            _common(self, data, parts, report)
            return
        means, errors = [], []
        for key, rows in parts.items():
            part, inside = data.kept(rows), report.inside(key)
            put_counts(part, inside)
            mean, se = put_pooled(part.effect, part.variance, self, inside)
            means.append(mean)
            errors.append(se)
        weights = 1 / np.square(errors)
        centre = float(np.sum(weights * means) / np.sum(weights))
        q = float(np.sum(weights * (np.array(means) - centre) ** 2))
        report.put("q_between", q)
        report.put("q_between_df", len(names) - 1)
        report.put_p("q_between_p", tails.chi_square(q, len(names) - 1))


def _common(
    analysis: SubgroupsAnalysis, data: Effects, parts: dict[str, npt.NDArray[np.bool_]], report: EffectReport
) -> None:
    x = np.column_stack([rows.astype(float) for rows in parts.values()])
    if len(data) <= x.shape[1]:
        raise report.fault(f"{len(data)} effects are too few for {x.shape[1]} subgroups", fix="use fewer subgroups")
    knha = analysis.test == "knha"
    model = fit_two_level(data.effect, x, data.variance, analysis.method, knha)
    covariance = model.scale * model.covariance
    for i, (key, rows) in enumerate(parts.items()):
        inside = report.inside(key)
        put_counts(data.kept(rows), inside)
        se = float(np.sqrt(covariance[i, i]))
        df = float(model.df) if knha else None
        inside.put_estimate(EFFECT, float(model.coefficients[i]), se, analysis.level, df=df)
    contrast = np.column_stack([-np.ones(len(parts) - 1), np.eye(len(parts) - 1)])
    differences = contrast @ model.coefficients
    wald = float(differences @ np.linalg.solve(contrast @ covariance @ contrast.T, differences))
    df_1 = len(parts) - 1
    report.put("q_between", wald / df_1 if knha else wald)
    report.put("q_between_df", df_1)
    if knha:
        report.put("q_between_df2", model.df)
    tail = tails.fisher(wald / df_1, df_1, model.df) if knha else tails.chi_square(wald, df_1)
    report.put_p("q_between_p", tail)
    if model.tau2 is not None:
        report.put("tau2", model.tau2)
    report.put("q", model.q)
    report.put("q_df", model.df)
    report.put_p("q_p", tails.chi_square(model.q, model.df))
