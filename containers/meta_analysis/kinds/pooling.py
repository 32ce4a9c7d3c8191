"""Kinds `effects`, `pooled` and `subgroups`: effects taken as independent."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from containers.meta_analysis.data.effects import Dataset
from containers.meta_analysis.fields import EffectsAnalysis, Pooled, Subgroups
from containers.meta_analysis.kinds._rows import each_stratum, need_studies, put_counts, used_effects, warn_dependent
from containers.meta_analysis.models.two_level import Method, TwoLevelFit, fit_two_level, q_profile
from containers.meta_analysis.report import Report, prefixed
from containers.toolkit.tables.cohort import tails

Floats = npt.NDArray[np.float64]
EFFECT = prefixed("effect")
ONE = "one effect only"


class PoolingFields(Protocol):
    """What the kinds that pool have in common."""

    @property
    def method(self) -> Method: ...
    @property
    def test(self) -> str: ...
    @property
    def prediction(self) -> str: ...
    @property
    def level(self) -> float: ...


def run_effects(analysis: EffectsAnalysis, data: Dataset, report: Report) -> None:
    """The effects themselves, with normal intervals."""
    data = used_effects(data, analysis.restrict, [], report)
    c = tails.normal_quantile(analysis.level)
    for name, effect, variance, j in zip(data.ids, data.effect, data.variance, data.correction, strict=True):
        se = float(np.sqrt(variance))
        report.put("effect", effect, term=name)
        report.put("effect_se", se, term=name)
        report.put("effect_low", effect - c * se, term=name)
        report.put("effect_high", effect + c * se, term=name)
        if np.isfinite(j):
            report.put("correction", j, term=name)


def run_pooled(analysis: Pooled, data: Dataset, report: Report) -> None:
    """One mean."""
    columns = [analysis.strata] if analysis.strata else []
    data = used_effects(data, analysis.restrict, columns, report)
    need_studies(data, report)
    warn_dependent(data, report)

    def fit(part: Dataset, inside: Report) -> None:
        put_counts(part, inside)
        put_pooled(part.effect, part.variance, analysis, inside)

    each_stratum(data, analysis.strata, report, "effect", fit)


def put_pooled(y: Floats, v: Floats, fields: PoolingFields, report: Report) -> tuple[float, float]:
    """Pool and put all numbers of kind `pooled` but the counts. Returns the mean and its standard error."""
    x = np.ones((len(y), 1))
    knha, level = fields.test == "knha", fields.level
    if len(y) == 1:
        return _put_single(y, v, fields, report)
    model = fit_two_level(y, x, v, fields.method, knha)
    mean, se = float(model.coefficients[0]), float(np.sqrt(model.scale * model.covariance[0, 0]))
    df = float(model.df) if knha else None
    report.put_estimate(EFFECT, mean, se, level, df=df)
    put_heterogeneity(model, y, x, v, level, report)
    report.tell("weights_percent", _weights_percent(v, model.tau2 or 0.0))
    if model.tau2 is not None:
        if fields.prediction == "riley":
            c = tails.student_quantile(level, max(model.df - 1, 1))
        else:
            c = tails.normal_quantile(level) if df is None else tails.student_quantile(level, df)
        spread = c * float(np.sqrt(se**2 + model.tau2))
        report.put("prediction_low", mean - spread)
        report.put("prediction_high", mean + spread)
    return mean, se


def _weights_percent(v: Floats, tau2: float) -> list[float]:
    weights = 1 / (v + tau2)
    return [float(w) for w in 100 * weights / weights.sum()]


def _put_single(y: Floats, v: Floats, fields: PoolingFields, report: Report) -> tuple[float, float]:
    mean, se = float(y[0]), float(np.sqrt(v[0]))
    undefined = ["q", "q_df", "q_p", "q_log10_p", "i2_percent", "h2"]
    if fields.test == "knha":
        report.put("effect", mean)
        report.put("effect_se", se, note="from the sampling variance: one effect only")
        undefined += ["effect_low", "effect_high", "effect_t", "effect_df", "effect_p", "effect_log10_p"]
    else:
        report.put_estimate(EFFECT, mean, se, fields.level)
    if fields.method != "FE":
        undefined += ["tau2", "tau2_se", "tau2_low", "tau2_high", "i2_low", "i2_high", "prediction_low"]
        undefined += ["prediction_high", "at_boundary"]
    if fields.method in ("REML", "ML"):
        undefined += ["log_likelihood", "aic", "bic", "aicc"]
    for quantity in undefined:
        report.put(quantity, None, note=ONE)
    report.tell("weights_percent", [100.0])
    return mean, se


def put_heterogeneity(model: TwoLevelFit, y: Floats, x: Floats, v: Floats, level: float, report: Report) -> None:
    """Put Q, I2, H2, tau2 with its Q-profile interval, the boundary and the criteria of a two-level model."""
    report.put("q", model.q)
    report.put("q_df", model.df)
    report.put_p("q_p", tails.chi_square(model.q, model.df))
    report.put("i2_percent", model.i2_percent)
    report.put("h2", model.h2)
    if model.tau2 is None:
        return
    low, high, null = q_profile(y, x, v, level)
    note = "Q lies below the lower quantile even at tau2 = 0: the interval is only 0" if null else ""
    report.put("tau2", model.tau2)
    report.put("tau2_se", model.tau2_se)
    for end, value in (("low", low), ("high", high)):
        report.put(f"tau2_{end}", value, note=note)
        report.put(f"i2_{end}", 100 * value / (value + model.typical_variance), note=note)
    report.put("at_boundary", int(model.tau2 == 0))
    if model.tau2 == 0:
        report.warn("tau2 is estimated as 0, the end of its range")
    put_likelihood(model, report)


def put_likelihood(model: TwoLevelFit, report: Report) -> None:
    """Put log-likelihood and criteria where the method has them."""
    if model.log_likelihood is None or model.criteria is None:
        return
    report.put("log_likelihood", model.log_likelihood)
    for name in ("aic", "bic", "aicc"):
        value = float(getattr(model.criteria, name))
        report.put(name, value, note="" if np.isfinite(value) else "too few effects for this criterion")


def run_subgroups(analysis: Subgroups, data: Dataset, report: Report) -> None:
    """One mean per subgroup, and the test between them."""
    by = [analysis.by] if isinstance(analysis.by, str) else analysis.by
    data = used_effects(data, analysis.restrict, by, report)
    need_studies(data, report)
    warn_dependent(data, report)
    columns = [data.cohort.text(name, report.where) for name in by]
    keys = ["*".join(f"{name}:{v}" for name, v in zip(by, row, strict=True)) for row in zip(*columns, strict=True)]
    levels = [data.cohort.category(name, report.where).levels for name in by]
    order = {
        key: tuple(ls.index(str(c[i])) for ls, c in zip(levels, columns, strict=True)) for i, key in enumerate(keys)
    }
    names = sorted(order, key=lambda key: order[key])
    parts = {key: np.array([k == key for k in keys], bool) for key in names}
    if len(names) < 2:
        raise report.fault("there is only one subgroup", mend="choose another column for `by`")
    report.put("n", len(data))
    report.put("groups", data.studies)
    report.tell("subgroups", names)
    if analysis.tau2 == "common":
        _common(analysis, data, parts, report)
        return
    means, errors = [], []
    for key, rows in parts.items():
        part, inside = data.kept(rows), report.inside(key)
        put_counts(part, inside)
        mean, se = put_pooled(part.effect, part.variance, analysis, inside)
        means.append(mean)
        errors.append(se)
    weights = 1 / np.square(errors)
    centre = float(np.sum(weights * means) / np.sum(weights))
    q = float(np.sum(weights * (np.array(means) - centre) ** 2))
    report.put("q_between", q)
    report.put("q_between_df", len(names) - 1)
    report.put_p("q_between_p", tails.chi_square(q, len(names) - 1))


def _common(analysis: Subgroups, data: Dataset, parts: dict[str, npt.NDArray[np.bool_]], report: Report) -> None:
    x = np.column_stack([rows.astype(float) for rows in parts.values()])
    if len(data) <= x.shape[1]:
        raise report.fault(f"{len(data)} effects are too few for {x.shape[1]} subgroups", mend="use fewer subgroups")
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
