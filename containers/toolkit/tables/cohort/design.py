"""The matrix of a linear predictor from the columns of its terms, and whether its columns can be distinguished.

A column's name is the term for a number, `term:level` for a level, and parts joined by `*` in the order given for a
product. The intercept comes first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import cast

import numpy as np

from containers.toolkit.tables.cohort.arrays import BoolArray, FloatArray

INTERCEPT = "intercept"
COLLINEAR = 1e-9
"""A column is collinear when what the columns before it leave of it is below this part of it (both centred)."""
CHUNK = 1 << 16
"""Rows that are centred at a time."""

Columns = Sequence[tuple[str, FloatArray | BoolArray]]
"""Names and values (n,) of a term's columns."""


@dataclass(frozen=True)
class Design:
    """The columns of a linear predictor."""

    names: tuple[str, ...]
    """Name of each column, (p,), the intercept first."""
    matrix: FloatArray
    """The columns, (n, p), in Fortran order."""
    spans: Mapping[str, slice]
    """Columns of each term or `a*b` in the matrix."""
    numbers: tuple[str, ...] = ()
    """Names of the columns that are a number's own: not a level's, not a product's."""

    def without(self, term: str) -> FloatArray:
        """The matrix without the columns of a term."""
        return np.delete(self.matrix, self.spans[term], axis=1)


def join_columns(size: int, terms: Mapping[str, Columns], interactions: Sequence[Sequence[str]] = ()) -> Design:
    """The design of `size` rows from the columns of its terms; interactions are of terms.

    The matrix is the one array of its size that is made. A term whose one column has its name is a number.
    """
    names = [INTERCEPT]
    spans: dict[str, slice] = {}
    for term, columns in terms.items():
        spans[term] = slice(len(names), len(names) + len(columns))
        names += [name for name, _ in columns]
    factors: list[tuple[int, ...]] = []
    for interaction in interactions:
        start = len(names)
        for parts in product(*(range(spans[term].start, spans[term].stop) for term in interaction)):
            names.append("*".join(names[part] for part in parts))
            factors.append(parts)
        spans["*".join(interaction)] = slice(start, len(names))
    matrix = np.ones((size, len(names)), order="F")
    for j, values in enumerate(values for columns in terms.values() for _, values in columns):
        matrix[:, 1 + j] = values
    for column, parts in zip(matrix.T[len(names) - len(factors) :], factors, strict=True):
        for part in parts:
            column *= matrix[:, part]
    numbers = tuple(term for term, columns in terms.items() if [name for name, _ in columns] == [term])
    return Design(tuple(names), matrix, spans, numbers)


def find_collinear(names: Sequence[str], matrix: FloatArray) -> tuple[str, list[str]] | None:
    """The first column that is a combination of those before it, and the columns that are part of it; none: constant.

    matrix: (n, p), its first column the intercept. The others are centred and scaled before the test, so that
    neither the unit nor the distance from zero of a column (a year, a volume in mm3) decides.
    """
    p = matrix.shape[1] - 1
    mean = matrix[:, 1:].mean(axis=0)
    starts = range(0, len(matrix), CHUNK)
    squares = np.zeros(p)
    for start in starts:
        squares += np.square(matrix[start : start + CHUNK, 1:] - mean).sum(axis=0)
    norms = np.sqrt(squares)
    # A column that centring all but erases is a constant, that is, collinear with the intercept.
    flat = norms <= 1e-13 * np.sqrt(np.einsum("ij,ij->j", matrix[:, 1:], matrix[:, 1:]))
    if flat.any():
        return names[1 + int(np.flatnonzero(flat)[0])], []
    # R of the QR factors, chunk by chunk: R of (R so far, next rows) is R of all rows so far.
    triangle: FloatArray = np.empty((0, p))
    for start in starts:
        scaled = (matrix[start : start + CHUNK, 1:] - mean) / norms
        triangle = cast(FloatArray, np.linalg.qr(np.vstack([triangle, scaled]), mode="r"))
    for j in range(p):
        left = abs(triangle[j, j]) if j < len(triangle) else 0.0
        if left < COLLINEAR:
            # The coefficients of column j on those before it solve a triangular system.
            rows = min(j, len(triangle))
            weights = np.linalg.lstsq(triangle[:rows, :j], triangle[:rows, j], rcond=None)[0]
            return names[1 + j], [names[1 + int(i)] for i in np.flatnonzero(np.abs(weights) > 1e-6)]
    return None
