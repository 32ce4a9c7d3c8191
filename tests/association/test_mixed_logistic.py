"""Mixed logistic regression against R (tests/association/r/mixed_logistic.R), closed forms and its own symmetries."""

import tracemalloc

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from containers.association.models.mixed_logistic import MixedLogisticFit, fit_mixed_logistic
from containers.association.models.mixed_rows import prepare_rows
from tests.association.test_mixed_derivatives import integrated, small

Array = npt.NDArray[np.float64]

# lme4's example data cbpp (Lesnoff et al., Prev Vet Med 63:9, 2004): incidence / size by herd and period.
INCIDENCE = [2, 3, 4, 0, 3, 1, 1, 8, 2, 0, 2, 2, 0, 2, 0, 5, 0, 0, 1, 3, 0, 0, 1, 8, 1, 3, 0, 12]
INCIDENCE += [2, 0, 0, 0, 1, 1, 0, 2, 0, 5, 3, 1, 2, 1, 0, 0, 1, 2, 0, 0, 11, 0, 0, 0, 1, 1, 1, 0]
SIZE = [14, 12, 9, 5, 22, 18, 21, 22, 16, 16, 20, 10, 10, 9, 6, 18, 25, 24, 4, 17, 17, 18, 20, 16, 10, 9, 5, 34]
SIZE += [9, 6, 8, 6, 22, 22, 18, 22, 25, 27, 22, 22, 10, 8, 6, 5, 21, 24, 19, 23, 19, 2, 3, 2, 19, 15, 15, 15]
HERD = np.repeat(np.arange(1, 16), [4, 3, 4, 4, 4, 4, 4, 1, 4, 4, 4, 4, 4, 4, 4])
PERIOD = [1, 2, 3, 4, 1, 2, 3, *[1, 2, 3, 4] * 5, 1, *[1, 2, 3, 4] * 7]

# Rscript tests/association/r/mixed_logistic.R, "cbpp": beta and sigma, their standard errors, log-likelihood.
CBPP = {
    1: (
        [-1.3985321426177, -0.9923327348160, -1.1286720836530, -1.5803138846212, 0.6422614484796],
        [0.2324719922948, 0.3066424979170, 0.3266378505030, 0.4274365865606, 0.1785621632928],
        -277.501941548917,
    ),
    9: (
        [-1.3992301927023, -0.9914038764592, -1.1278196769186, -1.5794710164818, 0.6475177120758],
        [0.2335113962121, 0.3067679696785, 0.3267683556850, 0.4275944817492, 0.1805241750754],
        -277.459031480494,
    ),
    25: (
        [-1.3992304441675, -0.9914036722696, -1.1278194672996, -1.5794707512488, 0.6475184777210],
        [0.2335115914177, 0.3067679874320, 0.3267683720994, 0.4275945007427, 0.1805248312295],
        -277.45902872147,
    ),
}
# glmer with tightened tolerances in the same script: its own optimum of the same likelihoods.
CBPP_GLMER = {
    1: [-1.3985321438446, -0.9923326826876, -1.1286720380334, -1.5803139023058, 0.6422614300343],
    9: [-1.3992301922097, -0.9914038854925, -1.1278196563753, -1.5794710546597, 0.6475177176771],
}


def cbpp() -> tuple[Array, Array, npt.NDArray[np.int64], Array]:
    """x, y, herd, weights: each cell twice, as its cases and as its others."""
    period, incidence, size = np.array(PERIOD), np.array(INCIDENCE, float), np.array(SIZE, float)
    x = np.column_stack([np.ones(56), *[period == level for level in (2, 3, 4)]]).astype(float)
    y = np.repeat([1.0, 0.0], 56)
    return np.vstack([x, x]), y, np.tile(HERD, 2), np.concatenate([incidence, size - incidence])


def theta(fit: MixedLogisticFit) -> list[float]:
    return [*fit.coefficients, fit.sigma]


def errors(fit: MixedLogisticFit) -> list[float | None]:
    return [*np.sqrt(np.diag(fit.covariance)), fit.sigma_standard_error]


@pytest.mark.parametrize("nodes", [1, 9, 25])
def test_cbpp_against_r(nodes: int) -> None:
    x, y, herd, weights = cbpp()
    fit = fit_mixed_logistic(x, y, herd, nodes, weights)
    estimates, standard_errors, log_likelihood = CBPP[nodes]
    assert theta(fit) == pytest.approx(estimates, rel=1e-8)
    assert errors(fit) == pytest.approx(standard_errors, rel=1e-8)
    assert fit.log_likelihood == pytest.approx(log_likelihood, rel=1e-12)
    assert fit.converged and not fit.singular and fit.gradient_max < 1e-8


