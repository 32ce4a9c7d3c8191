"""Performance of an estimator over many draws, with Monte-Carlo standard errors.

Definitions and formulas: Morris, White and Crowther 2019, Statistics in Medicine 38:2074, Table 6. Truth may differ
from draw to draw (a phantom knows that of each), so that errors, estimate minus truth, stand in for estimates; with
one truth the two are the same.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

F64 = npt.NDArray[np.float64]
TOO_FEW = "needs two draws or more"
LEAST_DRAWS = 20
"""Below this no verdict is given. Of an unbiased estimator the mean error over n draws lies beyond four of its
Monte-Carlo standard errors, the bound of the cases, once in 1,300 times at 20 draws (Student's t, n - 1 df), once in
320 at 10, in 60 at 5 and in 6 at 2; and a case checks a dozen estimates and more."""
LEVEL_OF_MEANS = 0.95
"""Of the Monte-Carlo interval of a mean over draws."""


@dataclass(frozen=True)
class Draws:
    """Estimates of one quantity; every array is of shape (draws,)."""

    estimate: F64
    """Estimate of each draw."""
    truth: F64
    """True value of each draw."""
    standard_error: F64 | None = None
    """Standard error of each draw, NaN where it gave none; None where the estimator has none."""
    low: F64 | None = None
    """Lower end of each draw's interval, NaN where it gave none; None where the estimator has none."""
    high: F64 | None = None
    """Upper end of each draw's interval, NaN where it gave none; None where the estimator has none."""


@dataclass(frozen=True)
class Measure:
    """One measure of performance."""

    value: float | None
    """The number; None where it is undefined."""
    note: str = ""
    """Why it is undefined; empty where it is not."""


def performance(draws: Draws, *, null: float = 0.0, level: float = 0.95) -> dict[str, Measure]:
    """Measures by name; `<name>_mcse` is the Monte-Carlo standard error of `<name>`.

    used: draws that the measures rest on. mean_estimate, mean_truth. bias: mean error; bias_low, bias_high: its 95 %
    Monte-Carlo interval. empirical_se: SD of the errors
    (n - 1). model_se: root mean square of the standard errors; se_error_percent: its relative excess over empirical_se;
    se_error_z: the log of their ratio in Monte-Carlo SEs.
    mean_squared_error. coverage: share of intervals that hold the truth; bias_eliminated_coverage: that hold truth plus
    bias; power: that do not hold `null`; all three over the draws with both ends, whose number is intervals.
    bias_z and coverage_z: distance from 0 and from `level` in Monte-Carlo SEs (coverage: in those of a right interval);
    for an unbiased estimator with right intervals bias_z is Student's t with n - 1 degrees of freedom, coverage_z about
    normal.
    """
    n = len(draws.estimate)
    errors = draws.estimate - draws.truth
    out: dict[str, Measure] = {"used": Measure(float(n))}
    if n < 2:
        lacking = ("bias", "bias_z", "empirical_se", "se_error_z", "coverage", "coverage_z", "power")
        return out | {name: Measure(None, TOO_FEW) for name in lacking}
    bias, spread = float(errors.mean()), float(errors.std(ddof=1))
    squared = errors**2
    low, high = mean_interval(bias, spread / math.sqrt(n), n)
    out |= {
        "mean_estimate": Measure(float(draws.estimate.mean())),
        "mean_truth": Measure(float(draws.truth.mean())),
        "bias": Measure(bias),
        "bias_mcse": Measure(spread / math.sqrt(n)),
        "bias_low": Measure(low),
        "bias_high": Measure(high),
        "bias_z": Measure(bias / (spread / math.sqrt(n))) if spread else Measure(None, "all draws have the same error"),
        "empirical_se": Measure(spread),
        "empirical_se_mcse": Measure(spread / math.sqrt(2 * (n - 1))),
        "mean_squared_error": Measure(float(squared.mean())),
        "mean_squared_error_mcse": Measure(float(squared.std(ddof=1)) / math.sqrt(n)),
    }
    if draws.standard_error is not None:
        out |= _model_se(draws.standard_error, spread)
    if draws.low is not None and draws.high is not None:
        out |= _intervals(draws, bias, null, level)
    return out


def _model_se(standard_error: F64, spread: float) -> dict[str, Measure]:
    known = standard_error[np.isfinite(standard_error)]
    if len(known) < 2:
        return {name: Measure(None, TOO_FEW) for name in ("model_se", "se_error_percent", "se_error_z")}
    variance = known**2
    model = math.sqrt(float(variance.mean()))
    scatter = float(variance.var(ddof=1)) / (4 * len(known))
    found = {"model_se": Measure(model), "model_se_mcse": Measure(math.sqrt(scatter) / model)}
    if spread:
        ratio = model / spread
        found["se_error_percent"] = Measure(100 * (ratio - 1))
        own = math.sqrt(scatter / model**4 + 1 / (2 * (len(known) - 1)))
        found["se_error_percent_mcse"] = Measure(100 * ratio * own)
        found["se_error_z"] = Measure(math.log(ratio) / own)
    return found


def _intervals(draws: Draws, bias: float, null: float, level: float) -> dict[str, Measure]:
    assert draws.low is not None
    assert draws.high is not None
    whole = np.isfinite(draws.low) & np.isfinite(draws.high)
    low, high, truth = draws.low[whole], draws.high[whole], draws.truth[whole]
    n = len(low)
    found = {"intervals": Measure(float(n))}
    if n == 0:
        return found | {name: Measure(None, "no draw has an interval") for name in ("coverage", "coverage_z", "power")}
    shares = {
        "coverage": (low <= truth) & (truth <= high),
        "bias_eliminated_coverage": (low <= truth + bias) & (truth + bias <= high),
        "power": (null < low) | (high < null),
    }
    for name, holds in shares.items():
        share = float(holds.mean())
        found |= {name: Measure(share), f"{name}_mcse": Measure(math.sqrt(share * (1 - share) / n))}
    coverage = float(shares["coverage"].mean())
    found["coverage_z"] = Measure((coverage - level) / math.sqrt(level * (1 - level) / n))
    return found


def mean_interval(mean: float, standard_error: float, n: int) -> tuple[float, float]:
    """Ends of the interval of a mean over n draws (2 or more): Student's t with n - 1 degrees of freedom."""
    half = float(stdtrit(n - 1, (1 + LEVEL_OF_MEANS) / 2)) * standard_error
    return mean - half, mean + half


def normal_interval(estimate: F64, standard_error: F64, level: float) -> tuple[F64, F64]:
    """Estimate minus and plus the normal quantile times the standard error, each (n,)."""
    half = NormalDist().inv_cdf((1 + level) / 2) * standard_error
    return estimate - half, estimate + half
