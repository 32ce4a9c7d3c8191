"""The mixture against scikit-learn and the likelihood by scipy's normal distribution; its convergence report."""

import sys

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.mixture import GaussianMixture

from containers.composition.mixture.fit import MixtureFit, fit_mixture
from containers.composition.mixture.histogram import read_histogram
from containers.composition.mixture.rules import component_weights
from containers.composition.mixture.start import start
from containers.contract.errors import EnvironmentFault
from containers.toolkit.images.volume import Geometry
from phantoms.back import haste
from phantoms.back.anatomy import Scales, build
from phantoms.back.subjects import SpineSubject
from phantoms.shared.dixon import stored

Values = npt.NDArray[np.generic]
SUBJECT = SpineSubject(sex="female", height_m=1.70, weight_kg=80, lmm_cm3_per_bmi=25, intermat_percent=7.0)


@pytest.fixture(scope="module")
def back() -> dict[float, npt.NDArray[np.uint16]]:
    """Intensities of nako_cbp's HASTE in the true mask of eight slices of a back, by factor of noise."""
    anatomy = build(SUBJECT, 0, "standard", Scales(-0.15, -0.15), np.full(4, 0.25))
    grid = Geometry((320, 260, 8), (1.4, 1.4, 5.0), (-223.3, -181.3, 150.0))
    inside = anatomy.labels(grid) > 0
    rng = np.random.default_rng(1)
    images = {
        noise: stored(haste.acquire(anatomy, grid, haste.FULL, rng, texture=0.04, shading=0.15, noise=noise))
        for noise in (0.5, 1.0, 2.0)
    }
    return {noise: image[inside] for noise, image in images.items()}


def drawn(weights: list[float], means: list[float], sd: list[float], n: int = 12000, seed: int = 0) -> Values:
    rng = np.random.default_rng(seed)
    kind = rng.choice(len(weights), n, p=weights)
    return np.asarray(rng.normal(np.array(means)[kind], np.array(sd)[kind]))


APART = drawn([0.7, 0.2, 0.1], [300.0, 900.0, 2000.0], [40.0, 120.0, 200.0])
OVERLAPPING = drawn([0.65, 0.22, 0.13], [300.0, 380.0, 1000.0], [30.0, 90.0, 300.0])
INPUTS = {
    "12 bits, apart": np.clip(np.rint(APART), 0, 4095).astype(np.uint16),
    "12 bits, overlapping": np.clip(np.rint(OVERLAPPING), 0, 4095).astype(np.int16),
    "8 bits": np.clip(np.rint(OVERLAPPING / 8), 0, 255).astype(np.uint8),
    "rescaled to few floats": (np.clip(np.rint(OVERLAPPING), 0, 4095) * 0.37 + 1.25).astype(np.float32),
    "floats": np.abs(OVERLAPPING),
    "floats, binned": np.abs(drawn([0.65, 0.22, 0.13], [300.0, 380.0, 1000.0], [30.0, 90.0, 300.0], 80000)),
}


def by_sklearn(values: Values, tolerance: float = 1e-8) -> tuple[GaussianMixture, npt.NDArray[np.intp]]:
    """scikit-learn's own fit from its own k-means, and its components in order of their means."""
    model = GaussianMixture(3, covariance_type="full", max_iter=1000, tol=tolerance, random_state=0)
    model.fit(values.astype(float)[:, None])
    return model, np.argsort(model.means_[:, 0])


def check_against_sklearn(values: Values) -> MixtureFit:
    fit = fit_mixture(values)
    model, order = by_sklearn(values)
    # 1e-4: the agreement that is asked of class fractions, as weights and as most probable components.
    np.testing.assert_allclose(fit.weights, model.weights_[order], rtol=0, atol=1e-4)
    found = np.bincount(np.argsort(order)[model.predict(values.astype(float)[:, None])], minlength=3)
    log = stats.norm.logpdf(values.astype(float)[:, None], fit.means, np.sqrt(fit.variances)) + np.log(fit.weights)
    np.testing.assert_allclose(np.bincount(log.argmax(axis=1), minlength=3), found, atol=1e-4 * len(values))
    np.testing.assert_allclose(fit.means, model.means_[order, 0], rtol=1e-3)
    assert fit.log_likelihood == pytest.approx(model.score(values.astype(float)[:, None]), abs=1e-6)
    return fit


