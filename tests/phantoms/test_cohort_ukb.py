"""The cohort of ukb_thigh: marginals against the printed table, effects against a fit that the test does itself."""

from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

import phantoms
from containers.contract.errors import ItemFault
from tests.phantoms.cohort_reading import F64, Cohort, logistic

OUTCOMES = ("low_muscle_mass", "weak_grip", "sarcopenia", "death", "falls")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("ukb")
    phantoms.make("ukb_cohort", {"preset": "full", "seed": 7, "analyses": "headline"}, place)
    return place


@pytest.fixture(scope="module")
def cohort(folder: Path) -> Cohort:
    return Cohort(folder)


def outcomes(cohort: Cohort) -> dict[str, F64]:
    """EWGSOP2's cut-offs as the paper prints them."""
    man = cohort.text("sex") == "male"
    weak = cohort.number("grip_kg") < np.where(man, 27.0, 16.0)
    low = cohort.number("alm_kg") / cohort.number("height_m") ** 2 < np.where(man, 7.0, 5.5)
    return {
        "weak_grip": weak.astype(float),
        "low_muscle_mass": low.astype(float),
        "sarcopenia": (weak & low).astype(float),
        **{name: (cohort.text(name) == "yes").astype(float) for name in ("death", "falls")},
    }


def test_csv_and_parquet_hold_identical_numbers(folder: Path, cohort: Cohort) -> None:
    table = pyarrow.parquet.read_table(folder / "table.parquet").to_pydict()
    assert list(table) == list(cohort.columns)
    for name, column in table.items():
        if cohort.dictionary[name]["type"] == "number":
            assert [None if v == "" else float(v) for v in cohort.columns[name]] == column
        else:
            assert [v or None for v in cohort.columns[name]] == [None if v is None else str(v) for v in column]


