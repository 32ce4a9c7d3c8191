"""Rules from components to fat: by hand, by scikit-learn's posteriors, and on partial volumes of known fat."""

import itertools

import numpy as np
import pytest
from scipy import stats
from sklearn.mixture import GaussianMixture

from containers.composition.mixture.fit import MixtureFit, fit_mixture
from containers.composition.mixture.rules import RULES, class_shares, component_weights, tissue_weights

RNG = np.random.default_rng(11)
LEVELS = np.concatenate([RNG.normal(100, 6, 700), RNG.normal(200, 20, 200), RNG.normal(400, 25, 100)])
VALUES = np.rint(LEVELS).astype(np.int16)
COUNTS = {"muscle": 0.7, "middle": 0.2, "fat": 0.1}


@pytest.fixture(scope="module")
def fit() -> MixtureFit:
    return fit_mixture(VALUES)


EXPECTED = {
    "muscle": 0.1,
    "fat": 0.3,
    "left_out": 0.1 / 0.8,
    "shared": 0.2,
    "unmixed": 0.1 + 0.2 / 3,
    "": 0.1 + 0.2 / 3,
}
"""Fat share by hand: 700 muscle, 200 middle and 100 fat voxels, the middle a third of the way from muscle to fat."""


@pytest.mark.parametrize("rule", RULES)
def test_fat_share_is_the_one_counted_by_hand(rule: str, fit: MixtureFit) -> None:
    found = class_shares(fit, VALUES, rule)
    # The components are five standard deviations apart: a few voxels in a thousand change sides.
    assert found.fat_share == pytest.approx(EXPECTED[rule.partition("_")[2]], abs=0.004)
    for name, share in COUNTS.items():
        assert getattr(found, name) == pytest.approx(share, abs=0.004)


def test_all_rules_are_there() -> None:
    middles = ("muscle", "fat", "left_out", "shared", "unmixed")
    assert set(RULES) == {f"{a}_{m}" for a, m in itertools.product(("hard", "posterior"), middles)}


def test_posteriors_are_those_of_sklearn(fit: MixtureFit) -> None:
    model = GaussianMixture(3, tol=1e-8, max_iter=1000, random_state=0).fit(VALUES.astype(float)[:, None])
    x = np.arange(80.0, 450.0, 3.0)
    expected = model.predict_proba(x[:, None]).T[np.argsort(model.means_[:, 0])]
    np.testing.assert_allclose(component_weights(fit, x, "posterior"), expected, atol=1e-4)


def test_counts_stand_for_repeated_voxels(fit: MixtureFit) -> None:
    levels, counts = np.unique(VALUES, return_counts=True)
    for rule in RULES:
        one, two = class_shares(fit, VALUES, rule), class_shares(fit, levels, rule, counts)
        assert one.fat_share == pytest.approx(two.fat_share, rel=1e-12)
        assert one.middle == pytest.approx(two.middle, rel=1e-12)


def test_hard_classes_are_intervals_even_where_a_wide_tail_wins() -> None:
    """A narrow muscle component next to a wide one: in the dark the wide one is more probable, and it is not fat."""
    values = np.rint(np.concatenate([RNG.normal(500, 5, 17000), RNG.normal(620, 120, 3000)])).astype(np.int16)
    wide = fit_mixture(values, 2)
    sd = np.sqrt(wide.variances)
    dark = np.array([250.0, 400.0])
    assert np.all(stats.norm.pdf(dark, wide.means[1], sd[1]) > stats.norm.pdf(dark, wide.means[0], sd[0]))
    np.testing.assert_array_equal(tissue_weights(wide, dark, "hard_muscle")[1], 0)
    np.testing.assert_array_equal(tissue_weights(wide, [900.0], "hard_muscle")[1], 1)
    assert tissue_weights(wide, dark, "posterior_muscle")[1].min() > 0.9


def test_fat_grows_with_intensity_between_the_means(fit: MixtureFit) -> None:
    x = np.arange(fit.means[0], fit.means[2])
    for rule in RULES:
        muscle, fat = tissue_weights(fit, x, rule)
        if not rule.endswith("left_out"):
            np.testing.assert_allclose(muscle + fat, 1, atol=1e-12)
        if rule.startswith("hard"):
            assert np.all(np.diff(fat) >= -1e-12)


def test_unmixing_recovers_partial_volumes() -> None:
    """Voxels that hold 20 to 80 % fat, evenly, between pure ones: their fat is half of them, by construction."""
    part = np.concatenate([np.zeros(6000), RNG.uniform(0.2, 0.8, 2000), np.ones(2000)])
    values = np.rint(100 + 300 * part + RNG.normal(0, 6, part.size)).astype(np.int16)
    fit = fit_mixture(values)
    assert class_shares(fit, values, "posterior_unmixed").fat_share == pytest.approx(part.mean(), abs=0.005)
    assert class_shares(fit, values, "hard_unmixed").fat_share == pytest.approx(part.mean(), abs=0.005)
    for other in ("hard_muscle", "hard_fat"):
        assert abs((class_shares(fit, values, other).fat_share or 0) - part.mean()) > 0.05


def test_shape_is_kept_and_nothing_left_has_no_share(fit: MixtureFit) -> None:
    muscle, fat = tissue_weights(fit, np.full((2, 3), 200), "hard_left_out")
    assert muscle.shape == fat.shape == (2, 3)
    np.testing.assert_array_equal(muscle + fat, 0)
    assert class_shares(fit, [200, 201], "hard_left_out").fat_share is None


def test_an_unknown_rule_is_refused(fit: MixtureFit) -> None:
    with pytest.raises(ValueError, match="none of the rules"):
        tissue_weights(fit, [1.0], "hard_bone")
