"""Performance of estimators over draws, against numbers worked by hand and against laws that are known."""

import math

import numpy as np
import pytest
import scipy.stats

from harness.run.steps.performance import LEAST_DRAWS, Draws, normal_interval, performance


def measures(**parts: list[float]) -> dict[str, float | None]:
    arrays = {name: np.array(values, dtype=float) for name, values in parts.items()}
    return {name: found.value for name, found in performance(Draws(**arrays)).items()}


def test_measures_worked_by_hand() -> None:
    # Errors 1, 0, -1, 2: mean 1/2, squares about it 1/4, 1/4, 9/4, 9/4, so variance 5/3.
    found = measures(
        estimate=[2, 1, 0, 3],
        truth=[1, 1, 1, 1],
        standard_error=[1, 1, 2, 2],
        low=[0, 0.5, -1, 1.5],
        high=[4, 1.5, 0.5, 4.5],
    )
    assert found["used"] == 4
    assert found["mean_estimate"] == 1.5
    assert found["bias"] == 0.5
    assert found["empirical_se"] == pytest.approx(math.sqrt(5 / 3), rel=1e-15)
    assert found["bias_mcse"] == pytest.approx(math.sqrt(5 / 12), rel=1e-15)
    assert found["empirical_se_mcse"] == pytest.approx(math.sqrt(5 / 18), rel=1e-15)
    assert found["bias_z"] == pytest.approx(0.5 / math.sqrt(5 / 12), rel=1e-15)
    # Squared errors 1, 0, 1, 4: mean 3/2, variance 3.
    assert found["mean_squared_error"] == 1.5
    assert found["mean_squared_error_mcse"] == pytest.approx(math.sqrt(3 / 4), rel=1e-15)
    # Variances 1, 1, 4, 4: mean 5/2, variance 3. Table 6: MCSE = sqrt(3 / (4 n ModSE^2)).
    assert found["model_se"] == pytest.approx(math.sqrt(2.5), rel=1e-15)
    assert found["model_se_mcse"] == pytest.approx(math.sqrt(3 / (4 * 4 * 2.5)), rel=1e-15)
    assert found["se_error_percent"] == pytest.approx(100 * (math.sqrt(2.5 / (5 / 3)) - 1), rel=1e-14)
    relative = math.sqrt(2.5 / (5 / 3)) * math.sqrt(3 / (4 * 4 * 2.5**2) + 1 / 6)
    assert found["se_error_percent_mcse"] == pytest.approx(100 * relative, rel=1e-14)
    # The truth 1 is in the first two intervals, 1.5 in the first two and at the edge of the last; 0 is left out by two.
    assert found["coverage"] == 0.5
    assert found["coverage_mcse"] == 0.25
    assert found["bias_eliminated_coverage"] == 0.75
    assert found["power"] == 0.5
    assert found["coverage_z"] == pytest.approx((0.5 - 0.95) / math.sqrt(0.95 * 0.05 / 4), rel=1e-15)


@pytest.mark.parametrize("n", [2, 3, 20, 200])
def test_the_interval_of_a_mean_over_draws_is_student_s(n: int) -> None:
    """Against scipy's own interval of a mean."""
    estimate = np.random.default_rng(n).normal(0.3, 2.0, n)
    found = {name: measure.value for name, measure in performance(Draws(estimate, np.zeros(n))).items()}
    low, high = scipy.stats.t.interval(0.95, n - 1, estimate.mean(), scipy.stats.sem(estimate))
    assert (found["bias_low"], found["bias_high"]) == pytest.approx((low, high), rel=1e-12)
    # A normal quantile is 6.5 times too short at two draws, and right to one per cent at 200.
    normal = found["bias_mcse"] * scipy.stats.norm.ppf(0.975)
    assert (high - low) / 2 / normal == pytest.approx({2: 6.483, 3: 2.195, 20: 1.068, 200: 1.006}[n], abs=0.001)


