"""Separation: found exactly when it is there, the coefficients named, the limit that is left."""

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.association.models.logistic import fit_logistic
from containers.association.models.profile import bracketed_end, logistic_problem
from containers.association.models.separation import find_separation, fit_at_limit, overlap_is_certain
from tests.association.made import design


def _rows(*columns: list[float]) -> np.ndarray:
    return np.column_stack([np.ones(len(columns[0])), *columns])


def _says_the_box(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether a separating direction exists, by trying 4096 directions with small whole-number entries."""
    signed = x * (2 * y - 1)[:, None]
    grid = np.array(np.meshgrid(*[np.arange(-8, 9)] * x.shape[1])).reshape(x.shape[1], -1)
    products = signed @ grid
    return bool(((products >= 0).all(axis=0) & (products > 0).any(axis=0)).any())


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 1), st.booleans()), min_size=4, max_size=14))
def test_agrees_with_a_search_over_directions(rows: list[tuple[int, int, bool]]) -> None:
    """With entries of at most 2 the cone's edges are cross products of rows, with entries of at most 8."""
    x = _rows([float(a) for a, _, _ in rows], [float(b) for _, b, _ in rows])
    y = np.array([float(c) for _, _, c in rows])
    if np.linalg.matrix_rank(x) < 3:
        return
    found = find_separation(x, y)
    assert (found is not None) == _says_the_box(x, y)
    if found is None:
        return
    fit = fit_logistic(x, y)
    assert not overlap_is_certain(x, y, fit.coefficients)
    limit = fit_at_limit(x, y, found)
    assert limit.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-9)
    assert (np.isnan(limit.coefficients) == found.involved).all()


def test_complete_separation() -> None:
    found = find_separation(_rows([1.0, 2, 3, 4, 5, 6]), np.array([0.0, 0, 0, 1, 1, 1]))
    assert found is not None and found.complete and found.rows.all()
    # The slope only rises; the intercept falls with it, as every row has a positive value.
    assert found.up.tolist() == [False, True] and found.down.tolist() == [True, False]


def test_centred_complete_separation_leaves_the_intercept_open() -> None:
    found = find_separation(_rows([-3.0, -2, -1, 1, 2, 3]), np.array([0.0, 0, 0, 1, 1, 1]))
    assert found is not None
    assert (found.up & found.down).tolist() == [True, False]


def test_a_shared_boundary_is_quasi_complete() -> None:
    found = find_separation(_rows([1.0, 2, 3, 3, 4, 5]), np.array([0.0, 0, 0, 1, 1, 1]))
    assert found is not None and not found.complete
    assert found.rows.tolist() == [True, True, False, False, True, True]


def test_one_row_across_is_overlap() -> None:
    x, y = _rows([1.0, 2, 3, 4, 5, 6]), np.array([0.0, 0, 1, 0, 1, 1])
    assert find_separation(x, y) is None
    assert overlap_is_certain(x, y, fit_logistic(x, y).coefficients)


@pytest.mark.parametrize("gap", [1e-5, -1e-5])
def test_a_narrow_gap_decides(gap: float) -> None:
    """Values 0..49 without and 50 + gap... with the event, and one event at 49 + 1e-5 / one at the top without."""
    x = _rows([*np.arange(50.0), 49.0 + gap, *np.arange(50.0, 99.0)])
    y = np.repeat([0.0, 1.0], 50)
    found = find_separation(x, y)
    assert (found is not None) == (gap > 0)


def test_no_event_at_a_level_names_the_level_only() -> None:
    x, y = design()
    y = np.where(x[:, 4] == 1, 0.0, y)
    found = find_separation(x, y)
    assert found is not None and not found.complete
    assert found.down.tolist() == [False, False, False, False, True, False]
    assert not found.up.any()
    assert (found.rows == (x[:, 4] == 1)).all()
    # The others are those of the rows that are left: exactly a fit without the level's rows.
    limit, left = fit_at_limit(x, y, found), x[:, 4] == 0
    rest = fit_logistic(np.delete(x, 4, axis=1)[left], y[left])
    np.testing.assert_allclose(np.delete(limit.coefficients, 4), rest.coefficients, rtol=1e-10)
    np.testing.assert_allclose(np.delete(limit.standard_errors, 4), rest.standard_errors, rtol=1e-10)
    assert np.isnan(limit.coefficients[4])


def test_no_event_at_the_reference_level_touches_the_others() -> None:
    x, y = design()
    y = np.where((x[:, 4] == 0) & (x[:, 5] == 0), 0.0, y)
    found = find_separation(x, y)
    assert found is not None
    assert found.down.tolist() == [True] + [False] * 5
    assert found.up.tolist() == [False] * 4 + [True, True]


def test_the_units_of_columns_do_not_decide() -> None:
    x, y = design()
    y = np.where(x[:, 4] == 1, 0.0, y)
    scaled = x * np.array([1.0, 1e6, 1e-6, 1.0, 1.0, 1.0])
    one, other = find_separation(x, y), find_separation(scaled, y)
    assert one is not None and other is not None
    assert (one.down == other.down).all() and (one.rows == other.rows).all()


def test_the_end_that_exists_is_found() -> None:
    """7 of 10 events against 0 of 12: the log odds ratio has no upper end; the lower one is a root.

    R: yy <- rep(c(0, 1, 0), c(12, 7, 3)); xx <- rep(c(0, 1), c(12, 10)); sup <- 7 * log(.7) + 3 * log(.3)
    prof <- function(b) optimize(function(a) sum(dbinom(yy, 1, plogis(a + b * xx), log = TRUE)), c(-40, 10),
      maximum = TRUE, tol = 1e-14)$objective
    uniroot(function(b) 2 * (sup - prof(b)) - qchisq(.95, 1), c(0, 20), tol = 1e-13)$root
    """
    x, y = _rows([0.0] * 12 + [1.0] * 10), np.repeat([0.0, 1.0, 0.0], [12, 7, 3])
    found = find_separation(x, y)
    assert found is not None
    assert fit_at_limit(x, y, found).log_likelihood == pytest.approx(7 * np.log(0.7) + 3 * np.log(0.3), rel=1e-13)
    problem = logistic_problem(x, y, fit_logistic(x, y), 0.95)
    end = bracketed_end(problem, 1, -1, fit_logistic(x, y).coefficients[1], 2.0)
    assert end == pytest.approx(2.251976946392697, rel=1e-8)


def test_the_certificate_is_a_proof() -> None:
    """Positive weights that make the signed rows sum to zero leave no direction: checked by a programme of its own."""
    x, y = design()
    assert overlap_is_certain(x, y, fit_logistic(x, y).coefficients)
    signed = x * (2 * y - 1)[:, None]
    done = scipy.optimize.linprog(np.zeros(len(y)), A_eq=signed.T, b_eq=np.zeros(6), bounds=(1.0, None))
    assert done.status == 0
    assert not overlap_is_certain(x, y, np.zeros(6)) or find_separation(x, y) is None