@pytest.mark.parametrize("name", INPUTS)
def test_converged_class_fractions_are_those_of_sklearn(name: str) -> None:
    fit = check_against_sklearn(INPUTS[name])
    assert fit.converged
    assert (fit.bin_width > 0) == (name == "floats, binned")


@pytest.mark.parametrize("noise", [0.5, 1.0, 2.0])
def test_class_fractions_of_the_phantom_are_those_of_sklearn(
    noise: float, back: dict[float, npt.NDArray[np.uint16]]
) -> None:
    assert check_against_sklearn(back[noise]).converged


def test_from_the_same_start_every_step_is_the_one_of_sklearn(back: dict[float, npt.NDArray[np.uint16]]) -> None:
    values = back[1.0]
    weights, means, variances = start(read_histogram(values, 3), 3, "quantiles", 0)
    model = GaussianMixture(
        3, tol=1e-8, max_iter=1000, weights_init=weights, means_init=means[:, None],
        precisions_init=1 / variances[:, None, None],
    ).fit(values.astype(float)[:, None])  # fmt: skip
    fit = fit_mixture(values, initialisation="quantiles")
    assert fit.iterations == model.n_iter_
    np.testing.assert_allclose(fit.history, model.lower_bounds_, rtol=0, atol=1e-10)
    np.testing.assert_allclose(fit.variances, np.sort(model.covariances_[:, 0, 0]), rtol=1e-6)
    peer = fit_mixture(values, method="sklearn_converged", initialisation="quantiles")
    np.testing.assert_allclose(peer.history, fit.history, rtol=0, atol=1e-10)


def test_the_default_of_sklearn_stops_short_and_says_so(back: dict[float, npt.NDArray[np.uint16]]) -> None:
    values = back[1.0]
    fit = fit_mixture(values, method="sklearn")
    model, order = by_sklearn(values, 1e-3)
    np.testing.assert_allclose(fit.weights, model.weights_[order], rtol=1e-9)
    assert fit.tolerance == 1e-3
    assert fit.converged
    assert any("short of a maximum" in note for note in fit.notes)
    assert np.abs(fit.weights - fit_mixture(values).weights).max() > 0.01


def negative_log_likelihood(parameters: npt.NDArray[np.float64], values: Values) -> float:
    """Mean over the voxels, from scipy's normal density; parameters: weights, means, variances."""
    weights, means, variances = parameters.reshape(3, -1)
    weights = weights / weights.sum()
    return -float(np.log((weights * stats.norm.pdf(values[:, None], means, np.sqrt(variances))).sum(axis=1)).mean())


def test_at_a_small_tolerance_the_likelihood_is_flat_and_lower_all_around() -> None:
    values = INPUTS["12 bits, overlapping"].astype(float)
    fit = fit_mixture(values, tolerance=1e-15, max_iterations=20000)
    at = np.concatenate(fit.parameters)
    best = negative_log_likelihood(at, values)
    assert best == pytest.approx(-fit.log_likelihood, abs=1e-12)
    for n in range(9):
        up, down = at.copy(), at.copy()
        up[n] *= 1 + 1e-3
        down[n] *= 1 - 1e-3
        rise, fall = (negative_log_likelihood(p, values) - best for p in (up, down))
        assert min(rise, fall) > 0
        assert abs(rise - fall) < 0.02 * (rise + fall)


