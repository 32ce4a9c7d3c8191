"""Derived numbers, and groups by quantiles of a number."""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from containers.association.data.rule import Rule
from containers.toolkit.tables.cohort.arrays import FloatArray, IntArray
from containers.toolkit.tables.cohort.columns import Category, Cohort, Column, Number
from containers.toolkit.tables.cohort.rows import rows_text

QUANTILES = {"percentiles_33_67": ((33, 100), (67, 100)), "thirds": ((1, 3), (2, 3))}
"""Lower and upper cut. ukb_thigh, Statistical analysis: `the 33rd and 67th percentiles of each distribution`.
As fractions: a cut point that is a value of the table must be it exactly, not a rounding next to it."""


class Ratio(Rule):
    """First of `of` over the second raised to `power`: P/A ratio, or an index over height squared (power 2)."""

    kind: Literal["ratio"]
    """Marks the rule that divides two numbers."""
    of: tuple[str, str]
    """The number that is divided, and the number that it is divided by."""
    power: Literal[1, 2] = 1
    """Power that the second number is raised to first; 2 for an index over height squared."""
    unit: str = "1"
    """Unit of the result; `1` for a pure number."""

    @property
    def sources(self) -> tuple[str, ...]:
        return self.of

    def make(self, cohort: Cohort) -> tuple[Column, dict[str, Any]]:
        numerator, denominator = (cohort.number(name) for name in self.of)
        if (zero := denominator == 0).any():
            raise self.fault(f"{self.of[1]} is 0 in {rows_text(zero, cohort.rows)}", "exclude these rows first")
        return Number(numerator / denominator**self.power, self.unit), {}


class Sum(Rule):
    """Sum of columns: appendicular lean mass from arms and legs."""

    kind: Literal["sum"]
    """Marks the rule that adds numbers."""
    of: Annotated[tuple[str, ...], Field(min_length=2)]
    """The numbers that are added, of one unit."""

    @property
    def sources(self) -> tuple[str, ...]:
        return self.of

    def make(self, cohort: Cohort) -> tuple[Column, dict[str, Any]]:
        units = {column.unit for name in self.of if isinstance(column := cohort.column(name), Number)}
        if len(units) > 1:
            raise self.fault(f"adds columns in {' and '.join(sorted(units))}", "add columns of one unit")
        return Number(np.sum([cohort.number(name) for name in self.of], axis=0), units.pop() if units else "1"), {}


class Asymmetry(Rule):
    """|left - right| over the larger side (ukb_thigh, note of Table 2)."""

    kind: Literal["asymmetry"]
    """Marks the rule that compares two sides."""
    of: tuple[str, str]
    """The left and the right side, of one unit; the result is a share."""

    @property
    def sources(self) -> tuple[str, ...]:
        return self.of

    def make(self, cohort: Cohort) -> tuple[Column, dict[str, Any]]:
        left, right = (cohort.number(name) for name in self.of)
        larger = np.maximum(left, right)
        if (wrong := (larger <= 0) | (np.minimum(left, right) < 0)).any():
            raise self.fault(f"a side is negative, or both are 0, in {rows_text(wrong, cohort.rows)}", "exclude them")
        return Number(np.abs(left - right) / larger), {}


