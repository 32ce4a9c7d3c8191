"""What an analysis of effects writes into: estimates with their intervals and tests.

Invariant: every p comes with its logarithm.
"""

from dataclasses import dataclass

from containers.toolkit.analyses.report import Report
from containers.toolkit.tables.cohort import tails
from containers.toolkit.tables.cohort.tails import Tail


@dataclass(frozen=True)
class EstimateNames:
    """What the numbers of one estimate are called."""

    estimate: str
    """Metric of the estimate."""
    se: str
    """Metric of its standard error."""
    low: str
    """Metric of the lower end of its interval."""
    high: str
    """Metric of the upper end of its interval."""
    z: str
    """Metric of the statistic of the normal distribution."""
    t: str
    """Metric of the statistic of Student's t."""
    df: str
    """Metric of the degrees of freedom of Student's t."""
    p: str
    """Metric of the p value."""


def prefixed(prefix: str) -> EstimateNames:
    """`effect`, `effect_se`, `effect_low` ... for prefix `effect`."""
    return EstimateNames(prefix, *(f"{prefix}_{part}" for part in ("se", "low", "high", "z", "t", "df", "p")))


COEFFICIENT = EstimateNames("coefficient", "standard_error", "interval_low", "interval_high", "z", "t", "df", "p")
ROBUST = EstimateNames("coefficient", "robust_se", "robust_low", "robust_high", "", "robust_t", "robust_df", "robust_p")


@dataclass
class EffectReport(Report):
    """What one analysis of effects gives, on one stratum or reading of them. Every p comes with its logarithm."""

    def put_p(self, quantity: str, tail: Tail | None, *, term: str = "", note: str = "") -> None:
        """Record a p value (`...p`) and its logarithm (`...log10_p`)."""
        self.put(quantity, tail.p if tail else None, term=term, note=note)
        self.put(f"{quantity.removesuffix('p')}log10_p", tail.log10_p if tail else None, term=term, note=note)

    def put_estimate(
        self, names: EstimateNames, estimate: float, se: float, level: float, *, df: float | None = None, term: str = ""
    ) -> None:
        """Record an estimate with Wald interval and test: normal, or t with df degrees of freedom."""
        self.put(names.estimate, estimate, term=term)
        self.put(names.se, se, term=term)
        c = tails.normal_quantile(level) if df is None else tails.student_quantile(level, df)
        self.put(names.low, estimate - c * se, term=term)
        self.put(names.high, estimate + c * se, term=term)
        note = "" if se > 0 else "the standard error is 0"
        ratio = estimate / se if se > 0 else None
        self.put(names.z if df is None else names.t, ratio, term=term, note=note)
        if df is not None:
            self.put(names.df, df, term=term)
        tail = None if ratio is None else tails.normal(ratio) if df is None else tails.student(ratio, df)
        self.put_p(names.p, tail, term=term, note=note)