def test_a_known_mixture_is_found() -> None:
    weights, means, sd = [0.7, 0.2, 0.1], [300.0, 900.0, 2000.0], [40.0, 120.0, 200.0]
    fit = fit_mixture(np.rint(drawn(weights, means, sd, 200_000, seed=5)).astype(np.int16))
    n = 200_000 * np.array(weights)
    # Four standard errors of a share, a mean and a standard deviation, were the components known.
    np.testing.assert_array_less(np.abs(fit.weights - weights), 4 * np.sqrt(np.multiply(weights, 0.9) / 200_000))
    np.testing.assert_array_less(np.abs(fit.means - means), 4 * 1.3 * np.array(sd) / np.sqrt(n))
    np.testing.assert_array_less(np.abs(np.sqrt(fit.variances) - sd), 4 * 1.3 * np.array(sd) / np.sqrt(2 * n))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 4095), min_size=80, max_size=200).filter(lambda v: len(set(v)) >= 3),
    st.sampled_from(["kmeans", "quantiles", "random"]),
)
def test_every_step_keeps_mean_and_variance_of_the_image_and_never_loses_likelihood(
    listed: list[int], initialisation: str
) -> None:
    values = np.array(listed)
    fit = fit_mixture(values, initialisation=initialisation, max_iterations=60)  # type: ignore[arg-type]
    assert fit.weights @ fit.means == pytest.approx(values.mean(), rel=1e-9)
    second = fit.weights @ (fit.variances - 1e-6 + fit.means**2)
    assert second == pytest.approx((values.astype(float) ** 2).mean(), rel=1e-9)
    # The added 1e-6 makes a collapsed component lose a little; nothing else does.
    if fit.variances.min() > 0.1:
        assert np.diff(fit.history).min(initial=0) > -1e-9
    assert np.all(np.diff(fit.means) >= 0)


def test_the_report_tells_how_far_the_maximum_is(back: dict[float, npt.NDArray[np.uint16]]) -> None:
    for values in (back[1.0], INPUTS["12 bits, overlapping"]):
        fit = fit_mixture(values)
        limit = fit_mixture(values, tolerance=1e-15, max_iterations=20000)
        away = float(np.abs(fit.weights - limit.weights).max())
        assert fit.convergence.weights_to_go == pytest.approx(away, rel=0.1)
        assert fit.convergence.residual < 1e-3
        assert limit.convergence.residual < 1e-6


@pytest.mark.parametrize("method", ["histogram", "sklearn", "sklearn_converged"])
def test_equal_input_gives_equal_bytes_in_any_order(method: str) -> None:
    values = INPUTS["12 bits, apart"]
    one, two = (fit_mixture(values, method=method, seed=3) for _ in range(2))  # type: ignore[arg-type]
    assert one.weights.tobytes() == two.weights.tobytes()
    assert one.history == two.history
    if method == "histogram":
        other = fit_mixture(np.random.default_rng(0).permutation(values))
        assert other.variances.tobytes() == one.variances.tobytes()


def test_a_voxel_far_from_every_component_has_a_finite_likelihood() -> None:
    values = np.append(INPUTS["12 bits, apart"], 65535).astype(np.uint16)
    fit = fit_mixture(values)
    assert np.isfinite(fit.history).all()
    assert np.isfinite(component_weights(fit, [0, 65535], "posterior")).all()


def test_notes_name_what_to_mistrust() -> None:
    values = INPUTS["12 bits, apart"]
    assert fit_mixture(values).notes == ()
    assert "did not converge" in fit_mixture(values, max_iterations=3).notes[0]
    few = np.append(values, np.full(24, 4000)).astype(np.uint16)
    notes = fit_mixture(few, 4).notes
    assert any("holds 0.2 % of the voxels only" in note for note in notes)
    assert any("collapsed on one intensity" in note for note in notes)
    one = np.rint(drawn([1.0], [300.0], [30.0])).astype(np.uint16)
    assert any("overlap" in note for note in fit_mixture(one, 3).notes)
    wide = np.rint(drawn([0.85, 0.15], [500.0, 620.0], [5.0, 120.0])).astype(np.uint16)
    assert any("the other end" in note for note in fit_mixture(wide, 2).notes)
    assert "binned by" in fit_mixture(INPUTS["floats, binned"]).notes[0]


@pytest.mark.parametrize("method", ["sklearn", "sklearn_converged"])
def test_without_sklearn_the_fault_is_the_environment_s(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.mixture", None)
    with pytest.raises(EnvironmentFault, match="scikit-learn is not installed"):
        fit_mixture(INPUTS["8 bits"], method=method)  # type: ignore[arg-type]
    assert fit_mixture(INPUTS["8 bits"]).converged