class ZScore(Rule):
    """Standardised value: (x - mean) / SD with n - 1, over all rows."""

    kind: Literal["z_score"]
    """Marks the rule that standardises a number."""
    of: str
    """The number that is standardised."""
    adjust_for: tuple[str, ...] = ()
    """Columns that x is regressed on by least squares first, so that its residuals are standardised; empty for none."""

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.of, *self.adjust_for)

    def make(self, cohort: Cohort) -> tuple[Column, dict[str, Any]]:
        values = cohort.number(self.of)
        known = ~np.any([cohort.column(name).missing for name in self.sources], axis=0)
        if known.sum() <= 2 + len(self.adjust_for):
            raise self.fault(f"has {int(known.sum())} rows with every value it needs", "give more rows")
        x = values[known]
        residual = x - x.mean()
        predictors = self._predictors(cohort, known)
        if predictors.shape[1]:
            coefficients, *_ = np.linalg.lstsq(predictors, residual, rcond=None)
            residual = residual - predictors @ coefficients
            residual = residual - residual.mean()
        sd = float(np.sqrt(residual @ residual / (len(x) - 1)))
        if sd <= 1e-12 * float(np.abs(x).max()):
            raise self.fault(f"{self.of} does not vary", "take it out")
        z = np.full(cohort.size, np.nan)
        z[known] = residual / sd
        return Number(z, "SD"), {"mean": float(x.mean()), "sd": sd, "adjusted_for": list(self.adjust_for)}

    def _predictors(self, cohort: Cohort, known: np.ndarray) -> FloatArray:
        """(n, q) centred and scaled columns of `adjust_for`: orthogonal to the intercept."""
        columns: list[FloatArray] = []
        for name in self.adjust_for:
            column = cohort.column(name).take(known)
            if isinstance(column, Category):
                columns += [(column.codes == code).astype(np.float64) for code in range(1, len(column.levels))]
            else:
                columns.append(column.values)
        matrix: FloatArray = np.column_stack(columns) if columns else np.empty((int(known.sum()), 0))
        matrix = matrix - matrix.mean(axis=0)
        norms = np.linalg.norm(matrix, axis=0)
        scaled: FloatArray = matrix[:, norms > 0] / norms[norms > 0]
        return scaled


class QuantileGroups(Rule):
    """Low, middle and high group of a number, cut at two quantiles, whole or within levels of `by`.

    A value at most the lower cut is low, above the upper cut high. Quantiles interpolate linearly between order
    statistics (R's type 7, numpy's `linear`).
    """

    kind: Literal["quantile_groups"]
    """Marks the rule that cuts a number at two quantiles."""
    of: str
    """The number that is cut."""
    rule: Literal["percentiles_33_67", "thirds"]
    """Where it is cut: at the 33rd and 67th percentile, or at one and two thirds."""
    by: tuple[str, ...] = ()
    """Categories within whose levels the quantiles are taken; empty for quantiles of the whole."""
    labels: tuple[str, str, str] = ("low", "middle", "high")
    """Names of the low, middle and high group."""

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.of, *self.by)

    def make(self, cohort: Cohort) -> tuple[Column, dict[str, Any]]:
        values = cohort.number(self.of)
        codes = np.full(cohort.size, -1, dtype=np.int64)
        cuts = []
        for name, rows in self._groups(cohort):
            if rows.size == 0:
                continue
            lower, upper = (quantile(values[rows], *share) for share in QUANTILES[self.rule])
            if not lower < upper:
                raise self.fault(f"{self.of} has too many equal values for three groups{name}", "group it by a cut")
            codes[rows] = (values[rows] > lower).astype(np.int64) + (values[rows] > upper)
            cuts.append({"group": name.removeprefix(" in "), "lower": float(lower), "upper": float(upper)})
        return Category(codes, self.labels), {"rule": self.rule, "cut_points": cuts}

    def _groups(self, cohort: Cohort) -> list[tuple[str, IntArray]]:
        """Name and row positions of every combination of levels of `by`, rows without a value left out."""
        missing = np.any([cohort.column(name).missing for name in self.sources], axis=0)
        groups = [("", np.flatnonzero(~missing))]
        for column_name in self.by:
            column = cohort.category(column_name)
            groups = [
                (f"{name or ' in'} {column_name}:{level}", rows[column.codes[rows] == code])
                for name, rows in groups
                for code, level in enumerate(column.levels)
            ]
        return groups


def quantile(values: FloatArray, part: int, whole: int) -> float:
    """The quantile part/whole of values (n,), by linear interpolation between order statistics (R's type 7)."""
    position, rest = divmod((len(values) - 1) * part, whole)
    ordered = np.partition(values, [position, min(position + 1, len(values) - 1)])
    if rest == 0:
        return float(ordered[position])
    return float(ordered[position] + (ordered[position + 1] - ordered[position]) * (rest / whole))
