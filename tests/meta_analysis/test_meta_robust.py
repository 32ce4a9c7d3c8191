"""CR2 with Satterthwaite degrees of freedom: clubSandwich, expectation, permutation, degenerate clusters."""

import numpy as np
import pytest

from containers.meta_analysis.measures.smd import Arm, hedges_g
from containers.meta_analysis.models.robust import correlated_tau2, correlated_weights, cr2
from containers.meta_analysis.models.three_level import fit_three_level, make_blocks
from tests.meta_analysis.tables import Floats, codes, column, intercept, rows

Ints = np.typing.NDArray[np.int64]

# m <- escalc(measure="SMD", ..., data=made_up_muscles); m$yi <- ifelse(m$outcome=="CSA", -m$yi, m$yi)
# f <- ~ age_years + I(female_percent/10) + bmi + outcome + level + muscle
# r <- rma.mv(yi, vi, mods=f, random=~1|study/effect_id, data=m, control=list(optimizer="BFGS", reltol=1e-16))
# x <- coef_test(r, vcov="CR2", cluster=m$study); x$beta, x$SE, x$df_Satt, x$p_Satt
INDEPENDENT = {
    "beta": [
        *[3.1752335293300145, -0.0243266684805804, -0.0238547552684130, -0.0395032739599825, 0.3119774333666357],
        *[0.0535300747079531, 0.0302226071135528, 0.0318766769906506, 0.2231052947148128],
    ],
    "se": [
        *[2.0771469000804483, 0.0233885178391117, 0.0877670792554316, 0.0703169806553030, 0.0387248634225293],
        *[0.1911381453323966, 0.1068799292482335, 0.1132747905156661, 0.1003535885768833],
    ],
    "df": [
        *[3.70518728206648, 4.28692186006373, 5.28357711000906, 4.21393316565127, 5.05667970875306],
        *[6.42155691327826, 6.82015990743481, 7.85190240024222, 3.63096910811566],
    ],
}
# V <- impute_covariance_matrix(m$vi, cluster=m$study, r=0.7); the same with rma.mv(yi, V, ...)
CHE = {
    "beta": [
        *[2.6696898357084056, -0.0212012623731453, -0.0154597959984485, -0.0301191178937992, 0.3122617308756196],
        *[0.0447612321450884, 0.0306385763133503, 0.0354475366918318, 0.2244061096755525],
    ],
    "se": [
        *[2.0025169431356113, 0.0240455314269734, 0.0872268013217145, 0.0707020645741801, 0.0399955504226556],
        *[0.1856782960430223, 0.1063265931569011, 0.1168998609904927, 0.0976967565817778],
    ],
    "df": [
        *[3.66827682591581, 4.20315668841395, 5.34434968709632, 4.15497027734052, 5.11639783616864],
        *[6.40812786342844, 6.95669275956659, 7.90336370179524, 3.68599211444344],
    ],
}
# tau2 by moments (eq. 15, written out in R with whole matrices: V = 0.7 vbar_j within studies, vbar_j on the diagonal),
# w = 1/(k_j (vbar_j + tau2)); l <- lm(update(f, yi ~ .), data=m, weights=w)
# coef_test(l, vcov=vcovCR(l, cluster=m$study, type="CR2", inverse_var=TRUE), test="Satterthwaite")
CORRELATED = {
    "beta": [
        *[3.18386182500167303, -0.02674589183743190, -0.02520186893898171, -0.02844124293454137, 0.16441327265676600],
        *[0.03650432690369199, -0.03374249322142096, -0.02621753601516874, 0.23474108515266021],
    ],
    "se": [
        *[2.16928776122844624, 0.02057690445165524, 0.08032356077612171, 0.07274392418463284, 0.12498530439547927],
        *[0.20226382279572933, 0.18191231781298708, 0.12902139188748479, 0.23701969716559243],
    ],
    "df": [
        *[4.036492751232326, 4.485859305559000, 5.714063079137672, 5.247885358727783, 8.332155913913963],
        *[6.386191509924349, 10.404054790759812, 10.994107331617073, 4.459963713363437],
    ],
}


def muscles() -> tuple[Floats, Floats, Floats, Ints]:
    table = rows("made_up_muscles")
    arms = [Arm(*(column(table, f"{part}{arm}") for part in ("mean", "sd", "n"))) for arm in (1, 2)]
    g = hedges_g(arms[0], arms[1])
    outcome = np.array([row["outcome"] == "FI" for row in table])
    dummies = [outcome.astype(float), np.array([row["level"] == "single" for row in table], float)]
    for muscle in ("multifidus", "psoas_major", "multiple"):
        dummies.append(np.array([row["muscle"] == muscle for row in table], float))
    x = intercept(
        g.effect, column(table, "age_years"), column(table, "female_percent") / 10, column(table, "bmi"), *dummies
    )
    return np.where(outcome, g.effect, -g.effect), x, g.variance, codes(table, "study")