@pytest.mark.parametrize("nodes", [1, 9])
def test_cbpp_against_tightened_glmer(nodes: int) -> None:
    x, y, herd, weights = cbpp()
    assert theta(fit_mixed_logistic(x, y, herd, nodes, weights)) == pytest.approx(CBPP_GLMER[nodes], rel=1e-6)


def park_miller(count: int, seed: int) -> Array:
    """The uniforms of the R script: state = 16807 state mod 2^31 - 1, by doubling the powers of the multiplier."""
    modulus = 2**31 - 1
    powers = np.array([16807], np.int64)
    while len(powers) < count:
        powers = np.concatenate([powers, powers * powers[-1] % modulus])
    return (seed * powers[:count] % modulus) / modulus


def cohort(n: int, sites: int, sigma: float, seed: int) -> tuple[Array, Array, npt.NDArray[np.int64]]:
    """x (n, 11), y, site: the cohort of the R script, number by number."""
    draws = park_miller(n * 14 + sites, seed)
    u = draws[: n * 14].reshape(14, n)
    intercepts = sigma * stats.norm.ppf(draws[n * 14 :])
    z1 = (u[0] + u[1] + u[2] - 1.5) * 2
    z2 = (u[3] + u[4] + u[5] - 1.5) * 2 * 0.8 - 0.3 * z1
    others = [20 + np.floor(u[6] * 53), u[7] < 0.47, u[8] < 0.06, u[9] < 0.25, u[10] < 0.03, u[11] < 0.12]
    x = np.column_stack([np.ones(n), z1, z2, *others, u[12] < 0.3, u[12] > 0.75]).astype(float)
    site = (np.floor(u[12] * 1e6) % sites).astype(np.int64)
    beta = [-1.9, -0.1, 0.25, 0.008, -0.15, 0.2, 0.15, 0.5, 0.9, -0.1, -0.2]
    return x, (u[13] < special.expit(x @ beta + intercepts[site])).astype(float), site


# The same script, "cohort".
COHORT_ESTIMATES = {
    1: """-1.932270218845133 -0.109673066681929  0.228337577656910  0.007985931012111 -0.100106370371100
        0.239061841029707  0.154927821701115  0.552569901017937  0.942809587628393 -0.123195620112472
        -0.190405396865224  0.131340168137145""",
    25: """-1.932270267952847 -0.109673063908626  0.228337577526053  0.007985930840396 -0.100106367802495
        0.239061840523157  0.154927816186380  0.552569881617078  0.942809544696410 -0.123195613655117
        -0.190405392716973  0.131342202936621""",
}
COHORT_ERRORS = {
    1: """0.081650946146511 0.016695134067270 0.019714486124008 0.001026932170014 0.031461992091252
        0.062299545831756 0.035314315313990 0.077299355170406 0.041368309375667 0.036897698709900
        0.039560764769741 0.044587181412402""",
    25: """0.081651600536248 0.016695133878901 0.019714485901409 0.001026932159453 0.031461991671411
        0.062299544829768 0.035314314831897 0.077299353113404 0.041368307932379 0.036897698291513
        0.039560764410226 0.044587878341770""",
}
COHORT_LOG_LIKELIHOOD = {1: -12898.0901246407, 25: -12898.0898047009}


@pytest.mark.parametrize("nodes", [1, 25])
def test_cohort_of_the_papers_size_against_r(nodes: int) -> None:
    x, y, site = cohort(27518, 5, 0.3, 20261120)
    assert (y.sum(), (x * y[:, None]).sum()) == (5231, pytest.approx(262203.393757666, rel=1e-14))
    fit = fit_mixed_logistic(x, y, site, nodes)
    assert theta(fit) == pytest.approx([float(v) for v in COHORT_ESTIMATES[nodes].split()], rel=1e-6)
    assert errors(fit) == pytest.approx([float(v) for v in COHORT_ERRORS[nodes].split()], rel=1e-6)
    assert fit.log_likelihood == pytest.approx(COHORT_LOG_LIKELIHOOD[nodes], rel=1e-12)
    assert fit.converged and fit.gradient_max < 1e-8


# "lme4's deviance function is least at" in the same script: where glmer itself would end, had it the tolerance for it.
COHORT_LME4 = {
    1: """-1.932270219469560 -0.109673066645208  0.228337577820032  0.007985931014216 -0.100106370701297
        0.239061843177856  0.154927822489125  0.552569899427142  0.942809587883548 -0.123195620052337
        -0.190405397193076 0.131340170675714""",
    25: """-1.932270267982164 -0.109673063707036  0.228337577585509  0.007985930834727 -0.100106367713326
        0.239061839957899  0.154927816389057  0.552569879454527  0.942809544783924 -0.123195613092510
        -0.190405392380590 0.13134220399567""",
}


