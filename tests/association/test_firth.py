"""Firth's penalised likelihood: 2x2 tables by half counts, an independent program in R, properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.association.models.firth import PenalisedLikelihood, firth_gains, firth_intervals, fit_firth
from containers.association.models.logistic import fit_logistic
from containers.association.models.profile import profile_intervals
from tests.association.made import design

# The first 60 rows of made.py (10 events), by the R program of the stage r_reference (augmented-data Newton, uniroot):
# ff <- fit_firth(x[1:60, ], y[1:60]); ff$coefficients; sqrt(diag(ff$covariance)); ff$log_likelihood
COEFFICIENTS = [
    -0.01572464454722427, 0.0392199888710114, -0.1398248241927023, 0.6752179293558948, -0.8550995401612083,
    -0.2241880146151236,
]  # fmt: skip
ERRORS = [
    3.118510401186164, 0.03297487985234808, 0.08547410219501665, 0.7086001442763453, 0.9019087200234057,
    0.8219900664384904,
]  # fmt: skip
# sapply(1:6, function(j) firth_ends(x[1:60, ], y[1:60], ff, j, .95))
LOW = [
    -6.114517000910856, -0.02339813179336587, -0.3185945313031776, -0.6790432602052746, -2.759362965050572,
    -1.8372387200931,
]  # fmt: skip
HIGH = [
    6.159284096799446, 0.1105494561859354, 0.01908523843411926, 2.130086417928639, 0.8394188187842424,
    1.3631938128663,
]  # fmt: skip
# 2 * (ff$log_likelihood - fit_firth(x, y, free = -j, start with 0 at j)$log_likelihood), j = 2..6
TESTS = [1.485518342554929, 2.961173708762939, 0.9537738009229635, 0.9703339393757666, 0.07927189953398894]


def _table(a: int, b: int, c: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a 2x2 table: a events and b non-events among the exposed, c and d among the others."""
    exposed = np.repeat([1.0, 1.0, 0.0, 0.0], [a, b, c, d])
    y = np.repeat([1.0, 0.0, 1.0, 0.0], [a, b, c, d])
    return np.column_stack([np.ones(len(y)), exposed]), y


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=4, max_size=4))
def test_a_saturated_table_gets_half_a_count_in_each_cell(cells: list[int]) -> None:
    """Jeffreys' prior of a saturated 2x2 table adds 1/2 to every cell (Firth 1993, section 3), empty ones too."""
    a, b, c, d = cells
    if a + b == 0 or c + d == 0:
        return
    fit = fit_firth(*_table(a, b, c, d))
    assert fit.converged
    assert fit.coefficients[0] == pytest.approx(np.log((c + 0.5) / (d + 0.5)), rel=1e-8, abs=1e-9)
    odds_ratio = (a + 0.5) * (d + 0.5) / ((b + 0.5) * (c + 0.5))
    assert fit.coefficients[1] == pytest.approx(np.log(odds_ratio), rel=1e-8, abs=1e-9)


def test_profile_of_a_separated_table() -> None:
    """The penalised profile of a saturated table is the plain one of the table with half counts.

    R: cells <- c(.5, 7.5, 12.5, 3.5); yy <- c(1, 1, 0, 0); xx <- c(0, 1, 0, 1)
    dev <- function(b) optimize(function(a) sum(cells * ifelse(yy == 1, plogis(a + b * xx, log.p = TRUE),
      plogis(-a - b * xx, log.p = TRUE))), c(-20, 10), maximum = TRUE, tol = 1e-14)$objective
    m <- sum(cells * log(c(.5/13, 7.5/11, 12.5/13, 3.5/11))); h <- function(b) 2 * (m - dev(b)) - qchisq(.95, 1)
    uniroot(h, c(0, 3.9), tol = 1e-13)$root; uniroot(h, c(4, 20), tol = 1e-13)$root
    """
    x, y = _table(7, 3, 0, 12)
    low, high = firth_intervals(x, y, fit_firth(x, y))[1]
    assert (low, high) == (pytest.approx(1.537189190409092, rel=1e-8), pytest.approx(8.940858783312125, rel=1e-8))


