"""What an analysis says: metrics, and the same numbers structured.

Invariants: a metric is named `<quantity>.<analysis id>[.<stratum or reading>][.<term>]` and put once; an undefined
number has a note that says why; every p comes with its logarithm.
"""

from dataclasses import dataclass, field
from typing import Any

from containers.contract.errors import ItemFault
from containers.contract.stage import Result
from containers.toolkit.tables.cohort import tails
from containers.toolkit.tables.cohort.numbers import put_number
from containers.toolkit.tables.cohort.tails import Tail


@dataclass(frozen=True)
class Names:
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


def prefixed(prefix: str) -> Names:
    """`effect`, `effect_se`, `effect_low` ... for prefix `effect`."""
    return Names(prefix, *(f"{prefix}_{part}" for part in ("se", "low", "high", "z", "t", "df", "p")))


COEFFICIENT = Names("coefficient", "standard_error", "interval_low", "interval_high", "z", "t", "df", "p")
ROBUST = Names("coefficient", "robust_se", "robust_low", "robust_high", "", "robust_t", "robust_df", "robust_p")


@dataclass
class Report:
    """What one analysis says, on one stratum or reading of it."""

    result: Result
    """The record that metrics and warnings go into."""
    id: str
    """Name of the analysis."""
    stratum: str = ""
    """Stratum or reading, as it stands in the metrics; empty for the whole."""
    structured: dict[str, Any] = field(default_factory=lambda: {"numbers": []})
    """What goes into results.json."""

    def inside(self, stratum: str) -> "Report":
        """The same analysis in a stratum."""
        return Report(self.result, self.id, stratum, self.structured)

    @property
    def where(self) -> str:
        """How messages name the place."""
        return f"analysis {self.id}" + (f", stratum {self.stratum}" if self.stratum else "")

    def put(self, quantity: str, value: float | int | None, *, term: str = "", note: str = "") -> None:
        """Record a number. Raises as `put_number` says: faults of the stage, not of the input."""
        numbers = self.structured["numbers"]
        put_number(self.result, numbers, self.id, quantity, value, stratum=self.stratum, term=term, note=note)

    def put_p(self, quantity: str, tail: Tail | None, *, term: str = "", note: str = "") -> None:
        """Record a p value (`...p`) and its logarithm (`...log10_p`)."""
        self.put(quantity, tail.p if tail else None, term=term, note=note)
        self.put(f"{quantity.removesuffix('p')}log10_p", tail.log10_p if tail else None, term=term, note=note)

    def put_estimate(
        self, names: Names, estimate: float, se: float, level: float, *, df: float | None = None, term: str = ""
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

    def tell(self, name: str, value: Any) -> None:
        """Add something that is no scalar to results.json, under the stratum where there is one."""
        place = (
            self.structured.setdefault("strata", {}).setdefault(self.stratum, {}) if self.stratum else self.structured
        )
        place[name] = value

    def warn(self, line: str) -> None:
        """Say in one line what the reader of this analysis should know."""
        self.result.warn(f"{self.where}: {line}")

    def fault(self, what: str, *, mend: str) -> ItemFault:
        """An ItemFault that names this analysis. Raise it."""
        return ItemFault(what, where=self.where, mend=mend)