def test_equal_parameters_give_equal_bytes_and_another_seed_another_table(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / name).mkdir()
        phantoms.make("ukb_cohort", {"seed": seed}, tmp_path / name)
    for file in ("table.csv", "table.parquet", "dictionary.json", "analyses.json", "phantom.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert (tmp_path / "a" / "table.csv").read_bytes() != (tmp_path / "c" / "table.csv").read_bytes()


def test_the_flow_leaves_the_paper_s_participants(cohort: Cohort) -> None:
    kept, flow = cohort.kept()
    assert len(kept) == 64_524
    assert kept.sum() == 37_004
    assert (kept & (cohort.text("sex") == "male")).sum() == 17_920
    assert flow == cohort.phantom["flow"]


def test_every_value_is_in_the_dictionary(cohort: Cohort) -> None:
    assert set(cohort.columns) == set(cohort.dictionary)
    for name, said in cohort.dictionary.items():
        if said["type"] == "category":
            assert set(cohort.columns[name]) <= {*said["levels"], ""}
        elif said["type"] == "number":
            x = cohort.number(name)
            assert np.nanmin(x) >= said["minimum"]
            assert np.nanmax(x) <= said["maximum"]
    assert len(set(cohort.columns["eid"])) == 64_524


# Table 1: mean and SD, men and women. The SDs of grip and ALMI follow from the logistic law within 15 %.
TABLE_1 = {
    "age_years": ((65.2, 7.9), (63.9, 7.7), 0.02),
    "bmi_kg_m2": ((27.0, 3.9), (26.1, 4.8), 0.03),
    "height_m": ((1.760, 0.067), (1.627, 0.063), 0.02),
    "grip_kg": ((39.3, 8.9), (24.1, 6.1), 0.15),
    "tmv_cm3": ((11166.4, 1689.8), (7586.2, 1076.1), 0.03),
    "almi": ((8.18, 0.95), (6.53, 0.84), 0.15),
    "pa_ratio": ((0.45, 0.05), (0.44, 0.06), 0.03),
}


@pytest.mark.parametrize("name", TABLE_1)
def test_marginals_are_those_of_table_1(cohort: Cohort, name: str) -> None:
    derived = {
        "almi": lambda: cohort.number("alm_kg") / cohort.number("height_m") ** 2,
        "pa_ratio": lambda: cohort.number("hamstrings_cm3") / cohort.number("quadriceps_cm3"),
    }
    x = derived[name]() if name in derived else cohort.number(name)
    kept, _ = cohort.kept()
    *sexes, sd_tolerance = TABLE_1[name]
    for sex, (mean, sd) in zip(("male", "female"), sexes, strict=True):
        own = x[kept & (cohort.text("sex") == sex)]
        assert abs(own.mean() - mean) < 5 * sd / np.sqrt(len(own)) + 0.004 * mean
        assert abs(own.std() / sd - 1) < sd_tolerance


def test_shares_of_outcomes_are_the_paper_s(cohort: Cohort) -> None:
    kept, _ = cohort.kept()
    printed = {"weak_grip": 2582 / 37004, "sarcopenia": 417 / 37004, "death": 431 / 24670, "falls": 4531 / 24670}
    for name, share in printed.items():
        y = outcomes(cohort)[name][kept]
        assert abs(y.mean() - share) < 4 * np.sqrt(share * (1 - share) / len(y))


def design(cohort: Cohort, exposure: F64, used: np.ndarray) -> F64:
    """Intercept, exposure and the text's covariates, of the rows used."""
    activity = cohort.text("activity")
    columns = [
        np.ones(len(used)),
        exposure,
        cohort.number("age_years"),
        cohort.text("sex") == "male",
        cohort.number("bmi_kg_m2"),
        activity == "moderate",
        activity == "high",
    ]
    return np.column_stack([column[used].astype(float) for column in columns])


TERMS = ("pa_third:high", "age_years", "sex:male", "bmi_kg_m2", "activity:moderate", "activity:high")


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_logistic_fit_finds_the_true_effects(cohort: Cohort, outcome: str) -> None:
    kept, _ = cohort.kept()
    ratio = cohort.number("hamstrings_cm3") / cohort.number("quadriceps_cm3")
    low, high = np.quantile(ratio[kept], [0.33, 0.67])
    used = kept & ((ratio <= low) | (ratio > high))
    beta, error = logistic(design(cohort, ratio > high, used), outcomes(cohort)[outcome][used])
    true = np.array([cohort.truth[f"coefficient.{outcome}_pa_text.{term}"] for term in TERMS])
    # 30 coefficients in all: the largest of them is beyond 4 SE once in 500 seeds.
    assert np.abs((beta[1:] - true) / error[1:]).max() < 4


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_asymmetry_has_no_effect(cohort: Cohort, outcome: str) -> None:
    kept, _ = cohort.kept()
    left, right = cohort.number("legs_lean_left_kg"), cohort.number("legs_lean_right_kg")
    asymmetry = np.abs(left - right) / np.maximum(left, right)
    low, high = np.quantile(asymmetry[kept], [0.33, 0.67])
    used = kept & ((asymmetry <= low) | (asymmetry > high))
    beta, error = logistic(design(cohort, asymmetry > high, used), outcomes(cohort)[outcome][used])
    assert cohort.truth[f"coefficient.{outcome}_lr_text.lr_third:high"] == 0
    assert abs(beta[1] / error[1]) < 4
    # The paper: median 3.1 %.
    assert abs(np.median(asymmetry[kept]) - 0.031) < 0.001


def test_correlations_and_declines_are_those_of_the_law(cohort: Cohort) -> None:
    kept, _ = cohort.kept()
    square = cohort.number("height_m") ** 2
    measures = {
        "almi": cohort.number("alm_kg") / square,
        "tvi": cohort.number("tmv_cm3") / square,
        "tmv": cohort.number("tmv_cm3"),
    }
    pairs = {
        "tmv_legs": (measures["tmv"], cohort.number("legs_lean_kg")),
        "tvi_almi": (measures["tvi"], measures["almi"]),
    }
    for (name, (x, y)), printed in zip(pairs.items(), (0.936, 0.885), strict=True):
        r = np.corrcoef(x[kept], y[kept])[0, 1]
        assert abs(np.arctanh(r) - np.arctanh(cohort.truth[f"correlation.{name}"])) < 5 / np.sqrt(kept.sum())
        assert abs(cohort.truth[f"correlation.{name}"] - printed) < 0.002
    age = cohort.number("age_years")
    for name, y in measures.items():
        for sex in ("male", "female"):
            own = kept & (cohort.text("sex") == sex)
            x = age[own] - age[own].mean()
            slope = 10 * (x @ y[own]) / (x @ x)
            error = 10 * y[own].std() / np.sqrt(x @ x)
            assert abs(slope - cohort.truth[f"slope.decline_{name}.sex:{sex}.age_years"]) < 4 * error


def test_odds_ratios_are_settings(tmp_path: Path) -> None:
    phantoms.make("ukb_cohort", {"odds_ratios": {"falls": 3.0}}, tmp_path)
    truth = Cohort(tmp_path).truth
    assert truth["odds_ratio.falls_pa_text.pa_third:high"] == 3.0
    assert truth["coefficient.falls_pa_text.pa_third:high"] == pytest.approx(1.0986122886681098, abs=1e-15)
    assert truth["odds_ratio.death_pa_text.pa_third:high"] == 1.49


@pytest.mark.parametrize(
    ("ratios", "line"),
    [
        ({"stroke": 2.0}, "no outcome 'stroke'"),
        ({"falls": -1.0}, "odds_ratios.falls: is -1.0"),
        ({"sarcopenia": 20.0, "weak_grip": 0.05}, "sarcopenia would be likelier"),
    ],
)
def test_impossible_settings_are_refused(tmp_path: Path, ratios: dict[str, float], line: str) -> None:
    with pytest.raises(ItemFault, match=line):
        phantoms.make("ukb_cohort", {"odds_ratios": ratios}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_measurement_error_changes_the_measured_volumes_only(tmp_path: Path) -> None:
    error = {"pa_error_bias": 0.05, "pa_error_sd": 0.1, "tmv_error_bias": -0.02, "tmv_error_sd": 0.03}
    for name, more in (("without", {}), ("with", error)):
        (tmp_path / name).mkdir()
        phantoms.make("ukb_cohort", {"seed": 3, **more}, tmp_path / name)
    without, measured = Cohort(tmp_path / "without"), Cohort(tmp_path / "with")
    volumes = {"tmv_cm3", "tmv_kg", "hamstrings_cm3", "quadriceps_cm3"}
    assert {n for n in without.columns if without.columns[n] != measured.columns[n]} == volumes
    assert without.truth == measured.truth
    ratios = [c.number("hamstrings_cm3") / c.number("quadriceps_cm3") for c in (measured, without)]
    for log, (bias, sd) in (
        (np.log(ratios[0] / ratios[1]), (0.05, 0.1)),
        (np.log(measured.number("tmv_cm3") / without.number("tmv_cm3")), (-0.02, 0.03)),
    ):
        assert abs(log.mean() - bias) < 4 * sd / np.sqrt(len(log))
        assert abs(log.std() / sd - 1) < 4 / np.sqrt(2 * len(log))
