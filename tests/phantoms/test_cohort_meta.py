"""The studies of paraspinal_meta: counts, direction, and effects against what the settings say."""

from pathlib import Path

import numpy as np
import pytest

import phantoms
from containers.contract.errors import ItemFault
from tests.phantoms.cohort_reading import F64, Cohort


def made(folder: Path, **parameters: object) -> Cohort:
    folder.mkdir()
    phantoms.make("meta_studies", parameters, folder)
    return Cohort(folder)


def difference(cohort: Cohort) -> tuple[F64, F64]:
    """Cohen's d, turned so that positive is worse muscle, and its degrees of freedom."""
    n1, n2 = cohort.number("n_1"), cohort.number("n_2")
    df = n1 + n2 - 2
    pooled = np.sqrt(((n1 - 1) * cohort.number("sd_1") ** 2 + (n2 - 1) * cohort.number("sd_2") ** 2) / df)
    d = (cohort.number("mean_1") - cohort.number("mean_2")) / pooled
    return np.where(cohort.text("outcome") == "csa", -d, d), df


def test_there_are_14_studies_and_125_effects(tmp_path: Path) -> None:
    cohort = made(tmp_path / "a")
    assert len(cohort.columns["effect_id"]) == len(set(cohort.columns["effect_id"])) == 125
    assert len(set(cohort.columns["study"])) == 14
    for name in ("outcome", "comparison", "muscle", "level"):
        assert set(cohort.columns[name]) == set(cohort.dictionary[name]["levels"])


def test_draws_share_the_design_and_differ_in_the_results(tmp_path: Path) -> None:
    one, other = made(tmp_path / "a", seed=1), made(tmp_path / "b", seed=2)
    same = {n for n in one.columns if one.columns[n] == other.columns[n]}
    assert set(one.columns) - same == {"mean_1", "sd_1", "mean_2", "sd_2"}


def test_without_moderators_and_variance_every_effect_is_the_mean(tmp_path: Path) -> None:
    found = []
    for seed in range(40):
        cohort = made(tmp_path / str(seed), seed=seed, moderated=False, between=0, within=0, effects={"intercept": 0.8})
        assert cohort.truth["coefficient.overall.intercept"] == 0.8
        d, df = difference(cohort)
        found.append((1 - 3 / (4 * df - 1)) * d)
    # 5,000 independent effects with a variance of about 2 / 45 + 0.8^2 / 180 each.
    assert abs(np.mean(found) - 0.8) < 4 * np.sqrt((2 / 45 + 0.0036) * 1.4 / 5000)


def test_variances_are_between_and_within_studies(tmp_path: Path) -> None:
    between, within = [], []
    for seed in range(60):
        cohort = made(tmp_path / str(seed), seed=seed, moderated=False, between=0.5, within=0.1, group_size=10000)
        d, _ = difference(cohort)
        studies = [d[cohort.text("study") == name] for name in sorted(set(cohort.columns["study"]))]
        within += [own.var(ddof=1) for own in studies]
        between += [own.mean() - 0.5 for own in studies]
    assert np.mean(within) == pytest.approx(0.1, abs=0.01)
    # Means of studies have variance 0.5 + 0.1 mean(1 / effects) = 0.514; 840 of them.
    assert np.mean(np.square(between)) == pytest.approx(0.514, abs=4 * 0.514 * np.sqrt(2 / 840))


def test_moderators_have_the_effects_asked_for(tmp_path: Path) -> None:
    found = []
    for seed in range(30):
        cohort = made(tmp_path / str(seed), seed=seed, between=0, within=0, group_size=5000)
        d, _ = difference(cohort)
        columns = [
            np.ones(125),
            cohort.number("age_years"),
            cohort.number("female_percent") / 10,
            cohort.number("bmi_kg_m2"),
        ]
        terms = ["outcome:fi", "level:single", "muscle:multifidus", "comparison:op_non_op"]
        others = ["muscle:psoas_major", "muscle:multiple", "comparison:op_control", "comparison:opn_control"]
        for term in (*terms, *others):
            name, level = term.split(":")
            columns.append((cohort.text(name) == level).astype(float))
        found.append(np.linalg.lstsq(np.column_stack(columns), d, rcond=None)[0][4:8])
        true = [cohort.truth[f"coefficient.model_2.{term}"] for term in terms]
    errors = np.std(found, axis=0, ddof=1) / np.sqrt(len(found))
    assert (np.abs(np.mean(found, axis=0) - true) < 4 * errors + 1e-3).all()


def test_correlated_errors_are_correlated(tmp_path: Path) -> None:
    sums = []
    for seed in range(80):
        cohort = made(
            tmp_path / str(seed),
            seed=seed,
            moderated=False,
            between=0,
            within=0,
            sampling_correlation=0.7,
            group_size=400,
        )
        d, _ = difference(cohort)
        error = (d - 0.5) / np.sqrt(1 / cohort.number("n_1") + 1 / cohort.number("n_2"))
        own = error[cohort.text("study") == "study_01"]
        sums.append((own.sum() ** 2 - (own**2).sum()) / (len(own) * (len(own) - 1)))
    # Each is an estimate of the correlation from one study of 18 effects, with SD of about 1.
    assert abs(np.mean(sums) - 0.7) < 4 / np.sqrt(80)


def test_an_unknown_term_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ItemFault, match="no term 'height'"):
        made(tmp_path / "a", effects={"height": 1.0})
