"""Ordinary least squares, with Student's t tests and intervals (ukb_thigh, Statistical analysis: decline by age)."""

from dataclasses import dataclass

import numpy as np

from containers.toolkit.tables.cohort.arrays import FloatArray


@dataclass(frozen=True)
class LinearFit:
    """Least squares."""

    coefficients: FloatArray
    """Coefficients, (p,)."""
    standard_errors: FloatArray
    """Their standard errors, (p,)."""
    df: int
    """Residual degrees of freedom, n - p."""
    residual_sd: float
    """Standard deviation of the residuals with `df`."""


def fit_linear(x: FloatArray, y: FloatArray) -> LinearFit:
    """Fit y (n,) on x (n, p), which has the intercept column and full column rank.

    Raises ValueError when n <= p (no residual is left to judge by) or y is constant.
    """
    n, p = x.shape
    if n <= p:
        raise ValueError(f"{n} rows for {p} coefficients")
    total = float(((y - y.mean()) ** 2).sum())
    if total <= (1e-14 * float(np.abs(y).max())) ** 2 * n:
        raise ValueError("has the same value in every row")
    # Columns of one size, so that the unit of a column does not decide how well the triangle is conditioned.
    size = np.sqrt((x**2).sum(axis=0))
    basis, triangle = np.linalg.qr(x / size)
    inverse = np.linalg.inv(triangle)
    coefficients = inverse @ (y @ basis) / size
    residual = float(((y - x @ coefficients) ** 2).sum())
    variance = residual / (n - p)
    errors = np.sqrt(variance * (inverse**2).sum(axis=1)) / size
    return LinearFit(coefficients, errors, n - p, float(np.sqrt(variance)))