@pytest.mark.parametrize("nodes", [1, 25])
def test_cohort_against_the_minimum_of_lme4s_deviance_function(nodes: int) -> None:
    fit = fit_mixed_logistic(*cohort(27518, 5, 0.3, 20261120), nodes)
    assert theta(fit) == pytest.approx([float(v) for v in COHORT_LME4[nodes].split()], rel=1e-6)


@pytest.mark.parametrize("nodes", [1, 25])
def test_memory_stays_under_twice_the_table(nodes: int) -> None:
    x, y, site = cohort(27518, 5, 0.3, 20261120)
    tracemalloc.start()
    fit_mixed_logistic(x, y, site, nodes)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * (x.nbytes + y.nbytes + site.nbytes)


def test_optimum_of_the_integral_itself() -> None:
    x, y, weights, label = small()
    fit = fit_mixed_logistic(x, y, label, 25, weights)
    best, step = np.array(theta(fit)), 1e-3
    assert fit.log_likelihood == pytest.approx(integrated(best, x, y, weights, label), rel=1e-9)
    for column in range(4):
        change = np.zeros(4)
        change[column] = step
        above, below = (integrated(best + s * change, x, y, weights, label) for s in (1, -1))
        # Its distance from the optimum along this parameter, by a parabola through three points.
        bend = (above - 2 * fit.log_likelihood + below) / step**2
        slope = (
            -integrated(best + 2 * change, x, y, weights, label)
            + 8 * above
            - 8 * below
            + integrated(best - 2 * change, x, y, weights, label)
        ) / (12 * step)
        assert bend < 0 and abs(slope / bend) < 1e-7


def test_boundary_is_the_plain_regression_in_closed_form() -> None:
    # Three groups of 3 events in 10: no variance between groups, so sigma is 0 and beta the logit of 0.3.
    y = np.tile(np.repeat([1.0, 0.0], [3, 7]), 3)
    for nodes in (1, 7):
        fit = fit_mixed_logistic(np.ones((30, 1)), y, np.repeat(["a", "b", "c"], 10), nodes)
        assert fit.singular and fit.converged
        assert (fit.sigma, fit.variance, fit.icc, fit.sigma_standard_error) == (0.0, 0.0, 0.0, None)
        assert fit.coefficients[0] == pytest.approx(np.log(0.3 / 0.7), rel=1e-12)
        assert fit.covariance[0, 0] == pytest.approx(1 / (30 * 0.3 * 0.7), rel=1e-12)
        assert fit.log_likelihood == pytest.approx(9 * np.log(0.3) + 21 * np.log(0.7), rel=1e-13)
        assert fit.log_likelihood == fit.ungrouped_log_likelihood
        np.testing.assert_array_equal(fit.intercepts, 0.0)


def test_a_variance_just_inside_the_boundary_is_found_and_one_just_outside_is_not() -> None:
    # Two groups of n, events k and n - k, intercept 0: the score of the variance is (2k - n)^2 / 4 - n / 4.
    n = 400
    for k, inside in ((209, False), (211, True)):
        y = np.concatenate([np.arange(n) < k, np.arange(n) < n - k]).astype(float)
        fit = fit_mixed_logistic(np.ones((2 * n, 1)), y, np.repeat([0, 1], n), 9)
        assert fit.converged and fit.singular is not inside
        assert (fit.sigma > 0) is inside and (fit.log_likelihood > fit.ungrouped_log_likelihood) is inside


def test_a_group_without_events_is_no_trouble() -> None:
    x, y, weights, label = small()
    assert y[label == 0].sum() == 0
    fit = fit_mixed_logistic(x, y, label, 9, weights)
    assert fit.converged and fit.intercepts[0] == fit.intercepts.min()


def test_groups_that_are_all_or_nothing_are_told_as_diverging() -> None:
    fit = fit_mixed_logistic(np.ones((40, 1)), np.tile(np.repeat([0.0, 1.0], 5), 4), np.repeat(np.arange(8), 5), 25)
    assert fit.diverging and not fit.converged


def test_separated_covariate_does_not_pass_as_converged() -> None:
    draw = np.random.default_rng(0)
    x = np.column_stack([np.ones(60), draw.standard_normal(60)])
    fit = fit_mixed_logistic(x, (x[:, 1] > 0).astype(float), np.repeat(np.arange(3), 20))
    assert not fit.converged