@pytest.mark.parametrize(("rho", "expected"), [(0.0, INDEPENDENT), (0.7, CHE)])
def test_three_level_readings_agree_with_clubsandwich(rho: float, expected: dict[str, list[float]]) -> None:
    y, x, v, study = muscles()
    fit = fit_three_level(y, x, v, study, correlation=rho)
    made = cr2(y, x, fit.blocks, fit.weights())
    np.testing.assert_allclose(made.coefficients, expected["beta"], rtol=1e-5)
    np.testing.assert_allclose(made.se, expected["se"], rtol=1e-5)
    np.testing.assert_allclose(made.df, expected["df"], rtol=1e-5)


def test_correlated_effects_agree_with_clubsandwich() -> None:
    y, x, v, study = muscles()
    blocks = make_blocks(v, study)
    tau2 = correlated_tau2(y, x, v, blocks, 0.7)
    assert tau2 == pytest.approx(0.282037052804785, rel=1e-10)
    made = cr2(y, x, blocks, correlated_weights(v, blocks, tau2))
    np.testing.assert_allclose(made.coefficients, CORRELATED["beta"], rtol=1e-8)
    np.testing.assert_allclose(made.se, CORRELATED["se"], rtol=1e-8)
    np.testing.assert_allclose(made.df, CORRELATED["df"], rtol=1e-8)


def test_one_clubsandwich_example_on_published_effects() -> None:
    table = rows("sat_coaching")
    y, v, study = column(table, "effect"), column(table, "variance"), codes(table, "study")
    x = intercept(y, np.array([row["test"] == "Verbal" for row in table], float))
    fit = fit_three_level(y, x, v, study)
    made = cr2(y, x, fit.blocks, fit.weights())
    # coef_test(rma.mv(effect, variance, mods=~test, random=~1|study/effect_id), vcov="CR2", cluster=study)
    np.testing.assert_allclose(made.se, [0.03415247790608109, 0.04669836528716179], rtol=1e-8)
    np.testing.assert_allclose(made.df, [10.97885597250925116, 13.70705564052496683], rtol=1e-8)


@pytest.mark.parametrize("rho", [0.0, 0.4, 0.9])
def test_moment_tau2_is_unbiased_under_its_own_model(rho: float) -> None:
    # The estimate is affine in the quadratic form y'Ay; over the columns of a root of the covariance, the sum of
    # y'Ay is its expectation, so that unbiasedness is checked exactly, without draws.
    _, x, v, study = muscles()
    blocks = make_blocks(v, study)
    true, same = 0.17, study[:, None] == study
    mean_v = (same @ v) / same.sum(axis=1)
    covariance = np.where(same, rho * mean_v + true, 0.0)
    covariance[np.diag_indices(len(v))] = mean_v + true
    columns = np.linalg.cholesky(covariance).T
    at_zero = correlated_tau2(np.zeros(len(v)), x, v, blocks, rho)
    mean = at_zero + sum(correlated_tau2(y, x, v, blocks, rho) - at_zero for y in columns)
    assert mean == pytest.approx(true, rel=1e-9)


def test_cr2_is_unbiased_when_the_working_model_holds() -> None:
    # CR2 variances are quadratic in y: over the columns of a root of the covariance they add to the true variance.
    y, x, v, study = muscles()
    fit = fit_three_level(y, x, v, study)
    blocks, weights = fit.blocks, fit.weights()
    covariance = np.zeros((len(v), len(v)))
    for block, w in zip(blocks, weights, strict=True):
        for members, one in zip(block.rows, w, strict=True):
            covariance[np.ix_(members, members)] = np.linalg.inv(one)
    total = sum(cr2(one, x, blocks, weights).se ** 2 for one in np.linalg.cholesky(covariance).T)
    np.testing.assert_allclose(total, np.diag(fit.covariance), rtol=1e-9)


def test_order_of_rows_names_of_studies_and_unit_do_not_matter() -> None:
    y, x, v, study = muscles()
    plain_fit = fit_three_level(y, x, v, study)
    plain = cr2(y, x, plain_fit.blocks, plain_fit.weights())
    rng = np.random.default_rng(4)
    order, names = rng.permutation(len(y)), rng.permutation(study.max() + 1)
    fit = fit_three_level(-1e3 * y[order], x[order], 1e6 * v[order], names[study[order]])
    made = cr2(-1e3 * y[order], x[order], fit.blocks, fit.weights())
    np.testing.assert_allclose(made.se, 1e3 * plain.se, rtol=1e-7)
    np.testing.assert_allclose(made.df, plain.df, rtol=1e-7)


def test_a_study_that_alone_tells_a_coefficient_is_named() -> None:
    y, x, v, study = muscles()
    blocks = make_blocks(v, study)
    weights = correlated_weights(v, blocks, 0.1)
    assert len(cr2(y, x, blocks, weights).saturated) == 0
    own = cr2(y, np.column_stack([x, study == 0]), blocks, weights)
    assert set(study[own.saturated]) == {0}
    # A coefficient that nothing but that study tells: a mean for it, and one for the others.
    parted = cr2(y, np.column_stack([study == 0, study > 0]).astype(float), blocks, weights)
    assert np.isnan(parted.se[0])
    assert np.isnan(parted.df[0])
    assert np.isfinite(parted.df[1])
