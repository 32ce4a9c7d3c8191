"""The cohort of nako_cbp: marginals against the printed table, effects against a fit that the test does itself."""

import math
from pathlib import Path

import numpy as np
import pytest

import phantoms
from tests.phantoms.cohort_reading import F64, Cohort, logistic

COVARIATES = (
    "age_years", "sex:male", "diabetes:yes", "dyslipidemia:yes", "osteoporosis:yes", "osteoarthritis:yes",
    "activity:low", "activity:high",
)  # fmt: skip
BURDEN = ("activity:low", "activity:high", "osteoarthritis:yes", "osteoporosis:yes")


@pytest.fixture(scope="module", params=["whole_sample", "age_sex_adjusted"])
def cohort(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    place = tmp_path_factory.mktemp("nako")
    phantoms.make("nako_cohort", {"preset": "full", "seed": 5, "z_definition": request.param}, place)
    return Cohort(place)


def test_the_flow_leaves_the_paper_s_participants(cohort: Cohort) -> None:
    kept, flow = cohort.kept()
    assert (len(kept), kept.sum()) == (30_868, 27_518)
    assert (kept & (cohort.text("sex") == "male")).sum() == 15_325
    assert flow == cohort.phantom["flow"]
    missing = {n: int((kept & (cohort.text(n) == "")).sum()) for n in ("diabetes", "dyslipidemia", "osteoporosis")}
    assert missing == {"diabetes": 26, "dyslipidemia": 168, "osteoporosis": 80}


def test_marginals_are_those_of_table_1(cohort: Cohort) -> None:
    kept, _ = cohort.kept()
    assert np.allclose(np.quantile(cohort.number("age_years")[kept], [0.25, 0.5, 0.75]), [41, 49, 57], atol=0.6)
    # Both groups of Table 1 together.
    for name, mean, sd in (("lmm_cm3_m2_kg", 26.62, 6.65), ("intermat_percent", 6.63, 2.46)):
        x = cohort.number(name)[kept]
        assert abs(x.mean() - mean) < 0.02 * mean
        assert abs(x.std() - sd) < 0.03 * sd
    n = kept.sum()
    for name, level, share in (
        ("chronic_back_pain", "yes", 6003 / 27518),
        ("activity", "average", 12826 / 27518),
        ("activity", "low", 3800 / 27518),
        ("osteoarthritis", "yes", 5542 / 27518),
        ("osteoporosis", "yes", 593 / 27518),
        ("diabetes", "yes", 1202 / 27518),
        ("dyslipidemia", "yes", 6107 / 27518),
    ):
        found = (cohort.text(name)[kept] == level).mean()
        assert abs(found - share) < 4 * math.sqrt(share * (1 - share) / n) + 0.001


def z(cohort: Cohort, name: str, kept: np.ndarray) -> F64:
    """By the definition that the phantom says it used."""
    x = cohort.number(name)
    if cohort.phantom["parameters"]["z_definition"] == "age_sex_adjusted":
        design = np.column_stack([np.ones(len(x)), cohort.number("age_years"), cohort.text("sex") == "male"]).astype(
            float
        )
        x = x - design @ np.linalg.lstsq(design[kept], x[kept], rcond=None)[0]
    return (x - x[kept].mean()) / x[kept].std(ddof=1)


def column(cohort: Cohort, term: str) -> F64:
    name, _, level = term.partition(":")
    return (cohort.text(name) == level).astype(float) if level else cohort.number(name)


@pytest.mark.parametrize(("model", "terms"), [("cbp", COVARIATES), ("burden", BURDEN)])
def test_a_fit_within_sites_finds_the_true_effects(cohort: Cohort, model: str, terms: tuple[str, ...]) -> None:
    """Sites as fixed effects: with 5,000 people a site, coefficients are those of the mixed model's law."""
    kept, _ = cohort.kept()
    y = cohort.text("chronic_back_pain") == "yes" if model == "cbp" else cohort.number("pi_nrs") >= 4
    used = kept & np.all([cohort.text(t.split(":")[0]) != "" for t in terms], axis=0)
    assert used.sum() == cohort.phantom["complete"][model]
    muscle = [z(cohort, name, kept) for name in ("lmm_cm3_m2_kg", "intermat_percent")]
    sites = [cohort.text("site") == f"site_{n}" for n in range(1, 6)]
    x = np.column_stack([c.astype(float) for c in (*muscle, *(column(cohort, t) for t in terms), *sites)])
    beta, error = logistic(x[used], y[used].astype(float))
    end = "_adjusted" if cohort.phantom["parameters"]["z_definition"] == "age_sex_adjusted" else ""
    names = [f"{model}{end}.z_lmm{end}", f"{model}{end}.z_intermat{end}", *(f"{model}{end}.{t}" for t in terms)]
    true = np.array([cohort.truth[f"coefficient.{name}"] for name in names])
    assert np.abs((beta[: len(true)] - true) / error[: len(true)]).max() < 4


def test_truth_is_the_paper_s_odds_ratios_per_two_z(cohort: Cohort) -> None:
    end = "_adjusted" if cohort.phantom["parameters"]["z_definition"] == "age_sex_adjusted" else ""
    for name, ratio in (("cbp", 0.87), ("burden", 0.63)):
        assert cohort.truth[f"odds_ratio.{name}{end}.z_lmm{end}"] == pytest.approx(ratio, rel=1e-14)
        assert cohort.truth[f"coefficient.{name}{end}.z_lmm{end}"] == pytest.approx(math.log(ratio) / 2, rel=1e-14)


def test_sites_differ_as_much_as_asked(tmp_path: Path) -> None:
    effects = []
    for seed in range(60):
        folder = tmp_path / str(seed)
        folder.mkdir()
        phantoms.make("nako_cohort", {"seed": seed, "site_sd": 0.4, "analyses": "headline"}, folder)
        cohort = Cohort(folder)
        assert cohort.truth["variance.cbp"] == pytest.approx(0.16)
        effects += [effect for outcome in cohort.phantom["site_effects"] for effect in outcome]
    # 600 normal numbers: the SD of their SD is 0.4 / sqrt(1200).
    assert abs(np.std(effects) - 0.4) < 4 * 0.4 / math.sqrt(1200)


def test_faults_change_the_analyses_and_nothing_else(tmp_path: Path) -> None:
    found = {}
    for fault in ("none", "site_ignored", "z_mixed_up"):
        (tmp_path / fault).mkdir()
        phantoms.make("nako_cohort", {"analyses": "headline", "fault": fault}, tmp_path / fault)
        found[fault] = Cohort(tmp_path / fault)
        assert found[fault].columns == found["none"].columns
        assert found[fault].truth == found["none"].truth
    assert [a["kind"] for a in found["site_ignored"].analyses["analyses"]] == ["logistic", "logistic"]
    assert found["none"].analyses["derive"][0]["adjust_for"] == []
    assert found["z_mixed_up"].analyses["derive"][0]["adjust_for"] == ["age_years", "sex"]
