"""The c-index against pROC and Hmisc (r/prediction.R), against counting every pair, and its symmetries."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.association.measures.c_index import SortedScores, bootstrap_c, concordance_index, percentile_interval
from containers.association.measures.draws import draw_rows, draws_sha256
from containers.association.measures.resampling import CovariatePatterns
from tests.association.made import N, design
from tests.association.test_logistic import COEFFICIENTS

# r/prediction.R, "c-index"
AUC, DELONG_SE, DELONG_INTERVAL = 0.70692866101631, 0.031549159139104, (0.64509344536114, 0.76876387667147)
TIED_AUC, TIED_SE = 0.57610885181103, 0.03317219738327
BOOTSTRAP_INTERVAL = (0.6439736575356, 0.76377293017265)


def score_and_event() -> tuple[np.ndarray, np.ndarray]:
    x, y = design()
    patterns = CovariatePatterns.of(x, y)
    return patterns.of_rows(np.array(COEFFICIENTS) @ patterns.columns), y


def by_pairs(score: np.ndarray, event: np.ndarray) -> float:
    """The definition: every event with every non-event."""
    gap = score[event == 1][:, None] - score[event == 0]
    return float(((gap > 0) + 0.5 * (gap == 0)).mean())


def delong_by_pairs(score: np.ndarray, event: np.ndarray) -> float:
    """DeLong's variance from its definition, by the full matrix of pairs."""
    gap = score[event == 1][:, None] - score[event == 0]
    kernel = (gap > 0) + 0.5 * (gap == 0)
    return float(kernel.mean(axis=1).var(ddof=1) / len(kernel) + kernel.mean(axis=0).var(ddof=1) / kernel.shape[1])


def test_agrees_with_proc() -> None:
    found = concordance_index(*score_and_event())
    assert found.c == pytest.approx(AUC, rel=1e-12)
    assert found.standard_error == pytest.approx(DELONG_SE, rel=1e-11)
    assert (found.low, found.high) == pytest.approx(DELONG_INTERVAL, rel=1e-11)


def test_agrees_with_proc_with_many_ties() -> None:
    x, y = design()
    found = concordance_index((np.arange(1, N + 1) * 3) % 7 + 2 * x[:, 3], y)
    assert (found.c, found.standard_error) == pytest.approx((TIED_AUC, TIED_SE), rel=1e-12)


def test_bootstrap_agrees_with_hmisc_on_the_same_rows() -> None:
    score, y = score_and_event()
    assert percentile_interval(bootstrap_c(score, y, 7, 60)) == pytest.approx(BOOTSTRAP_INTERVAL, rel=1e-12)


binary_data = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=4, max_size=60).filter(
    lambda rows: 1 < sum(event for _, event in rows) < len(rows) - 1
)


@given(rows=binary_data)
@settings(max_examples=100)
def test_is_the_share_of_pairs(rows: list[tuple[int, bool]]) -> None:
    score, event = np.array(rows, dtype=float).T
    found = concordance_index(score, event)
    assert found.c == pytest.approx(by_pairs(score, event), abs=1e-14)
    assert found.standard_error**2 == pytest.approx(delong_by_pairs(score, event), abs=1e-14)
    assert SortedScores.of(score).c_index(event, 1 - event) == pytest.approx(found.c, abs=1e-14)
    # A monotone change of the score changes nothing, a reversed one turns c around.
    assert concordance_index(np.exp(score) + 5, event) == found
    assert concordance_index(-score, event).c == pytest.approx(1 - found.c, abs=1e-14)


@given(rows=binary_data, counts=st.lists(st.integers(0, 3), min_size=60, max_size=60))
@settings(max_examples=100)
def test_weights_are_repeated_rows(rows: list[tuple[int, bool]], counts: list[int]) -> None:
    score, event = np.array(rows, dtype=float).T
    weights = np.array(counts[: len(rows)])
    repeated = np.repeat(event, weights)
    found = SortedScores.of(score).c_index(weights * event, weights * (1 - event))
    if 0 < repeated.sum() < len(repeated):
        assert found == pytest.approx(by_pairs(np.repeat(score, weights), repeated), abs=1e-14)
    else:
        assert math.isnan(found)


def test_perfect_order_and_single_events() -> None:
    assert concordance_index(np.arange(6.0), np.array([0, 0, 0, 1, 1, 1.0])).c == 1.0
    assert math.isnan(concordance_index(np.arange(3.0), np.array([0, 0, 1.0])).standard_error)
    with pytest.raises(ValueError, match="at least one event"):
        concordance_index(np.arange(3.0), np.zeros(3))


def test_draws_depend_on_seed_and_number_only() -> None:
    assert draw_rows(3, 5, 50).tolist() == draw_rows(3, 5, 50).tolist()
    assert draw_rows(3, 5, 50).tolist() != draw_rows(3, 6, 50).tolist()
    assert draw_rows(3, 5, 50).tolist() != draw_rows(4, 5, 50).tolist()
    assert set(draw_rows(0, 0, 10_000)) <= set(range(10_000))
    # Each row is drawn once on average; 5 standard errors.
    assert np.bincount(np.concatenate([draw_rows(1, k, 20) for k in range(2000)])).std() < 5 * math.sqrt(2000)
    assert draws_sha256(3, 2, 50) != draws_sha256(3, 3, 50)


def test_interval_leaves_undefined_resamples_out() -> None:
    assert percentile_interval(np.array([math.nan, 0.0, 1.0]), 0.5) == (0.25, 0.75)
    assert all(math.isnan(end) for end in percentile_interval(np.array([math.nan])))
