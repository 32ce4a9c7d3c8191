"""Generalised variance inflation factors of a model's terms (Fox & Monette, J Am Stat Assoc 87:178, 1992, eq. 10).

From the correlation matrix R of the coefficients without the intercept: GVIF = det R11 det R22 / det R, with R11 of
the term's coefficients and R22 of all others. With one coefficient it is the familiar variance inflation factor;
GVIF^(1 / (2 df)) is comparable between terms of different degrees of freedom. For a mixed model R comes from the
covariance of the fixed effects. R's car::vif computes the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from containers.toolkit.tables.cohort.arrays import FloatArray


@dataclass(frozen=True)
class Inflation:
    """Variance inflation of one term."""

    gvif: float
    """Generalised variance inflation, at least 1."""
    df: int
    """Coefficients of the term."""
    adjusted: float
    """gvif^(1 / (2 df)), the inflation of a standard error."""


def variance_inflation(covariance: FloatArray, spans: Mapping[str, slice]) -> dict[str, Inflation]:
    """Inflation by term. covariance: (p, p) of all coefficients, the intercept among them or not.

    spans: each term's coefficients; what no span names (the intercept) is left out.
    """
    positions = {name: list(range(span.start, span.stop)) for name, span in spans.items()}
    used = sorted(position for those in positions.values() for position in those)
    scale = 1.0 / np.sqrt(np.diag(covariance))
    correlation = covariance * np.outer(scale, scale)
    whole = _log_determinant(correlation, used)
    answer = {}
    for name, own in positions.items():
        others = [position for position in used if position not in own]
        log_gvif = _log_determinant(correlation, own) + _log_determinant(correlation, others) - whole
        answer[name] = Inflation(float(np.exp(log_gvif)), len(own), float(np.exp(log_gvif / (2 * len(own)))))
    return answer


def _log_determinant(matrix: FloatArray, chosen: list[int]) -> float:
    """Logarithm of the determinant of the chosen rows and columns; 0 of none."""
    return float(np.linalg.slogdet(matrix[np.ix_(chosen, chosen)])[1])
