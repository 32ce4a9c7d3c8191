"""Variance inflation factors from the covariance of coefficients (Fox and Monette 1992, eq. 10)."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Inflation:
    """Inflation of coefficients by each other. covariance: (p, p), without the intercept."""

    def __init__(self, covariance: Floats) -> None:
        root = np.sqrt(np.diag(covariance))
        self._correlation = covariance / np.outer(root, root)
        self._whole = float(np.linalg.det(self._correlation))

    def of_columns(self) -> Floats:
        """(p,) inflation of each coefficient."""
        return np.asarray(np.diag(np.linalg.inv(self._correlation)))

    def of_term(self, columns: slice) -> float:
        """Generalised inflation of a term's coefficients: det R11 det R22 / det R."""
        inside = np.zeros(len(self._correlation), bool)
        inside[columns] = True
        part = np.linalg.det(self._correlation[np.ix_(inside, inside)])
        rest = np.linalg.det(self._correlation[np.ix_(~inside, ~inside)])
        return float(part * rest / self._whole)
