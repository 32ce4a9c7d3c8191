"""What the table gives of each row: summary statistics of two arms, or an effect with its variance.

Invariants: a row has both arms whole, or an effect with a variance above 0, or nothing; never both. Missing is NaN.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.meta_analysis.data.analyses_file import EffectSource
from containers.meta_analysis.data.table import EffectTable
from containers.meta_analysis.measures.smd import Arm, VarianceType, combine, hedges_g
from containers.toolkit.tables.cohort.rows import rows_text

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.bool_]
WHERE = "effects"


def refuse(table: EffectTable, wrong: Rows, column: str, what: str, fix: str) -> None:
    """Raise ItemFault with the column and the rows that are wrong, if any is."""
    if wrong.any():
        rows = rows_text(wrong, table.row)
        raise ItemFault(f"{what} in {rows}", where=f"column {column}", fix=fix)


@dataclass(frozen=True)
class Statistics:
    """What rows say of their effects."""

    arms: tuple[Arm, ...]
    """Summaries of the two arms; empty where effects are given."""
    effect: Floats
    """The effects, (rows,); NaN where not known."""
    variance: Floats
    """Their sampling variances, (rows,); NaN where not known."""
    correction: Floats
    """Hedges' J where g was computed, (rows,); NaN elsewhere."""

    @property
    def summarised(self) -> Rows:
        """Rows with both arms."""
        if not self.arms:
            return np.zeros(len(self.effect), bool)
        return np.asarray(~np.isnan(self.arms[0].mean + self.arms[1].mean))

    def kept(self, rows: Rows) -> "Statistics":
        """The same with only the rows that are True."""
        arms = tuple(Arm(arm.mean[rows], arm.sd[rows], arm.n[rows]) for arm in self.arms)
        return Statistics(arms, self.effect[rows], self.variance[rows], self.correction[rows])

    def computed(self, variance_type: VarianceType) -> "Statistics":
        """The same with Hedges' g filled in for the rows with arms."""
        rows = self.summarised
        if not rows.any():
            return self
        first, second = (Arm(arm.mean[rows], arm.sd[rows], arm.n[rows]) for arm in self.arms)
        made = hedges_g(first, second, variance_type)
        parts = []
        for old, new in (
            (self.effect, made.effect),
            (self.variance, made.variance),
            (self.correction, made.correction),
        ):
            parts.append(old.copy())
            parts[-1][rows] = new
        return Statistics(self.arms, *parts)


def part_columns(source: EffectSource) -> set[str]:
    """All columns that effects are made from."""
    names = {name for number in (1, 2) for group in source.arm(number) for name in group}
    return names | {name for name in (source.effect, source.standard_error, source.variance) if name}


def read_statistics(table: EffectTable, source: EffectSource) -> Statistics:
    """Statistics of every row. Raises ItemFault with column and rows for impossible or half-given ones."""
    arms = tuple(_arm(table, source, number) for number in (1, 2)) if source.measure == "smd" else ()
    effect, variance = _given(table, source)
    statistics = Statistics(arms, effect, variance, np.full(len(table), np.nan))
    both = statistics.summarised & ~np.isnan(effect)
    refuse(table, both, str(source.effect), "is given together with means and standard deviations", "keep one of them")
    return statistics


def _arm(table: EffectTable, source: EffectSource, number: int) -> Arm:
    """One arm with its groups combined; NaN in all three where the row has none."""
    nothing = np.full(len(table), np.nan)
    total = Arm(nothing, nothing, nothing)
    for names in source.arm(number):
        mean, sd, n = (table.number(name, WHERE) for name in names)
        lacking = np.isnan([mean, sd, n])
        partly = lacking.any(axis=0) & ~lacking.all(axis=0)
        for name, missing in zip(names, lacking, strict=True):
            refuse(table, partly & missing, name, "is missing next to the group's other values", "fill it in")
        refuse(table, sd <= 0, names[1], "is not above 0", "check the standard deviations")
        refuse(table, n < 2, names[2], "is below 2", "a group needs two persons to have a standard deviation")
        refuse(table, np.isfinite(n) & (n != np.floor(n)), names[2], "is not a whole number", "give the group's size")
        total = combine(total, Arm(mean, sd, n))
    return total


def _given(table: EffectTable, source: EffectSource) -> tuple[Floats, Floats]:
    """Effects and variances that the table gives; NaN where it does not."""
    if source.effect is None:
        return np.full(len(table), np.nan), np.full(len(table), np.nan)
    effect = table.number(source.effect, WHERE)
    name = str(source.standard_error or source.variance)
    spread = table.number(name, WHERE)
    refuse(table, spread <= 0, name, "is not above 0", "check these rows")
    refuse(table, np.isnan(effect) & ~np.isnan(spread), source.effect, f"is missing next to {name}", "fill it in")
    refuse(table, np.isnan(spread) & ~np.isnan(effect), name, f"is missing next to {source.effect}", "fill it in")
    return effect.copy(), spread**2 if source.standard_error else spread.copy()
