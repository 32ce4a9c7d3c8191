"""Least squares against R's lm (r/descriptive.R), and what must not change it."""

import numpy as np
import pytest

from containers.association.models.linear import fit_linear
from tests.association.made import N, cohort

# r/descriptive.R: lm(tmv ~ age + sex + bmi + age:sex)
COEFFICIENTS = [9328.86795921861, -32.9131837863949, 2596.78438903668, 39.5463619459422, 10.0262228355124]
ERRORS = [121.162020742269, 1.45951587165245, 133.157254788791, 2.97124484166237, 2.17657111347495]
SIGMA = 255.714043152691


def table() -> tuple[np.ndarray, np.ndarray]:
    """x (400, 5) and tmv (400,) of r/descriptive.R."""
    c = cohort()
    i = np.arange(1, N + 1, dtype=np.int64)
    u = ((i**3 * 31 + 17 * i) % 1009) / 1009.0
    tmv = 9000 - 35 * c["age"] + 2500 * c["sex"] + 12 * c["age"] * c["sex"] + 40 * c["bmi"] + 900 * u
    return np.column_stack([np.ones(N), c["age"], c["sex"], c["bmi"], c["age"] * c["sex"]]), tmv


def test_agrees_with_lm() -> None:
    fit = fit_linear(*table())
    np.testing.assert_allclose(fit.coefficients, COEFFICIENTS, rtol=1e-11)
    np.testing.assert_allclose(fit.standard_errors, ERRORS, rtol=1e-11)
    assert (fit.df, fit.residual_sd) == (395, pytest.approx(SIGMA))


def test_units_scale_the_coefficients() -> None:
    x, y = table()
    fit, scaled = fit_linear(x, y), fit_linear(x * [1, 1e-6, 1, 1e6, 1], y * 1e-3)
    np.testing.assert_allclose(scaled.coefficients * [1e3, 1e-3, 1e3, 1e9, 1e3], fit.coefficients, rtol=1e-9)
    np.testing.assert_allclose(scaled.standard_errors * [1e3, 1e-3, 1e3, 1e9, 1e3], fit.standard_errors, rtol=1e-9)


def test_without_residuals_or_variation_is_refused() -> None:
    x, y = table()
    with pytest.raises(ValueError, match="5 rows for 5 coefficients"):
        fit_linear(x[:5], y[:5])
    with pytest.raises(ValueError, match="same value in every row"):
        fit_linear(x, np.full(N, 0.3))
