"""Trim and fill against metafor, and on funnels whose missing part is known."""

import numpy as np
import pytest

from containers.meta_analysis.measures.trim_fill import Side, trim_and_fill
from containers.meta_analysis.models.two_level import Method, fit_two_level
from tests.meta_analysis.tables import Floats, bcg, intercept


def pooled(method: Method):  # type: ignore[no-untyped-def]
    def mean(y: Floats, v: Floats) -> float:
        return float(fit_two_level(y, intercept(y), v, method).coefficients[0])

    return mean


# trimfill(rma(yi, vi, data=bcg, method=...), estimator=..., side=...): k0, se.k0, beta, se
@pytest.mark.parametrize(
    ("method", "side", "estimator", "expected"),
    [
        ("REML", "right", "L0", [1, 2.452798643182925, -0.657082783487766, 0.178528380131873]),
        ("REML", "left", "L0", [0, 2.166658537010389, -0.714532342158139, 0.179781516105206]),
        ("REML", "right", "R0", [0, 1.414213562373095, -0.714532342158139, 0.179781516105206]),
        ("DL", "right", "L0", [1, 2.452798643182925, -0.656073212988602, 0.173463402465388]),
        ("DL", "left", "R0", [0, 1.414213562373095, -0.714117222073227, 0.178742089535403]),
    ],
)
def test_agrees_with_metafor(method: Method, side: Side, estimator: str, expected: list[float]) -> None:
    y, v, _, _ = bcg()
    filled = trim_and_fill(y, v, side, estimator, pooled(method))  # type: ignore[arg-type]
    assert filled is not None
    fit = fit_two_level(filled.effect, np.ones((len(filled.effect), 1)), filled.variance, method)
    found = [filled.k0, filled.k0_se, fit.coefficients[0], np.sqrt(fit.covariance[0, 0])]
    np.testing.assert_allclose(np.array(found, float), expected, rtol=1e-8)
    # R0: t$p.k0 is 0.5 where none is missing
    assert filled.k0_p == (0.5 if estimator == "R0" else None)


SKEWED = np.array([0.1, 0.12, 0.15, 0.2, 0.22, 0.3, 0.5, 0.7, 0.9, 1.2])
SKEWED_V = np.array([0.01, 0.02, 0.01, 0.03, 0.04, 0.03, 0.05, 0.09, 0.1, 0.12])


# t <- trimfill(rma(y, v, method="DL"), side=..., estimator=...): k0, se.k0, t$yi[t$fill]
@pytest.mark.parametrize(
    ("estimator", "k0", "se", "filled"),
    [
        ("L0", 4, 1.992634955912183, [-0.188780487804878, -0.388780487804878, -0.588780487804878, -0.888780487804878]),
        (
            "R0",
            6,
            3.7416573867739413,
            [
                *[0.0458823529411762, -0.0341176470588238, -0.2341176470588238],
                *[-0.4341176470588237, -0.6341176470588238, -0.9341176470588237],
            ],
        ),
    ],
)
def test_a_skewed_funnel_is_filled_as_by_metafor(estimator: str, k0: int, se: float, filled: list[float]) -> None:
    order = np.random.default_rng(0).permutation(10)
    for sign, side in ((1.0, "left"), (-1.0, "right")):
        made = trim_and_fill(sign * SKEWED[order], SKEWED_V[order], side, estimator, pooled("DL"))  # type: ignore[arg-type]
        assert made is not None
        assert made.k0 == k0
        assert made.k0_se == pytest.approx(se, rel=1e-12)
        np.testing.assert_allclose(made.effect[10:], sign * np.array(filled), rtol=1e-9)
        np.testing.assert_array_equal(made.variance[10:], SKEWED_V[10 - k0 :])
        # t$p.k0
        assert made.k0_p == (0.0078125 if estimator == "R0" else None)


def test_a_symmetric_funnel_is_left_alone() -> None:
    y = np.array([-0.4, -0.2, 0.0, 0.2, 0.4])
    filled = trim_and_fill(y, np.full(5, 0.1), "left", "L0", pooled("FE"))
    assert filled is not None
    assert filled.k0 == 0
    np.testing.assert_array_equal(filled.effect, y)
