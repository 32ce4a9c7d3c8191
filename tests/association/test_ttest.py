"""t tests against R's t.test (r/descriptive.R), and their symmetries."""

import numpy as np
import pytest

from containers.association.measures.ttest import Summary, Variances, t_test
from tests.association.made import cohort

# r/descriptive.R: t.test(bmi ~ y): difference, interval, t, df, p
R_VALUES: dict[Variances, tuple[float, ...]] = {
    "welch": (
        -0.38625289802744, -1.42782033245141, 0.655314536396527, -0.733630205811663, 130.542529757006,
        0.464489655826382,
    ),
    "pooled": (-0.38625289802744, -1.43515420903162, 0.66264841297674, -0.723948871094134, 398, 0.469522428773009),
}  # fmt: skip


def groups() -> tuple[Summary, Summary]:
    c = cohort()
    without, with_event = (c["bmi"][c["y"] == event] for event in (0, 1))
    first, second = (Summary(float(v.mean()), float(v.std(ddof=1)), len(v)) for v in (without, with_event))
    return first, second


@pytest.mark.parametrize("variances", ["welch", "pooled"])
def test_agrees_with_r(variances: Variances) -> None:
    found = t_test(*groups(), variances)
    answer = (found.difference, found.low, found.high, found.t, found.df, found.p)
    assert answer == pytest.approx(R_VALUES[variances], rel=1e-11)
    assert 10**found.log10_p == pytest.approx(found.p, rel=1e-12)


@pytest.mark.parametrize("variances", ["welch", "pooled"])
def test_swapping_groups_and_units(variances: Variances) -> None:
    first, second = groups()
    found, turned = t_test(first, second, variances), t_test(second, first, variances)
    assert (turned.t, turned.low, turned.p) == pytest.approx((-found.t, -found.high, found.p), rel=1e-13)
    tiny = [Summary(g.mean * 1e-200, g.sd * 1e-100, g.n) for g in (first, second)]
    assert t_test(tiny[0], tiny[1], variances).df == pytest.approx(found.df, rel=1e-9)


def test_equal_variances_and_sizes_give_one_test() -> None:
    pair = Summary(3.0, 2.0, 25), Summary(4.0, 2.0, 25)
    welch, pooled = t_test(*pair, "welch"), t_test(*pair, "pooled")
    # t = -1 / (2 sqrt(2 / 25))
    assert welch.t == pytest.approx(-1 / (2 * np.sqrt(2 / 25)), rel=1e-14)
    assert (welch.t, welch.df) == pytest.approx((pooled.t, 48.0), rel=1e-13)


def test_far_means_have_a_finite_logarithm() -> None:
    found = t_test(Summary(24.3, 3.0, 15000), Summary(22.9, 3.1, 15000), "welch")
    assert found.p == 0.0 and -400 < found.log10_p < -300


def test_refusals() -> None:
    with pytest.raises(ValueError, match="two values in each group"):
        t_test(Summary(1.0, 0.0, 1), Summary(2.0, 1.0, 5), "welch")
    with pytest.raises(ValueError, match="neither group varies"):
        t_test(Summary(1.0, 0.0, 3), Summary(2.0, 0.0, 5), "pooled")
