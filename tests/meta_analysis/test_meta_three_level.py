"""Three-level models against metafor, against a density written out, and by their own properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from containers.meta_analysis.measures.variance_shares import cheung_shares, design_shares
from containers.meta_analysis.models.three_level import (
    ThreeLevelLikelihood,
    UnidentifiedError,
    fit_three_level,
    make_blocks,
)
from tests.meta_analysis.tables import Floats, codes, column, intercept, rows

Ints = np.typing.NDArray[np.int64]


def school_calendar() -> tuple[Floats, Floats, Ints, Floats]:
    table = rows("school_calendar")
    return column(table, "effect"), column(table, "variance"), codes(table, "district"), column(table, "year")


def test_reml_agrees_with_metafor_and_with_the_paper() -> None:
    y, v, district, _ = school_calendar()
    fit = fit_three_level(y, intercept(y), v, district)
    # r <- rma.mv(effect, variance, random=~1|district/effect_id, control=list(optimizer="BFGS", reltol=1e-16))
    estimates = [fit.coefficients[0], np.sqrt(fit.covariance[0, 0]), fit.between, fit.within]
    np.testing.assert_allclose(
        estimates, [0.1847131640384344, 0.0845559200064617, 0.0650619468895701, 0.0327365157030540], rtol=1e-6
    )
    found = [fit.log_likelihood, fit.criteria.aic, fit.criteria.bic, fit.criteria.aicc]
    np.testing.assert_allclose(
        found, [-7.9587240337109435, 21.9174480674218870, 27.9394476231192996, 22.3880363027160030], rtol=1e-10
    )
    assert fit.gradient_max < 1e-9
    # Konstantopoulos 2011: mean 0.185, variances 0.065 between and 0.033 within districts
    np.testing.assert_array_equal(np.round(estimates, 3)[[0, 2, 3]], [0.185, 0.065, 0.033])


def test_ml_with_a_moderator_agrees_with_metafor() -> None:
    y, v, district, year = school_calendar()
    fit = fit_three_level(y, intercept(y, year), v, district, reml=False)
    # rma.mv(effect, variance, mods=~year, random=~1|district/effect_id, method="ML", control=...)
    np.testing.assert_allclose(fit.coefficients, [-9.91641182540958965, 0.00507372043764557], rtol=1e-5)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), [16.94465186000228840, 0.00851135376604239], rtol=1e-6)
    np.testing.assert_allclose([fit.between, fit.within], [0.05646284996048681, 0.03293901332352599], rtol=1e-6)
    found = [fit.log_likelihood, fit.criteria.aic, fit.criteria.bic, fit.criteria.aicc]
    np.testing.assert_allclose(
        found, [-8.21814256584313085, 24.43628513168626171, 32.53769189462686029, 25.22059885717645855], rtol=1e-10
    )


def test_models_of_one_variance_agree_with_metafor() -> None:
    y, v, district, _ = school_calendar()
    within = fit_three_level(y, intercept(y), v, district, between=False)
    # rma.mv(effect, variance, random=~1|effect_id)
    assert within.within == pytest.approx(0.0884384833833026, rel=1e-6)
    assert within.log_likelihood == pytest.approx(-16.8454994526106390, rel=1e-10)
    between = fit_three_level(y, intercept(y), v, district, within=False)
    # rma.mv(effect, variance, random=~1|district)
    assert between.between == pytest.approx(0.0828451389642541, rel=1e-6)
    assert between.criteria.bic == pytest.approx(72.4476187424182712, rel=1e-10)


def test_variance_shares() -> None:
    y, v, district, year = school_calendar()
    fit = fit_three_level(y, intercept(y), v, district)
    shares = design_shares(intercept(y), fit)
    # W <- diag(1/v); P <- W - W X (X'WX)^-1 X'W; 100*r$sigma2/(sum(r$sigma2) + (r$k-r$p)/sum(diag(P)))
    np.testing.assert_allclose([shares.between, shares.within], [63.3248395703473, 31.8624742125627], rtol=1e-6)
    assert shares.sampling + shares.between + shares.within == pytest.approx(100)
    # Without moderators Higgins and Thompson's variance is the same number.
    other = cheung_shares(v, fit)
    np.testing.assert_allclose([other.between, other.within], [shares.between, shares.within], rtol=1e-10)
    assert cheung_shares(v, fit) != design_shares(intercept(y, year), fit)


def test_a_boundary_optimum_is_named() -> None:
    table = rows("sat_coaching")
    y, v = column(table, "effect"), column(table, "variance")
    x = intercept(y, np.array([row["test"] == "Verbal" for row in table], float))
    fit = fit_three_level(y, x, v, codes(table, "study"))
    assert (fit.between, fit.within) == (0.0, 0.0)
    assert fit.boundary == ("between", "within")
    assert fit.gradient_max == 0.0
    # rma.mv(effect, variance, mods=~test, random=~1|study/effect_id): beta, se, logLik (sigma2 about 1e-14)
    np.testing.assert_allclose(fit.coefficients, [1.27276882745013e-01, -8.24917302700997e-03], rtol=1e-9)
    np.testing.assert_allclose(
        np.sqrt(np.diag(fit.covariance)), [3.51243724538529e-02, 4.77045685049995e-02], rtol=1e-9
    )
    assert fit.log_likelihood == pytest.approx(6.05266843269279, rel=1e-10)


def draw(seed: int, correlation: float = 0.0) -> tuple[Floats, Floats, Floats, Ints]:
    """Effects of 9 studies of 1 to 5 effects with a number as moderator."""
    rng = np.random.default_rng(seed)
    study = np.repeat(np.arange(9), rng.integers(1, 6, 9))
    k = len(study)
    v, z = rng.uniform(0.02, 0.2, k), rng.normal(size=k)
    y = 0.3 + 0.2 * z + rng.normal(0, 0.4, 9)[study] + rng.normal(0, 0.3, k) + rng.normal(0, np.sqrt(v))
    order = rng.permutation(k)
    return y[order], intercept(y[order], z[order]), v[order], study[order].astype(np.int64)


def density(y: Floats, x: Floats, v: Floats, study: Ints, theta: Floats, rho: float, reml: bool) -> float:
    """The likelihood written out with whole matrices."""
    same = study[:, None] == study
    root = np.sqrt(v)
    m = np.where(same, rho * np.outer(root, root) + theta[0], 0.0)
    m[np.diag_indices(len(y))] = v + theta.sum()
    inverse = np.linalg.inv(m)
    b = np.linalg.solve(x.T @ inverse @ x, x.T @ inverse @ y)
    value = float(stats.multivariate_normal(x @ b, m).logpdf(y))
    if reml:
        p = x.shape[1]
        value += 0.5 * p * np.log(2 * np.pi) + 0.5 * np.linalg.slogdet(x.T @ x)[1]
        value -= 0.5 * np.linalg.slogdet(x.T @ inverse @ x)[1]
    return value


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_likelihood_is_the_density_and_its_derivatives_are_right(reml: bool, rho: float) -> None:
    y, x, v, study = draw(3)
    likelihood = ThreeLevelLikelihood(y, x, make_blocks(v, study, rho), reml)
    theta = np.array([0.13, 0.07])

    def written(t: Floats) -> float:
        return density(y, x, v, study, t, rho, reml)

    assert likelihood.value(theta) == pytest.approx(written(theta), rel=1e-12)
    gradient, hessian, _ = likelihood.derivatives(theta)
    np.testing.assert_allclose(gradient, optimize.approx_fprime(theta, written, 1e-7), rtol=1e-5)
    for i in range(2):
        step = np.eye(2)[i] * 1e-6
        slope = (likelihood.derivatives(theta + step)[0] - likelihood.derivatives(theta - step)[0]) / 2e-6
        np.testing.assert_allclose(hessian[i], slope, rtol=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_no_point_nearby_or_far_is_better(seed: int) -> None:
    y, x, v, study = draw(seed)
    for reml in (True, False):
        fit = fit_three_level(y, x, v, study, reml=reml)
        best = density(y, x, v, study, np.array([fit.between, fit.within]), 0.0, reml)
        assert fit.log_likelihood == pytest.approx(best, rel=1e-11)
        rng = np.random.default_rng(seed)
        tried = np.concatenate([rng.exponential(0.2, (150, 2)), [[0, fit.within], [fit.between, 0], [0, 0]]])
        assert max(density(y, x, v, study, t, 0.0, reml) for t in tried) <= best + 1e-10
        assert fit.gradient_max < 1e-9


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.floats(-3, 3), st.floats(0.2, 5))
def test_shift_sign_scale_and_order_of_rows_and_studies(seed: int, shift: float, unit: float) -> None:
    y, x, v, study = draw(seed)
    plain = fit_three_level(y, x, v, study)
    rng = np.random.default_rng(seed)
    order, names = rng.permutation(len(y)), rng.permutation(9)
    moved = fit_three_level(-unit * (y + shift)[order], x[order], unit**2 * v[order], names[study[order]])
    np.testing.assert_allclose(
        [moved.between, moved.within], [unit**2 * plain.between, unit**2 * plain.within], rtol=1e-6, atol=1e-9
    )
    expected = -unit * (plain.coefficients + np.array([shift, 0.0]))
    np.testing.assert_allclose(moved.coefficients, expected, rtol=1e-6, atol=1e-8)


def test_one_effect_per_study_cannot_part_the_variances() -> None:
    y, x, v, _ = draw(1)
    with pytest.raises(UnidentifiedError, match="distinguished"):
        fit_three_level(y, x, v, np.arange(len(y)))


def test_moderators_that_name_the_studies_leave_no_variance_between() -> None:
    y, _, v, study = draw(1)
    dummies = (study[:, None] == np.arange(1, 9)).astype(float)
    with pytest.raises(UnidentifiedError, match="between studies"):
        fit_three_level(y, intercept(y, *dummies.T), v, study)
