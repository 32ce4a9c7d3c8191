"""Kinds logistic and firth_logistic through the stage: the numbers of R, strata, interactions, separation, errors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.stats

from tests.association.conftest import metric
from tests.association.made import N
from tests.association.made import cohort as made
from tests.association.test_firth import COEFFICIENTS as FIRTH
from tests.association.test_firth import HIGH as FIRTH_HIGH
from tests.association.test_firth import TESTS as FIRTH_TESTS
from tests.association.test_logistic import COEFFICIENTS, ERRORS, HIGH, LOG_LIKELIHOOD, LOW

RunStage = Callable[..., dict[str, Any]]
Refused = Callable[..., str]

P = [3.68778076645e-06, 1.27191946963e-05, 0.373822943048, 0.000331978814026, 0.140755418479, 0.530001646666]
NAMES = ["intercept", "age", "bmi", "sex:male", "g:b", "g:c"]
COLUMNS: dict[str, Any] = {
    "age": {"type": "number", "unit": "years"},
    "bmi": {"type": "number", "unit": "kg/m2"},
    "sex": {"type": "category", "levels": ["female", "male"]},
    "g": {"type": "category", "levels": ["a", "b", "c"]},
    "y": {"type": "category", "levels": ["no", "yes"]},
}
MODEL: dict[str, Any] = {"id": "m", "kind": "logistic", "outcome": "y", "terms": ["age", "bmi", "sex", "g"]}


def table(rows: int = N) -> dict[str, list[Any]]:
    c = made()
    columns = {
        "age": c["age"].tolist(),
        "bmi": c["bmi"].tolist(),
        "sex": [["female", "male"][int(v)] for v in c["sex"]],
        "g": ["abc"[int(v)] for v in c["g"]],
        "y": [["no", "yes"][int(v)] for v in c["y"]],
    }
    return {name: values[:rows] for name, values in columns.items()}


def terms(record: dict[str, Any], quantity: str, names: list[str] = NAMES, stratum: str = "") -> list[Any]:
    """Values of a quantity of analysis m for every term."""
    return [metric(record, ".".join(part for part in (quantity, "m", stratum, name) if part)) for name in names]


def test_the_numbers_are_those_of_r(run_stage: RunStage) -> None:
    record = run_stage(table(), COLUMNS, {"analyses": [MODEL]})
    np.testing.assert_allclose(terms(record, "coefficient"), COEFFICIENTS, rtol=1e-10)
    np.testing.assert_allclose(terms(record, "standard_error"), ERRORS, rtol=1e-10)
    np.testing.assert_allclose(terms(record, "profile_low"), LOW, rtol=1e-9)
    np.testing.assert_allclose(terms(record, "profile_high"), HIGH, rtol=1e-9)
    np.testing.assert_allclose(terms(record, "odds_ratio", NAMES[1:]), np.exp(COEFFICIENTS[1:]), rtol=1e-10)
    ends = terms(record, "profile_odds_ratio_high", NAMES[1:])
    np.testing.assert_allclose(ends, np.exp(HIGH[1:]), rtol=1e-9)
    # R: logLik(f); f$null.deviance; AIC(f); BIC(f)
    assert metric(record, "log_likelihood.m") == pytest.approx(LOG_LIKELIHOOD, rel=1e-13)
    assert metric(record, "null_deviance.m") == pytest.approx(408.5003721539544, rel=1e-13)
    assert metric(record, "aic.m") == pytest.approx(382.7083536565116, rel=1e-13)
    assert metric(record, "bic.m") == pytest.approx(406.6571409391595, rel=1e-13)
    # R: 2 * pnorm(-abs(z))
    z = np.array(COEFFICIENTS) / np.array(ERRORS)
    np.testing.assert_allclose(terms(record, "z"), z, rtol=1e-9)
    np.testing.assert_allclose(terms(record, "p"), P, rtol=1e-8)
    np.testing.assert_allclose(terms(record, "log10_p"), np.log10(terms(record, "p")), rtol=1e-12)
    np.testing.assert_allclose(
        terms(record, "interval_low"), np.array(COEFFICIENTS) - 1.959963984540054 * np.array(ERRORS), rtol=1e-9
    )
    assert [metric(record, f"{q}.m") for q in ("n", "events")] == [400, 83]
    assert not record["warnings"]


def test_results_hold_the_same_numbers(run_stage: RunStage) -> None:
    record = run_stage(table(), COLUMNS, {"analyses": [{**MODEL, "strata": "sex"}]})
    numbers = record["results"]["analyses"]["m"]["numbers"]
    named = {
        ".".join(part for part in (n["quantity"], "m", n.get("stratum"), n.get("term")) if part): n["value"]
        for n in numbers
    }
    assert named == {name: m["value"] for name, m in record["metrics"].items()}


def test_strata_are_models_of_their_own(run_stage: RunStage) -> None:
    record = run_stage(table(), COLUMNS, {"analyses": [{**MODEL, "strata": "sex"}]})
    inside = ["intercept", "age", "bmi", "g:b", "g:c"]
    # R: glm(y ~ age + bmi + g, binomial, subset = sex == 0 (female), 1 (male)): coef; logLik
    female = [-5.408511783441206, 0.05466438186494093, 0.00877436782483647, -0.2589640376467145, 0.02408305989368016]
    male = [-4.945152759077256, 0.04933506021582078, 0.03829128966286265, -0.6781048658912336, 0.2952179602920645]
    np.testing.assert_allclose(terms(record, "coefficient", inside, "sex:female"), female, rtol=1e-9)
    np.testing.assert_allclose(terms(record, "coefficient", inside, "sex:male"), male, rtol=1e-9)
    assert metric(record, "log_likelihood.m.sex:female") == pytest.approx(-83.78936159309731, rel=1e-12)
    assert metric(record, "log_likelihood.m.sex:male") == pytest.approx(-100.8669921947164, rel=1e-12)
    assert metric(record, "n.m.sex:female") + metric(record, "n.m.sex:male") == metric(record, "n.m") == 400
    np.testing.assert_allclose(terms(record, "coefficient"), COEFFICIENTS, rtol=1e-10)


def test_interactions_are_tested_one_by_one(run_stage: RunStage) -> None:
    asked = {**MODEL, "interactions": [["age", "sex"], ["sex", "g"]], "intervals": ["wald"]}
    record = run_stage(table(), COLUMNS, {"analyses": [asked]})
    # R: fi <- glm(y ~ age + bmi + sex + g + age:sex + sex:g, binomial, control = con)
    coefficients = [
        -5.876143746426222, 0.05458348231735855, 0.02539073284939867, 1.347203980360216, -0.2592443130527575,
        0.02984901631782226, -0.006107898373041508, -0.4104940588234186, 0.2759675414487106,
    ]  # fmt: skip
    names = [*NAMES, "age*sex:male", "sex:male*g:b", "sex:male*g:c"]
    np.testing.assert_allclose(terms(record, "coefficient", names), coefficients, rtol=1e-9)
    # R: f1 <- update(fi, . ~ . - age:sex); f1$deviance - fi$deviance; the same without sex:g; pchisq
    tests = {
        "age*sex": (0.06579121455115455, 1, 0.7975663387948204),
        "sex*g": (1.079468388263535, 2, 0.582903170867383),
    }
    for term, (chi2, df, p) in tests.items():
        assert metric(record, f"lr_chi2.m.{term}") == pytest.approx(chi2, rel=1e-9)
        assert metric(record, f"lr_df.m.{term}") == df
        assert metric(record, f"lr_p.m.{term}") == pytest.approx(p, rel=1e-9)
    assert not any(name.startswith("profile") for name in record["metrics"])


def test_scale_changes_the_odds_ratio_only(run_stage: RunStage) -> None:
    record = run_stage(table(), COLUMNS, {"analyses": [{**MODEL, "scale": {"age": 10}}]})
    assert metric(record, "coefficient.m.age") == pytest.approx(COEFFICIENTS[1], rel=1e-10)
    assert metric(record, "odds_ratio.m.age") == pytest.approx(np.exp(10 * COEFFICIENTS[1]), rel=1e-9)
    assert metric(record, "profile_odds_ratio_low.m.age") == pytest.approx(np.exp(10 * LOW[1]), rel=1e-9)
    assert metric(record, "odds_ratio.m.bmi") == pytest.approx(np.exp(COEFFICIENTS[2]), rel=1e-10)


def test_restriction_leaves_the_middle_out(run_stage: RunStage) -> None:
    """Highest against lowest, the middle left out: the same as a table without its rows and a column of two levels."""
    record = run_stage(table(), COLUMNS, {"analyses": [{**MODEL, "restrict": {"g": ["c", "a"]}}]})
    kept = [k for k, level in enumerate(table()["g"]) if level != "b"]
    smaller = {name: [values[k] for k in kept] for name, values in table().items()}
    columns = {**COLUMNS, "g": {"type": "category", "levels": ["a", "c"]}}
    other = run_stage(smaller, columns, {"analyses": [MODEL]})
    assert record["metrics"] == other["metrics"] and metric(record, "n.m") == len(kept)
    counts = [metric(record, f"level_events.m.g:{level}") for level in "ac"]
    assert sum(counts) == metric(record, "events.m")


def test_the_order_of_rows_does_not_matter(run_stage: RunStage) -> None:
    order = np.random.default_rng(5).permutation(N)
    shuffled = {name: [values[k] for k in order] for name, values in table().items()}
    one, other = (run_stage(t, COLUMNS, {"analyses": [MODEL]}) for t in (table(), shuffled))
    for name, value in one["metrics"].items():
        assert other["metrics"][name]["value"] == pytest.approx(value["value"], rel=1e-9)


def test_another_order_of_levels_turns_the_sign(run_stage: RunStage) -> None:
    columns = {**COLUMNS, "sex": {"type": "category", "levels": ["male", "female"]}}
    record = run_stage(table(), columns, {"analyses": [MODEL]})
    assert metric(record, "coefficient.m.sex:female") == pytest.approx(-COEFFICIENTS[3], rel=1e-9)
    assert metric(record, "profile_low.m.sex:female") == pytest.approx(-HIGH[3], rel=1e-9)


def test_firth_through_the_stage(run_stage: RunStage) -> None:
    record = run_stage(table(60), COLUMNS, {"analyses": [{**MODEL, "kind": "firth_logistic"}]})
    np.testing.assert_allclose(terms(record, "coefficient"), FIRTH, rtol=1e-7)
    np.testing.assert_allclose(terms(record, "profile_high"), FIRTH_HIGH, rtol=1e-7)
    np.testing.assert_allclose(terms(record, "lr_chi2", NAMES[1:]), FIRTH_TESTS, rtol=1e-7)


def _separated() -> dict[str, list[Any]]:
    """Nobody at level b has the event."""
    columns = table()
    return {**columns, "y": ["no" if g == "b" else y for g, y in zip(columns["g"], columns["y"], strict=True)]}


def test_separation_is_named_and_nothing_huge_is_given(run_stage: RunStage) -> None:
    record = run_stage(_separated(), COLUMNS, {"analyses": [MODEL]})
    assert record["warnings"] == [
        "analysis m: quasi-complete separation: no finite estimate of g:b; kind firth_logistic gives a finite estimate"
    ]
    note = (
        "no finite estimate (towards -infinity): quasi-complete separation; kind firth_logistic gives a finite estimate"
    )
    for quantity in ("coefficient", "standard_error", "z", "p", "log10_p", "interval_low", "odds_ratio"):
        assert record["metrics"][f"{quantity}.m.g:b"]["value"] is None
        assert record["metrics"][f"{quantity}.m.g:b"]["note"] == note
    low, high = (record["metrics"][f"profile_{side}.m.g:b"] for side in ("low", "high"))
    assert low["value"] is None and low["note"].startswith("unbounded: quasi-complete separation")
    assert high["value"] < 0 and record["metrics"]["profile_odds_ratio_high.m.g:b"]["value"] < 1
    # The others are those of the rows without the level, profile intervals too.
    rest = {"restrict": {"g": ["a", "c"]}}
    other = run_stage(_separated(), COLUMNS, {"analyses": [{**MODEL, **rest}]})
    for quantity in ("coefficient", "standard_error", "profile_low", "profile_high"):
        for term in ("age", "bmi", "sex:male", "g:c"):
            name = f"{quantity}.m.{term}"
            assert metric(record, name) == pytest.approx(metric(other, name), rel=1e-7), name
    assert metric(record, "log_likelihood.m") == pytest.approx(metric(other, "log_likelihood.m"), rel=1e-12)


def test_firth_is_finite_under_separation(run_stage: RunStage) -> None:
    record = run_stage(_separated(), COLUMNS, {"analyses": [{**MODEL, "kind": "firth_logistic"}]})
    assert all(m["value"] is not None for m in record["metrics"].values())
    assert -10 < metric(record, "coefficient.m.g:b") < -1
    assert (
        metric(record, "profile_low.m.g:b") < metric(record, "coefficient.m.g:b") < metric(record, "profile_high.m.g:b")
    )


def test_complete_separation_leaves_no_estimate(run_stage: RunStage) -> None:
    columns = {**table(), "y": ["yes" if age > 60 else "no" for age in table()["age"]]}
    record = run_stage(columns, COLUMNS, {"analyses": [{**MODEL, "terms": ["age"]}]})
    assert "complete separation: no finite estimate of intercept, age" in record["warnings"][0]
    assert metric(record, "log_likelihood.m") == 0
    assert record["metrics"]["profile_high.m.age"]["value"] is None
    assert metric(record, "profile_low.m.age") > 0
    assert record["metrics"]["profile_odds_ratio_high.m.age"]["note"].startswith("unbounded")


def test_the_end_that_complete_separation_leaves_is_exact(run_stage: RunStage) -> None:
    """y is 1 from age 30 on: at the ends, half the 95 % quantile of chi-square is lost, from the supremum 0."""
    cohort = {"age": [float(k) for k in range(60)], "y": ["yes" if k >= 30 else "no" for k in range(60)]}
    columns = {name: COLUMNS[name] for name in cohort}
    record = run_stage(cohort, columns, {"analyses": [{**MODEL, "terms": ["age"]}]})
    age, sign = np.arange(60.0), np.where(np.arange(60) >= 30, 1.0, -1.0)

    def lost(intercept: float, slope: float) -> float:
        return float(np.logaddexp(0.0, -sign * (intercept + slope * age)).sum())

    half = scipy.stats.chi2.isf(0.05, 1) / 2
    end = metric(record, "profile_high.m.intercept")
    best = scipy.optimize.minimize_scalar(lambda slope: lost(end, slope), bracket=(-end / 40, -end / 20), tol=1e-12)
    assert best.fun == pytest.approx(half, rel=1e-8)
    end = metric(record, "profile_low.m.age")
    best = scipy.optimize.minimize_scalar(lambda b: lost(b, end), bracket=(-40 * end, -20 * end), tol=1e-12)
    assert best.fun == pytest.approx(half, rel=1e-8)


def test_p_values_beyond_the_range_of_numbers_have_a_logarithm(run_stage: RunStage) -> None:
    n = 40_000
    sex = ["female", "male"] * (n // 2)
    y = ["yes" if (k % 2 == 0) == (k % 20 < 18) else "no" for k in range(n)]
    record = run_stage({"sex": sex, "y": y}, COLUMNS_TWO, {"analyses": [{**MODEL, "terms": ["sex"]}]})
    z = metric(record, "z.m.sex:male")
    assert abs(z) > 100 and metric(record, "p.m.sex:male") == 0
    # Mills' ratio: log10 of 2 phi(z) / |z| (1 - 1/z^2)
    expected = (np.log(2 / np.sqrt(2 * np.pi) / abs(z) * (1 - 1 / z**2)) - z * z / 2) / np.log(10)
    assert metric(record, "log10_p.m.sex:male") == pytest.approx(expected, rel=1e-9)


COLUMNS_TWO = {name: COLUMNS[name] for name in ("sex", "y")}
CONSTANT = {**COLUMNS, "c": {"type": "number", "unit": "1"}, "d": {"type": "number", "unit": "1"}}


def _and(**columns: Any) -> dict[str, list[Any]]:
    base = table()
    return {**base, "c": [1.0] * N, "d": [1.0] * N, **columns}


@pytest.mark.parametrize(
    ("columns", "change", "said"),
    [
        ({}, {"terms": ["age", "c"]}, "analysis m, column c: has the same value in every row"),
        (
            {"c": [2.0 * a - 30 for a in table()["age"]]},
            {"terms": ["age", "bmi", "c"]},
            "analysis m: c is perfectly collinear with age",
        ),
        (
            {"c": [float(a) for a in range(N)], "d": [3.0 * i - b for i, b in enumerate(table()["bmi"])]},
            {"terms": ["age", "c", "bmi", "d"]},
            "analysis m: d is perfectly collinear with c and bmi",
        ),
        (
            {"g": ["a" if s == "male" else g for s, g in zip(table()["sex"], table()["g"], strict=True)]},
            {"interactions": [["sex", "g"]]},
            "analysis m: sex:male*g:b is constant",
        ),
        ({"y": ["no"] * N}, {}, "analysis m, column y: no row has the event 'yes'"),
        (
            {"y": ["no" if s == "male" else y for s, y in zip(table()["sex"], table()["y"], strict=True)]},
            {"strata": "sex", "terms": ["age"]},
            "analysis m, column y: no row of stratum sex:male has the event 'yes'",
        ),
        ({"sex": ["male"] * N}, {}, "analysis m, column sex: has the same level in every row"),
        ({"g": ["a", "c"] * (N // 2)}, {}, "analysis m, column g: no row has level 'b'"),
        ({"age": [None] * N}, {}, "analysis m: no row has a value in every column it uses"),
        ({}, {"terms": ["age", "height"]}, "column height: is not a column here"),
        ({}, {"outcome": "age", "terms": ["bmi"]}, "column age: is a number, where a category is needed"),
        ({}, {"outcome": "g", "terms": ["bmi"]}, "column g: has 3 levels (a, b, c), where two are needed"),
        ({}, {"restrict": {"g": ["a", "z"]}}, "analysis m, column g: restricts to level 'z', which is none"),
        ({}, {"restrict": {"age": ["a"]}}, "column age: is a number, where a category is needed"),
        ({}, {"scale": {"sex": 2}}, "analysis m, column sex: is scaled, and is not a number"),
        ({}, {"scale": {"age": 0}}, "scale of 'age' is not above 0"),
        ({}, {"interactions": [["age", "c"]]}, "interaction ['age', 'c'] has 'c', which is not in terms"),
        ({}, {"terms": ["age", "age"]}, "term 'age' is given twice"),
        ({}, {"terms": ["y"]}, "outcome 'y' is also a term"),
        ({}, {"level": 95}, "level: Input should be less than 1"),
        ({}, {"kind": "logit"}, "analyses.0 (m): kind is 'logit'"),
        ({}, {"intervals": ["bootstrap"]}, "intervals.0: Input should be 'wald' or 'profile'"),
        ({}, {"levels": 0.9}, "levels: Extra inputs are not permitted"),
        ({}, {"id": "a.b"}, "id: String should match pattern"),
        ({}, {"strata": "sex", "terms": ["sex"]}, "analysis m, column sex: is both the only term and the strata"),
    ],
)
def test_bad_input_is_one_line(refused: Refused, columns: dict[str, Any], change: dict[str, Any], said: str) -> None:
    assert said in refused(_and(**columns), CONSTANT, {"analyses": [{**MODEL, **change}]})


def test_an_id_is_given_once(refused: Refused) -> None:
    assert "id 'm' is given twice" in refused(table(), COLUMNS, {"analyses": [MODEL, MODEL]})


def test_few_rows_for_many_terms(refused: Refused) -> None:
    small = {name: values[:6] for name, values in table().items()}
    small |= {"g": ["a", "b", "c"] * 2, "y": ["no", "yes"] * 3, "sex": ["male", "male", "female"] + ["female"] * 3}
    assert "6 rows for 6 coefficients" in refused(small, COLUMNS, {"analyses": [MODEL]})


def test_equal_input_gives_equal_bytes(run_stage: RunStage, tmp_path: Any) -> None:
    texts = []
    for _ in range(2):
        run_stage(table(), COLUMNS, {"analyses": [{**MODEL, "strata": "sex"}]})
        folder = tmp_path / "out" / "cohort"
        texts.append([(folder / f"{name}.json").read_bytes() for name in ("record", "results", "flow")])
    assert texts[0] == texts[1]