def test_one_group_and_nodes_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="at least two groups"):
        fit_mixed_logistic(np.ones((4, 1)), np.array([0.0, 1, 0, 1]), np.zeros(4))
    with pytest.raises(ValueError, match="nodes must be 1 to 25"):
        fit_mixed_logistic(np.ones((4, 1)), np.array([0.0, 1, 0, 1]), np.array([0, 0, 1, 1]), 26)


def test_equal_rows_are_merged_within_groups_only_where_that_pays() -> None:
    x, y, herd, weights = cbpp()
    table = prepare_rows(np.repeat(x, 3, axis=0), np.repeat(y, 3), np.repeat(herd, 3), np.repeat(weights, 3))
    rows = table.rows
    assert len(rows.x) == 56 and rows.trials.sum() == 3 * sum(SIZE) and rows.events.sum() == 3 * sum(INCIDENCE)
    assert list(table.labels) == list(range(1, 16))
    noise = x + np.arange(112)[:, None] * 1e-3
    rows = prepare_rows(noise, y, herd, weights).rows
    assert len(rows.x) == 112 and rows.starts[-1] == 112


SEEDS = st.integers(0, 2**32 - 1)
CHECKS = settings(max_examples=20, deadline=None)


@given(seed=SEEDS, nodes=st.sampled_from([1, 4]))
@CHECKS
def test_order_of_rows_and_names_of_groups_do_not_matter(seed: int, nodes: int) -> None:
    x, y, weights, label = small(8, 12, seed=5)
    draw = np.random.default_rng(seed)
    names = draw.permutation([f"site {k}" for k in range(8)])
    order = draw.permutation(len(y))
    one = fit_mixed_logistic(x, y, label, nodes, weights)
    two = fit_mixed_logistic(x[order], y[order], names[label][order], nodes, weights[order])
    assert theta(two) == pytest.approx(theta(one), rel=1e-8)
    np.testing.assert_allclose(two.covariance, one.covariance, rtol=1e-8)
    assert two.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-12)
    place = {name: k for k, name in enumerate(two.labels)}
    np.testing.assert_allclose(two.intercepts[[place[name] for name in names]], one.intercepts, rtol=0, atol=1e-8)


@given(shift=st.floats(-50, 50), scale=st.floats(0.01, 1000).map(float), nodes=st.sampled_from([1, 4]))
@CHECKS
def test_units_and_origins_of_covariates_do_not_matter(shift: float, scale: float, nodes: int) -> None:
    x, y, weights, label = small(8, 12, seed=5)
    other = x.copy()
    other[:, 1] = (x[:, 1] - shift) / scale
    # x beta = other (A beta): the intercept takes shift * slope, the slope the scale.
    change = np.eye(3)
    change[0, 1], change[1, 1] = shift, scale
    one, two = (fit_mixed_logistic(m, y, label, nodes, weights) for m in (x, other))
    np.testing.assert_allclose(two.coefficients, change @ one.coefficients, rtol=1e-7)
    np.testing.assert_allclose(two.covariance, change @ one.covariance @ change.T, rtol=1e-6)
    assert (two.sigma, two.log_likelihood) == pytest.approx((one.sigma, one.log_likelihood), rel=1e-9)


@given(seed=SEEDS, nodes=st.sampled_from([1, 4]))
@CHECKS
def test_weights_are_repeated_rows(seed: int, nodes: int) -> None:
    x, y, _, label = small(8, 12, seed=5)
    weights = np.random.default_rng(seed).integers(1, 4, len(y))
    one = fit_mixed_logistic(x, y, label, nodes, weights.astype(float))
    two = fit_mixed_logistic(*(np.repeat(a, weights, axis=0) for a in (x, y, label)), nodes)
    assert theta(two) == pytest.approx(theta(one), rel=1e-8, abs=1e-12)
    np.testing.assert_allclose(two.covariance, one.covariance, rtol=1e-8)


@given(seed=SEEDS, nodes=st.sampled_from([1, 4]))
@CHECKS
def test_events_and_non_events_are_mirror_images(seed: int, nodes: int) -> None:
    x, y, weights, label = small(8, 12, seed=seed % 1000)
    one, two = (fit_mixed_logistic(x, outcome, label, nodes, weights) for outcome in (y, 1 - y))
    if one.converged:
        assert two.sigma == pytest.approx(one.sigma, rel=1e-7, abs=1e-12)
        np.testing.assert_allclose(two.coefficients, -one.coefficients, rtol=1e-7, atol=1e-9)