def test_how_often_few_draws_would_call_a_right_estimator_wrong() -> None:
    """What LEAST_DRAWS says of itself: one time in so many beyond four Monte-Carlo standard errors."""
    once_in = {n: 1 / (2 * scipy.stats.t.sf(4, n - 1)) for n in (2, 5, 10, LEAST_DRAWS)}
    assert LEAST_DRAWS == 20
    assert once_in == pytest.approx({2: 6.4, 5: 62, 10: 321, 20: 1300}, rel=0.01)


def test_truth_of_each_draw_counts() -> None:
    same = measures(estimate=[2, 1, 0, 3], truth=[1, 1, 1, 1], low=[0, 0, 0, 0], high=[1, 1, 1, 1])
    moved = measures(estimate=[12, 21, 30, 43], truth=[11, 21, 31, 41], low=[10, 20, 30, 40], high=[11, 21, 31, 41])
    for name in ("bias", "bias_mcse", "empirical_se", "coverage", "bias_z"):
        assert moved[name] == pytest.approx(same[name], rel=1e-14)


def test_undefined_measures_say_why() -> None:
    one = performance(Draws(np.array([1.0]), np.array([0.0])))
    assert one["used"].value == 1
    assert (one["bias"].value, one["bias"].note) == (None, "needs two draws or more")
    equal = performance(Draws(np.array([1.0, 1.0]), np.array([0.0, 0.0])))
    assert (equal["bias"].value, equal["bias_z"].value) == (1.0, None)
    nan = np.full(2, np.nan)
    none = performance(Draws(np.array([1.0, 2.0]), np.zeros(2), nan, nan, nan))
    assert none["intervals"].value == 0
    assert none["coverage"].note == "no draw has an interval"
    assert none["model_se"].value is None


def test_draws_without_an_interval_do_not_count_as_missed() -> None:
    found = measures(estimate=[1, 2, 3], truth=[1, 2, 3], low=[0, math.nan, 2], high=[2, math.nan, math.nan])
    assert (found["intervals"], found["coverage"]) == (1, 1.0)


@pytest.mark.parametrize(("width", "coverage"), [(1.0, 0.95), (0.5, 0.672909)])
def test_a_normal_estimator_covers_as_its_law_says(width: float, coverage: float) -> None:
    """Half the width covers 2 Phi(0.98) - 1."""
    rng = np.random.default_rng(1)
    error = rng.uniform(0.5, 2.0, 20000)
    estimate = 3.0 + error * rng.standard_normal(20000)
    low, high = normal_interval(estimate, width * error, 0.95)
    found = {n: m.value for n, m in performance(Draws(estimate, np.full(20000, 3.0), width * error, low, high)).items()}
    assert found["coverage"] == pytest.approx(coverage, abs=4 * math.sqrt(coverage * (1 - coverage) / 20000))
    assert abs(found["bias_z"] or 0.0) < 4
    assert found["se_error_percent"] == pytest.approx(100 * (width - 1), abs=4 * (found["se_error_percent_mcse"] or 0))


def test_monte_carlo_errors_are_the_spread_of_their_measures() -> None:
    """Each MCSE against the SD of its measure over 2,000 simulations of 50 draws."""
    rng = np.random.default_rng(2)
    runs = []
    for _ in range(2000):
        error = np.sqrt(rng.chisquare(20, 50) / 20)
        estimate = rng.standard_normal(50)
        low, high = normal_interval(estimate, error, 0.95)
        runs.append({n: m.value for n, m in performance(Draws(estimate, np.zeros(50), error, low, high)).items()})
    for name in ("bias", "empirical_se", "model_se", "se_error_percent", "coverage", "mean_squared_error"):
        spread = np.std([run[name] for run in runs])
        said = np.sqrt(np.mean([run[f"{name}_mcse"] ** 2 for run in runs]))
        # Fifty draws are few for these large-sample formulas.
        assert said == pytest.approx(spread, rel=0.1), name
