"""Hedges' g, combined groups and bilateral averages against metafor, closed forms and raw data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.meta_analysis.measures.smd import (
    Arm,
    VarianceType,
    average_sides,
    combine,
    exact_correction,
    hedges_g,
)
from tests.meta_analysis.tables import Floats, column, rows

# escalc(measure="SMD", m1i=mean1, sd1i=sd1, n1i=n1, m2i=mean2, sd2i=sd2, n2i=n2, data=..., vtype=...): yi, vi
G = [
    *[-0.355169640940107, -0.347940022739099, -2.317569160163730, -1.887982252936847, -0.383964141169701],
    *[0.172148669069591, 0.272052073852932, -0.424596271894261, 0.289556230080755],
]
V: dict[VarianceType, list[float]] = {
    "LS": [
        *[0.0130646755415297, 0.0644688760988567, 0.0458121102801828, 0.1606177359361735, 0.2054332783922242],
        *[0.0369105700003619, 0.0602671258364327, 0.0148630384193327, 0.0362717341580545],
    ],
    "LS2": [
        *[0.0130022562030212, 0.0629093892520276, 0.0455266747906522, 0.1557283376018675, 0.1895677553025555],
        *[0.0363954450126399, 0.0588909002965283, 0.0147880322328096, 0.0357825996187011],
    ],
    "UB": [
        *[0.0130671503925683, 0.0645296321798948, 0.0462968455000617, 0.1663642906492597, 0.2061936438904211],
        *[0.0369154111198517, 0.0602998452007540, 0.0148670262483138, 0.0362846944001576],
    ],
    "AV": [
        *[0.0132960163301312, 0.0656512347094280, 0.0283426329932433, 0.1148616589493844, 0.2083525875029739],
        *[0.0380133419273951, 0.0617300147429102, 0.0150162081296555, 0.0371029691311666],
    ],
}


def stroke_units() -> tuple[Arm, Arm]:
    table = rows("stroke_units")
    first, second = ([column(table, f"{part}{arm}") for part in ("mean", "sd", "n")] for arm in (1, 2))
    return Arm(*first), Arm(*second)


@pytest.mark.parametrize("variance_type", ["LS", "LS2", "UB", "AV"])
def test_agrees_with_escalc(variance_type: VarianceType) -> None:
    made = hedges_g(*stroke_units(), variance_type)
    np.testing.assert_allclose(made.effect, G, rtol=1e-12)
    np.testing.assert_allclose(made.variance, V[variance_type], rtol=1e-12)


def test_exact_correction_has_its_closed_forms() -> None:
    # J(2) = gamma(1) / (1 gamma(1/2)) = 1/sqrt(pi); J(3) = gamma(3/2) / (sqrt(3/2) gamma(1)) = sqrt(pi/6);
    # J(4) = gamma(2) / (sqrt(2) gamma(3/2)) = sqrt(2/pi).
    expected = [1 / np.sqrt(np.pi), np.sqrt(np.pi / 6), np.sqrt(2 / np.pi)]
    np.testing.assert_allclose(exact_correction(np.array([2.0, 3.0, 4.0])), expected, rtol=1e-14)


def test_exact_correction_is_unbiased_where_the_approximation_is_not() -> None:
    # E d = delta / J(m) for normal data with equal n (Hedges 1981): checked by simulation at m = 4.
    rng = np.random.default_rng(1)
    x, y = rng.normal(1.0, 1, (400_000, 3)), rng.normal(0.0, 1, (400_000, 3))
    size = np.full(400_000, 3.0)
    made = hedges_g(Arm(x.mean(1), x.std(1, ddof=1), size), Arm(y.mean(1), y.std(1, ddof=1), size))
    assert made.effect.mean() == pytest.approx(1.0, abs=5 * made.effect.std() / np.sqrt(400_000))


raw = st.lists(st.floats(-50, 50).map(lambda x: round(x, 3)), min_size=2, max_size=12)


def summary(values: Floats) -> Arm:
    return Arm(np.array([values.mean()]), np.array([values.std(ddof=1)]), np.array([float(len(values))]))


@given(raw, raw)
def test_combined_groups_are_the_group_of_all_persons(a: list[float], b: list[float]) -> None:
    whole = summary(np.array(a + b))
    made = combine(summary(np.array(a)), summary(np.array(b)))
    np.testing.assert_allclose(made.n, whole.n)
    np.testing.assert_allclose(made.mean, whole.mean, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(made.sd, whole.sd, rtol=1e-7, atol=1e-7)


def test_a_missing_group_leaves_the_other() -> None:
    nothing = Arm(*(np.array([np.nan]) for _ in range(3)))
    group = Arm(np.array([3.0]), np.array([1.0]), np.array([5.0]))
    for made in (combine(nothing, group), combine(group, nothing)):
        assert (made.mean[0], made.sd[0], made.n[0]) == (3.0, 1.0, 5.0)


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=3, max_size=20))
@settings(deadline=None)
def test_bilateral_average_is_the_average_per_person(pairs: list[tuple[float, float]]) -> None:
    left, right = np.array(pairs).T
    if left.std() < 1e-3 or right.std() < 1e-3:
        return
    whole = summary((left + right) / 2)
    made = average_sides(summary(left), summary(right), float(np.corrcoef(left, right)[0, 1]))
    np.testing.assert_allclose(made.mean, whole.mean, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(made.sd**2, whole.sd**2, rtol=1e-7, atol=1e-9)


@given(st.floats(-20, 20), st.floats(0.1, 10))
def test_effect_ignores_shift_and_unit(shift: float, unit: float) -> None:
    first, second = stroke_units()
    moved = [Arm(unit * (g.mean + shift), unit * g.sd, g.n) for g in (first, second)]
    made, plain = hedges_g(moved[0], moved[1], "UB"), hedges_g(first, second, "UB")
    np.testing.assert_allclose(made.effect, plain.effect, rtol=1e-9)
    np.testing.assert_allclose(made.variance, plain.variance, rtol=1e-9)


def test_swapping_the_arms_turns_the_sign() -> None:
    first, second = stroke_units()
    made, turned = hedges_g(first, second), hedges_g(second, first)
    np.testing.assert_array_equal(made.effect, -turned.effect)
    np.testing.assert_allclose(made.variance, turned.variance, rtol=1e-15)
