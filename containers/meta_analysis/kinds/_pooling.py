"""One mean of effects taken as independent, with its heterogeneity: what the kinds that pool put."""

import numpy as np
import numpy.typing as npt

from containers.meta_analysis.kinds._analysis import PoolingFields
from containers.meta_analysis.models.two_level import TwoLevelFit, fit_two_level, q_profile
from containers.meta_analysis.report import EffectReport, prefixed
from containers.toolkit.tables.cohort import tails

Floats = npt.NDArray[np.float64]
EFFECT = prefixed("effect")
ONE = "one effect only"


def put_pooled(y: Floats, v: Floats, fields: PoolingFields, report: EffectReport) -> tuple[float, float]:
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
    report.attach("weights_percent", _weights_percent(v, model.tau2 or 0.0))
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


def _put_single(y: Floats, v: Floats, fields: PoolingFields, report: EffectReport) -> tuple[float, float]:
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
    report.attach("weights_percent", [100.0])
    return mean, se


def put_heterogeneity(model: TwoLevelFit, y: Floats, x: Floats, v: Floats, level: float, report: EffectReport) -> None:
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


def put_likelihood(model: TwoLevelFit, report: EffectReport) -> None:
    """Put log-likelihood and criteria where the method has them."""
    if model.log_likelihood is None or model.criteria is None:
        return
    report.put("log_likelihood", model.log_likelihood)
    for name in ("aic", "bic", "aicc"):
        value = float(getattr(model.criteria, name))
        report.put(name, value, note="" if np.isfinite(value) else "too few effects for this criterion")
