"""The smoother against R's lowess (r/prediction.R), and against its definition point by point."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.association.measures import lowess
from containers.association.measures.lowess import Lowess
from tests.association.made import cohort

RANKS = [0, 1, 49, 199, 349, 398, 399]
# r/prediction.R, "lowess": lowess(x, y, iter = 0)$y at these ranks
R_VALUES = {
    "ties": [
        0.13227146710929225, 0.13227146710929225, 0.13795212143348148, 0.14746775165391934, 0.35876447306224907,
        0.43719014467886219, 0.43719014467886219,
    ],
    "skewed": [
        0.11545628550049693, 0.11709742022059604, 0.12488870174410809, 0.16713139054155704, 0.33762168658334213,
        0.45903297843661034, 0.46476981166164782,
    ],
    "plain": [
        0.13176885660687923, 0.13181236359160559, 0.13773906679355527, 0.1470589645004467, 0.35921785409128593,
        0.43799001174439645, 0.43805271944863644,
    ],
}  # fmt: skip
R_SHORT_SPAN = [
    27.910766474290721, 27.908824368538703, 27.887342007487156, 28.511798877074, 27.679469622705593,
    28.22713227734889, 28.22713194566964,
]  # fmt: skip


def collapsed(x: np.ndarray, y: np.ndarray) -> tuple[Lowess, np.ndarray, np.ndarray]:
    places, where = np.unique(x, return_inverse=True)
    return Lowess(places), np.bincount(where), np.bincount(where, weights=y)


@pytest.mark.parametrize("kind", ["ties", "skewed", "plain"])
def test_agrees_with_r(kind: str) -> None:
    c = cohort()
    x = {"ties": c["age"], "skewed": np.exp((c["age"] + c["bmi"]) / 20), "plain": c["age"] + c["bmi"] / 100}[kind]
    smoother, counts, totals = collapsed(x, c["y"])
    np.testing.assert_allclose(smoother.at(np.sort(x)[RANKS], counts, totals), R_VALUES[kind], rtol=1e-10)


def test_agrees_with_r_for_another_span_and_response() -> None:
    c = cohort()
    x = c["age"] + c["bmi"] / 100
    smoother, counts, totals = collapsed(x, c["bmi"])
    np.testing.assert_allclose(smoother.at(np.sort(x)[RANKS], counts, totals, 0.2), R_SHORT_SPAN, rtol=1e-10)


def by_definition(points: np.ndarray, responses: np.ndarray, anchor: float, span: float) -> float:
    """A tricube-weighted straight line through all points, read at the anchor."""
    distance = np.abs(points - anchor)
    h = np.sort(distance)[max(2, int(span * len(points) + 1e-7)) - 1]
    weight = np.where(distance <= 0.001 * h, 1.0, np.where(distance <= 0.999 * h, (1 - (distance / h) ** 3) ** 3, 0.0))
    mean = np.average(points, weights=weight)
    spread = np.average((points - mean) ** 2, weights=weight)
    level = np.average(responses, weights=weight)
    if np.sqrt(spread) <= 0.001 * np.ptp(points):
        return float(level)
    slope = np.average((points - mean) * responses, weights=weight) / spread
    return float(level + slope * (anchor - mean))


@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(30, 3000),
    shape=st.sampled_from(["normal", "cauchy", "lattice", "clumps"]),
    span=st.sampled_from([0.3, 2 / 3]),
)
@settings(max_examples=60, deadline=None)
def test_local_lines_are_exact_at_the_anchors(seed: int, rows: int, shape: str, span: float) -> None:
    draw = np.random.default_rng(seed)
    x = {
        "normal": draw.standard_normal(rows),
        "cauchy": draw.standard_cauchy(rows),
        "lattice": draw.integers(0, 25, rows).astype(float),
        "clumps": np.round(draw.standard_normal(rows)) + 1e-6 * draw.standard_normal(rows),
    }[shape]
    y = draw.standard_normal(rows)
    smoother, counts, totals = collapsed(x, y)
    anchors = lowess._anchors(np.sort(x))
    found = smoother.at(anchors, counts, totals, span)
    truth = [by_definition(x, y, float(anchor), span) for anchor in anchors]
    np.testing.assert_allclose(found, truth, rtol=0, atol=1e-9)


def test_a_straight_line_stays_one_and_outside_is_unknown() -> None:
    x = np.linspace(0.0, 1.0, 501) ** 3
    found = Lowess(x).at(np.array([-0.01, 0.0, 0.123, 1.0, 1.01]), np.ones(501, dtype=np.int64), 3.0 - 2.0 * x)
    np.testing.assert_allclose(found[1:4], [3.0, 2.754, 1.0], rtol=1e-12)
    assert np.isnan(found[[0, 4]]).all()


def test_places_without_points_do_not_count() -> None:
    x, y = np.arange(40.0), np.arange(40.0) ** 2
    counts = (np.arange(40) % 3 != 0).astype(np.int64)
    kept = counts > 0
    at = np.array([5.0, 20.5, 37.0])
    fewer = Lowess(x[kept]).at(at, counts[kept], y[kept])
    np.testing.assert_allclose(Lowess(x).at(at, counts, y * counts), fewer, rtol=1e-12)