def test_agrees_with_an_independent_program() -> None:
    x, y = design(60)
    fit = fit_firth(x, y)
    np.testing.assert_allclose(fit.coefficients, COEFFICIENTS, rtol=1e-7)
    np.testing.assert_allclose(fit.standard_errors, ERRORS, rtol=1e-7)
    assert fit.log_likelihood == pytest.approx(-15.83870949365648, rel=1e-12)
    ends = firth_intervals(x, y, fit)
    np.testing.assert_allclose(ends[:, 0], LOW, rtol=1e-7)
    np.testing.assert_allclose(ends[:, 1], HIGH, rtol=1e-7)
    np.testing.assert_allclose(2 * firth_gains(x, y, fit)[1:], TESTS, rtol=1e-7)


def test_the_modified_score_is_the_gradient_of_the_penalised_likelihood() -> None:
    x, y = design(60)
    likelihood = PenalisedLikelihood(x, y, weights=1.0 + np.arange(60) % 2)
    beta = np.array(COEFFICIENTS) + 0.01
    score = likelihood.at(beta)[1]
    for j in range(6):
        step = np.eye(6)[j] * 1e-5 / np.abs(x[:, j]).max()
        slope = (likelihood.at(beta + step)[0] - likelihood.at(beta - step)[0]) / (2 * step[j])
        assert slope == pytest.approx(score[j], rel=1e-5)


def test_weights_are_repeated_rows() -> None:
    x, y = _table(7, 3, 0, 12)
    distinct = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 0.0]])
    weighted = fit_firth(distinct, np.array([1.0, 0.0, 0.0]), weights=np.array([7.0, 3.0, 12.0]))
    repeated = fit_firth(x, y)
    # Jeffreys' prior is of the information of all rows, but a repeated row has the leverage of one.
    np.testing.assert_allclose(weighted.coefficients, repeated.coefficients, rtol=1e-8)


def test_the_curvature_is_the_derivative_of_the_modified_score() -> None:
    x, y = design(60)
    likelihood = PenalisedLikelihood(x, y, weights=1.0 + np.arange(60) % 2)
    beta = np.array(COEFFICIENTS) + 0.01
    curvature = likelihood.at(beta)[2]
    for j in range(6):
        step = np.eye(6)[j] * 1e-4 / np.abs(x[:, j]).max()
        slope = (likelihood.at(beta - step)[1] - likelihood.at(beta + step)[1]) / (2 * step[j])
        np.testing.assert_allclose(slope, curvature[j], rtol=1e-6, atol=1e-6 * np.abs(curvature[j]).max())


def test_many_rows_leave_little_of_the_penalty() -> None:
    x, y = design()
    weights = np.full(len(y), 500.0)
    plain, penalised = fit_logistic(x, y, weights), fit_firth(x, y, weights)
    errors = plain.standard_errors
    assert np.abs((penalised.coefficients - plain.coefficients) / errors).max() < 0.02
    ends = firth_intervals(x, y, penalised, weights=weights) - profile_intervals(x, y, plain, weights=weights)
    assert np.abs(ends / errors[:, None]).max() < 0.02


@pytest.mark.parametrize("shift", [2000.0, 1e5, 1e7])
@pytest.mark.parametrize("separated", [True, False])
def test_the_distance_from_zero_of_a_column_does_not_matter(shift: float, separated: bool) -> None:
    time = np.arange(60.0)
    y = (time >= 30).astype(float) if separated else (time % 7 > 3 + time / 40).astype(float)
    near, far = (np.column_stack([np.ones(60), time + by]) for by in (0.0, shift))
    fits = [fit_firth(x, y) for x in (near, far)]
    assert all(fit.converged for fit in fits)
    assert fits[1].coefficients[1] == pytest.approx(fits[0].coefficients[1], rel=1e-8)
    assert fits[1].log_likelihood == pytest.approx(fits[0].log_likelihood, rel=1e-9)
    ends = [firth_intervals(x, y, fit)[1] for x, fit in zip((near, far), fits, strict=True)]
    np.testing.assert_allclose(ends[1], ends[0], rtol=1e-6)
    gains = [firth_gains(x, y, fit)[1] for x, fit in zip((near, far), fits, strict=True)]
    assert gains[1] == pytest.approx(gains[0], rel=1e-6)
