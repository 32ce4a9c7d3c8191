"""Fixed and random effects against metafor and by their own properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.meta_analysis.models.two_level import Method, fit_two_level, generalised_q, q_profile
from tests.meta_analysis.tables import Floats, bcg, intercept

# r <- rma(yi, vi, data=bcg, method=..., control=list(threshold=1e-14, tol=1e-15, maxiter=10000))
# r$beta, r$se, r$tau2, r$se.tau2, r$I2, r$H2
BCG: dict[Method, list[float | None]] = {
    "DL": [-0.714117222073227, 0.178742089535403, 0.308760262862376, 0.229869992511026, 92.117346854562058],
    "PM": [-0.714968153493444, 0.180892191537624, 0.318068452205024, 0.173663027462756, 92.330337954153251],
    "REML": [-0.714532342158139, 0.179781516105206, 0.313243258136481, 0.166425752836971, 92.221384521268959],
    "ML": [-0.711199135474181, 0.171896808776890, 0.280028137268644, 0.144251949382764, 91.378283789446115],
    "FE": [-0.4302851636540909, 0.0404987517108638, None, None, 92.1173468545620580],
}
H2: dict[Method, float] = {
    "DL": 12.686084006864441,
    "PM": 13.038384142903860,
    "REML": 12.855758235309164,
    "ML": 11.598618831548803,
    "FE": 12.6860840068644407,
}


@pytest.mark.parametrize("method", ["DL", "PM", "REML", "ML", "FE"])
def test_pooling_agrees_with_metafor(method: Method) -> None:
    y, v, _, _ = bcg()
    fit = fit_two_level(y, intercept(y), v, method)
    se = float(np.sqrt(fit.covariance[0, 0]))
    for found, expected in zip(
        [fit.coefficients[0], se, fit.tau2, fit.tau2_se, fit.i2_percent], BCG[method], strict=True
    ):
        assert found == (None if expected is None else pytest.approx(expected, rel=1e-9))
    assert fit.h2 == pytest.approx(H2[method], rel=1e-9)
    # r$QE
    assert fit.q == pytest.approx(152.233008082373289, rel=1e-11)


def test_reml_and_ml_criteria_agree_with_metafor() -> None:
    y, v, _, _ = bcg()
    # fitstats(r): logLik, AIC, BIC, AICc
    for method, expected in (
        ("REML", [-12.2023714154936, 28.4047428309871, 29.3745561305631, 29.7380761643205]),
        ("ML", [-12.6650763482768, 29.3301526965536, 30.4600514114767, 30.5301526965536]),
    ):
        fit = fit_two_level(y, intercept(y), v, method)  # type: ignore[arg-type]
        assert fit.criteria is not None
        found = [fit.log_likelihood, fit.criteria.aic, fit.criteria.bic, fit.criteria.aicc]
        np.testing.assert_allclose(np.array(found, float), expected, rtol=1e-11)


def test_moderators_agree_with_metafor() -> None:
    y, v, latitude, year = bcg()
    x = intercept(y, latitude, year)
    fit = fit_two_level(y, x, v, "REML")
    # r <- rma(yi, vi, mods=~latitude+year, data=bcg, method="REML", control=...): beta, se, tau2, QE, I2
    np.testing.assert_allclose(
        fit.coefficients, [-3.54535301985947759, -0.02801132944422689, 0.00190748044747169], rtol=1e-8
    )
    se = np.sqrt(np.diag(fit.covariance))
    np.testing.assert_allclose(se, [29.09562223259726110, 0.01023394323100220, 0.01468368589201501], rtol=1e-8)
    assert fit.tau2 == pytest.approx(0.11078469694691050, rel=1e-8)
    assert fit.q == pytest.approx(28.32514365625527475, rel=1e-10)
    assert fit.i2_percent == pytest.approx(71.97731777835177525, rel=1e-9)
    low, high, null = q_profile(y, x, v, 0.95)
    # confint(r, control=list(tol=1e-14))
    np.testing.assert_allclose([low, high], [0.0217867280030471, 0.9548696180420730], rtol=1e-9)
    assert not null


def test_knapp_hartung_agrees_with_metafor() -> None:
    y, v, latitude, year = bcg()
    fit = fit_two_level(y, intercept(y), v, "REML", knha=True)
    # rma(yi, vi, data=bcg, test="knha")$se
    assert np.sqrt(fit.scale * fit.covariance[0, 0]) == pytest.approx(0.18079174409284787, rel=1e-9)
    fit = fit_two_level(y, intercept(y, latitude, year), v, "DL", knha=True)
    # rma(yi, vi, mods=~latitude+year, data=bcg, method="DL", test="knha")$se
    se = np.sqrt(fit.scale * np.diag(fit.covariance))
    np.testing.assert_allclose(se, [30.585404122280621664, 0.010663295011471908, 0.015436384297529629], rtol=1e-9)
    assert fit.tau2_se == pytest.approx(0.073935239146177112, rel=1e-9)


def test_q_profile_agrees_with_metafor_and_with_its_definition() -> None:
    y, v, _, _ = bcg()
    low, high, null = q_profile(y, intercept(y), v, 0.95)
    # confint(rma(yi, vi, data=bcg), control=list(tol=1e-14))
    np.testing.assert_allclose([low, high], [0.119718361141261, 1.111479084060929], rtol=1e-12)
    assert not null
    # qchisq(c(.975, .025), 12)
    assert generalised_q(y, intercept(y), v, low) == pytest.approx(23.336664158645334, rel=1e-10)
    assert generalised_q(y, intercept(y), v, high) == pytest.approx(4.403788506981702, rel=1e-10)


def test_equal_effects_have_no_heterogeneity_and_a_null_interval() -> None:
    y, v = np.full(8, 0.3), np.linspace(0.1, 0.4, 8)
    assert q_profile(y, intercept(y), v, 0.95) == (0.0, 0.0, True)
    for method in ("DL", "PM", "REML", "ML"):
        fit = fit_two_level(y, intercept(y), v, method)  # type: ignore[arg-type]
        assert (fit.tau2, fit.i2_percent, fit.h2) == (0.0, 0.0, 1.0)
        assert fit.coefficients[0] == pytest.approx(0.3, rel=1e-12)


METHODS: list[Method] = ["FE", "DL", "PM", "REML", "ML"]
studies = st.lists(st.tuples(st.floats(-2, 2), st.floats(0.01, 1)), min_size=3, max_size=12)


def draw(pairs: list[tuple[float, float]]) -> tuple[Floats, Floats]:
    y, v = np.array(pairs).T
    return np.round(y, 3), v


@settings(max_examples=25, deadline=None)
@given(studies, st.floats(-5, 5), st.floats(0.1, 10), st.integers(0, 99))
def test_shift_scale_sign_and_order(pairs: list[tuple[float, float]], shift: float, unit: float, seed: int) -> None:
    y, v = draw(pairs)
    order = np.random.default_rng(seed).permutation(len(y))
    for method in METHODS:
        plain = fit_two_level(y, intercept(y), v, method)
        moved = fit_two_level(-unit * (y[order] + shift), intercept(y), unit**2 * v[order], method)
        tau2, expected = moved.tau2 or 0.0, unit**2 * (plain.tau2 or 0.0)
        assert tau2 == pytest.approx(expected, rel=1e-5, abs=1e-7 * unit**2)
        centre = -unit * (plain.coefficients[0] + shift)
        assert moved.coefficients[0] == pytest.approx(centre, rel=1e-5, abs=1e-6 * unit)
        assert moved.q == pytest.approx(plain.q, rel=1e-7, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(studies)
def test_every_estimate_solves_its_equation(pairs: list[tuple[float, float]]) -> None:
    y, v = draw(pairs)
    x = intercept(y)
    q0, k = generalised_q(y, x, v, 0.0), len(y)
    w = 1 / v
    expected = max(0.0, (q0 - (k - 1)) / (w.sum() - np.sum(w**2) / w.sum()))
    assert fit_two_level(y, x, v, "DL").tau2 == pytest.approx(expected, rel=1e-9, abs=1e-12)
    pm = fit_two_level(y, x, v, "PM").tau2
    assert pm is not None
    if pm > 0:
        assert generalised_q(y, x, v, pm) == pytest.approx(k - 1, rel=1e-9)
    else:
        assert q0 <= k - 1
    # No tau2 on a fine grid has a larger restricted likelihood (written out here, not the stage's code).
    fit = fit_two_level(y, x, v, "REML")
    grid = [restricted(y, v, t) for t in np.concatenate([[0.0], np.geomspace(1e-5, 20, 200)])]
    assert fit.log_likelihood is not None
    assert fit.log_likelihood >= max(grid) - 1e-9


def restricted(y: Floats, v: Floats, tau2: float) -> float:
    w = 1 / (v + tau2)
    centre = np.sum(w * y) / w.sum()
    k = len(y)
    terms = -(k - 1) * np.log(2 * np.pi) + np.log(k) + np.log(w).sum() - np.log(w.sum()) - np.sum(w * (y - centre) ** 2)
    return float(terms / 2)
