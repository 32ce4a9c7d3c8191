"""Variance inflation against R (tests/association/r/combined_odds_vif.R), textbook formulas and its symmetries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.association.measures.vif import variance_inflation
from containers.association.models.mixed_logistic import fit_mixed_logistic
from tests.association.test_mixed_logistic import cohort

# combined_odds_vif.R, "mixed": gvif and gvif^(1 / (2 df)).
MIXED = {
    "z1": (slice(1, 2), 1.16625284635, 1.07993187116),
    "z2": (slice(2, 3), 1.15495883524, 1.07469011126),
    "age": (slice(3, 4), 1.01249697723, 1.00622908785),
    "sex": (slice(4, 5), 1.00402974606, 1.00201284725),
    "activity": (slice(5, 7), 1.01156362825, 1.00287845494),
    "z1*z2": (slice(7, 8), 1.10790261565, 1.05256953008),
}


def test_mixed_model_against_the_determinants_in_r() -> None:
    x, y, site = cohort(1500, 4, 0.6, 77)
    columns = np.column_stack([x[:, [0, 1, 2, 3, 4, 9, 10]], x[:, 1] * x[:, 2]])
    covariance = fit_mixed_logistic(columns, y, site, 5).covariance
    found = variance_inflation(covariance, {term: span for term, (span, _, _) in MIXED.items()})
    for term, (span, gvif, adjusted) in MIXED.items():
        assert found[term].df == span.stop - span.start
        assert (found[term].gvif, found[term].adjusted) == pytest.approx((gvif, adjusted), rel=1e-7)


def regression_covariance(x: np.ndarray) -> np.ndarray:
    """Of ordinary least squares with an intercept, but for the residual variance."""
    return np.asarray(np.linalg.inv(np.column_stack([np.ones(len(x)), x]).T @ np.column_stack([np.ones(len(x)), x])))


@given(seed=st.integers(0, 2**32 - 1), mixing=st.floats(0, 3))
@settings(max_examples=30)
def test_one_column_has_one_over_one_minus_r_squared(seed: int, mixing: float) -> None:
    x = np.random.default_rng(seed).standard_normal((40, 3))
    x[:, 2] += mixing * x[:, 0]
    found = variance_inflation(regression_covariance(x), {name: slice(k, k + 1) for k, name in enumerate("abc", 1)})
    for k, name in enumerate("abc"):
        others = np.column_stack([np.ones(40), np.delete(x, k, axis=1)])
        left = x[:, k] - others @ np.linalg.lstsq(others, x[:, k], rcond=None)[0]
        by_hand = ((x[:, k] - x[:, k].mean()) ** 2).sum() / (left**2).sum()
        assert found[name].gvif == pytest.approx(by_hand, rel=1e-9)
        assert found[name].adjusted == pytest.approx(by_hand**0.5, rel=1e-9)


def test_recoding_a_factor_changes_nothing_and_orthogonal_terms_have_one() -> None:
    draw = np.random.default_rng(8)
    level, z = draw.integers(0, 3, 60), draw.standard_normal(60)
    spans = {"factor": slice(1, 3), "z": slice(3, 4)}
    answers = []
    for reference in range(3):
        dummies = [level == k for k in range(3) if k != reference]
        answers.append(variance_inflation(regression_covariance(np.column_stack([*dummies, z])), spans))
    for answer in answers[1:]:
        for term in spans:
            assert answer[term].gvif == pytest.approx(answers[0][term].gvif, rel=1e-10)
    assert answers[0]["factor"].gvif == pytest.approx(answers[0]["z"].gvif, rel=1e-10)  # two terms: symmetric
    design = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], float)
    balanced = variance_inflation(regression_covariance(design), {"a": slice(1, 2), "b": slice(2, 3)})
    assert [term.gvif for term in balanced.values()] == pytest.approx([1.0, 1.0], rel=1e-14)


def test_intercept_and_units_play_no_part() -> None:
    x = np.random.default_rng(2).standard_normal((50, 2))
    x[:, 1] += x[:, 0]
    spans = {"a": slice(1, 2), "b": slice(2, 3)}
    one = variance_inflation(regression_covariance(x), spans)
    two = variance_inflation(regression_covariance(x * [1e6, 1e-6] + [30, 0]), spans)
    assert two["a"].gvif == pytest.approx(one["a"].gvif, rel=1e-6)
