"""Agreement of a column of two joined tables: bias and limits of agreement over the pairs that have both values."""

import dataclasses
from collections.abc import Iterable

import numpy as np

from containers.toolkit.tables.limits_of_agreement import LimitsOfAgreement, limits_of_agreement


@dataclasses.dataclass(frozen=True)
class ColumnAgreement:
    """Agreement of one column, measured - expected, in the column's unit."""

    name: str
    """Name of the column."""
    n: int
    """Pairs in which both values are defined."""
    undefined: int
    """Pairs in which a value is missing."""
    bias: float | None
    """Mean difference; None without a pair."""
    limits: LimitsOfAgreement | None
    """Standard deviation, limits of agreement and 95 % intervals; None for fewer than two pairs."""


def column_agreement(name: str, measured: Iterable[float | None], expected: Iterable[float | None]) -> ColumnAgreement:
    """Agreement of `measured` with `expected` over the pairs where both are defined; the others are counted."""
    pairs = list(zip(measured, expected, strict=True))
    gaps = np.array([m - e for m, e in pairs if m is not None and e is not None], dtype=np.float64)
    limits = limits_of_agreement(gaps) if len(gaps) > 1 else None
    return ColumnAgreement(name, len(gaps), len(pairs) - len(gaps), float(gaps.mean()) if len(gaps) else None, limits)
