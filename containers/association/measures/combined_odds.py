"""Combined odds ratios of two terms on a grid of their values, against both at 0 (nako_cbp, Methods and Fig. 1c).

With coefficients a, b and, where the model has their product, c, the log odds ratio at (z1, z2) is
a z1 + b z2 + c z1 z2, a linear combination of coefficients: its variance comes from the full covariance.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from containers.toolkit.tables.cohort.arrays import FloatArray


@dataclass(frozen=True)
class CombinedOdds:
    """Odds ratios at every combination of two grids: grid1 in rows, grid2 in columns."""

    log_odds_ratio: FloatArray
    """Log odds ratio against 0 and 0, (k1, k2)."""
    standard_error: FloatArray
    """Its standard error, (k1, k2)."""
    low: FloatArray
    """Lower end of its Wald interval, (k1, k2)."""
    high: FloatArray
    """Upper end of its Wald interval, (k1, k2)."""


def combined_odds(
    coefficients: FloatArray,
    covariance: FloatArray,
    columns: tuple[int, int],
    product: int | None,
    grid: tuple[FloatArray, FloatArray],
    level: float = 0.95,
) -> CombinedOdds:
    """Log odds ratios of the two columns' values on a grid.

    coefficients: (p,), covariance: (p, p). columns: positions of the two terms; product: position of their product,
    None where the model has none. grid: (k1,) and (k2,) values, in the columns' units. level: of the interval.
    """
    z1, z2 = np.meshgrid(*grid, indexing="ij")
    contrast = np.zeros((*z1.shape, len(coefficients)))
    contrast[..., columns[0]] = z1
    contrast[..., columns[1]] = z2
    if product is not None:
        contrast[..., product] = z1 * z2
    log_odds_ratio = contrast @ coefficients
    error = np.sqrt(np.einsum("ijp,pr,ijr->ij", contrast, covariance, contrast))
    half = stats.norm.isf((1.0 - level) / 2.0) * error
    return CombinedOdds(log_odds_ratio, error, log_odds_ratio - half, log_odds_ratio + half)
