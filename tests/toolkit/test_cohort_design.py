"""The design matrix by hand, and collinear columns by construction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.toolkit.tables.cohort import design
from containers.toolkit.tables.cohort.design import find_collinear, join_columns


def test_columns_products_and_spans() -> None:
    number = np.array([1.0, 2.0, 3.0, 5.0])
    levels = np.array([0, 1, 2, 1])
    terms = {"x": [("x", number)], "g": [("g:b", levels == 1), ("g:c", levels == 2)]}
    made = join_columns(4, terms, [["x", "g"], ["g", "x"]])
    matrix = made.matrix
    assert made.names == ("intercept", "x", "g:b", "g:c", "x*g:b", "x*g:c", "g:b*x", "g:c*x")
    assert made.numbers == ("x",)
    assert made.spans == {"x": slice(1, 2), "g": slice(2, 4), "x*g": slice(4, 6), "g*x": slice(6, 8)}
    expected = [[1, 1, 0, 0, 0, 0], [1, 2, 1, 0, 2, 0], [1, 3, 0, 1, 0, 3], [1, 5, 1, 0, 5, 0]]
    np.testing.assert_array_equal(matrix[:, :6], expected)
    np.testing.assert_array_equal(matrix[:, 6:], matrix[:, 4:6])
    assert matrix.flags.f_contiguous and matrix.dtype == np.float64
    np.testing.assert_array_equal(made.without("x"), np.delete(matrix, 1, axis=1))


@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(8, 60),
    chunk=st.integers(1, 70),
    scale=st.floats(1e-6, 1e6),
    shift=st.floats(-1e3, 1e3),
)
@settings(max_examples=60, deadline=None)
def test_a_combination_is_found_whatever_the_units_and_the_chunks(
    seed: int, rows: int, chunk: int, scale: float, shift: float
) -> None:
    a, b, c = np.random.default_rng(seed).standard_normal((3, rows))
    ones = np.ones(rows)
    names = ["intercept", "a", "b", "c", "d"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(design, "CHUNK", chunk)
        made = find_collinear(names, np.column_stack([ones, a, b, c, scale * (2 * a - c + shift)]))
        free = find_collinear(names, np.column_stack([ones, a, b, c, scale * (2 * a - c + 0.01 * b**2)]))
    assert made == ("d", ["a", "c"])
    assert free is None


def test_a_constant_has_no_others() -> None:
    x = np.arange(5.0)
    found = find_collinear(["intercept", "x", "k"], np.column_stack([np.ones(5), x, np.full(5, 1e8)]))
    assert found == ("k", [])


def test_more_columns_than_rows_are_collinear() -> None:
    x = np.random.default_rng(1).standard_normal((3, 4))
    found = find_collinear(["intercept", "a", "b", "c"], np.column_stack([np.ones(3), x[:, :3]]))
    assert found == ("c", ["a", "b"])
