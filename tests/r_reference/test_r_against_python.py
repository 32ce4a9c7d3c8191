"""Two implementations that share no code answer the same files: every number of both, compared."""

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from containers.contract.record import Record
from tests.r_reference.conftest import Question, ask_stage, category, number

pytestmark = pytest.mark.slow

# Relative, of a number that is not near 0. Degrees of freedom of CR2, and what is compared on its logarithm, apart.
LOGISTIC, MIXED, POOLED, DEGREES = 1e-8, 1e-6, 1e-5, 1e-3
# Numbers that are 0 at the optimum: both must be small.
AT_ZERO = {"gradient_max": 1e-6}

COLUMNS: dict[str, Any] = {
    "eid": {"type": "id"},
    "age_years": number("years", minimum=18, maximum=110, missing=[-1]),
    "sex": category("female", "male"),
    "site": category("a", "b", "c", "d", "e"),
    "desk": category("p", "q", "r"),
    "tmv_cm3": number("cm3", minimum=0),
    "legs_kg": number("kg"),
    "activity": category("low", "moderate", "high", missing=["unknown"]),
    "lmm": number("cm3 per kg/m2"),
    "intermat": number("%"),
    "grip_kg": number("kg"),
    "almi": number("kg/m2"),
    "cbp": category("no", "yes"),
    "pi_nrs": number(),
    "mri": category("no", "yes"),
}
SEXES = {"female": {"strength": 16, "quantity": 5.5}, "male": {"strength": 27, "quantity": 7.0}}
PREPARED: dict[str, Any] = {
    "exclusions": [
        {"id": "no_mri", "column": "mri", "keep": ["yes"]},
        {"id": "plausible", "column": "lmm", "at_least": 5, "at_most": 80},
        {"id": "complete", "complete": ["age_years"]},
    ],
    "derive": [
        {"column": "third", "kind": "quantile_groups", "of": "tmv_cm3", "rule": "percentiles_33_67", "by": ["sex"]},
        {"column": "z_lmm", "kind": "z_score", "of": "lmm", "adjust_for": ["age_years", "sex"]},
        {"column": "z_mat", "kind": "z_score", "of": "intermat"},
        {"column": "burden", "kind": "cut", "of": "pi_nrs", "at": [4], "labels": ["low", "high"]},
        {
            "column": "sarcopenia",
            "kind": "ewgsop2",
            "strength": "grip_kg",
            "quantity": "almi",
            "sex": "sex",
            "thresholds": SEXES,
        },
        {"column": "low_mass", "kind": "below", "of": "almi", "by": "sex", "thresholds": {"female": 5.5, "male": 7.0}},
        {"column": "density", "kind": "ratio", "of": ["legs_kg", "tmv_cm3"]},
    ],
}
MODEL: dict[str, Any] = {"kind": "logistic", "outcome": "cbp", "terms": ["z_lmm", "z_mat", "age_years", "sex"]}
MIXED_MODEL: dict[str, Any] = {**MODEL, "kind": "mixed_logistic", "group": "site"}
COHORT_ANALYSES: list[dict[str, Any]] = [
    {
        "id": "thirds",
        "kind": "logistic",
        "outcome": "cbp",
        "terms": ["third", "age_years", "sex", "activity"],
        "restrict": {"third": ["low", "high"]},
        "strata": "sex",
        "scale": {"age_years": 10},
    },
    {
        "id": "products",
        "kind": "logistic",
        "outcome": "burden",
        "terms": ["z_lmm", "z_mat", "activity"],
        "interactions": [["z_lmm", "z_mat"], ["z_lmm", "activity"]],
        "intervals": ["wald"],
        "level": 0.9,
    },
    {
        "id": "firth",
        "kind": "firth_logistic",
        "outcome": "sarcopenia",
        "terms": ["third", "age_years"],
        "restrict": {"sarcopenia": ["none", "confirmed"]},
    },
    {**MIXED_MODEL, "id": "laplace", "interactions": [["z_lmm", "z_mat"]], "scale": {"z_lmm": 2, "z_mat": 2}},
    {**MIXED_MODEL, "id": "agq", "nodes": 7, "strata": "sex", "intervals": ["profile"]},
    {**MIXED_MODEL, "id": "spread", "intervals": ["profile"], "level": 0.8},
    {**MIXED_MODEL, "id": "no_spread", "group": "desk", "intervals": ["profile"]},
    {"id": "grid", "kind": "combined_odds", "model": {**MIXED_MODEL, "nodes": 3}, "of": ["z_lmm", "z_mat"]},
    {"id": "inflation", "kind": "vif", "model": {**MODEL, "terms": ["z_lmm", "z_mat", "activity"]}},
    {"id": "c", "kind": "c_index", "model": MODEL, "resamples": 30, "seed": 7},
    {"id": "c_mixed", "kind": "c_index", "model": MIXED_MODEL, "resamples": 0},
    {"id": "optimism", "kind": "optimism", "model": MODEL, "resamples": 30, "seed": 3},
    {"id": "calibration", "kind": "calibration", "model": MODEL, "resamples": 30, "seed": 5},
    {"id": "points", "kind": "nomogram", "model": {**MODEL, "terms": ["z_lmm", "sex", "activity"]}},
    {"id": "points_mixed", "kind": "nomogram", "model": MIXED_MODEL, "probabilities": [0.1, 0.25, 0.5]},
    {"id": "r", "kind": "correlation", "of": ["tmv_cm3", "legs_kg"], "strata": "sex"},
    {"id": "agreement", "kind": "concordance", "of": ["tmv_cm3", "legs_kg"], "factor": 0.0016},
    {
        "id": "decline",
        "kind": "linear",
        "outcome": "tmv_cm3",
        "terms": ["age_years", "sex"],
        "strata": "sex",
        "slope_of": "age_years",
    },
    {"id": "share", "kind": "prevalence", "outcome": "low_mass", "by": "activity", "strata": "sex"},
    {"id": "trend", "kind": "trend", "outcome": "cbp", "by": "activity", "weights": [1, 2, 5]},
    {"id": "t", "kind": "ttest", "outcome": "intermat", "by": "cbp", "strata": "sex"},
    {
        "id": "t_printed",
        "kind": "ttest_summary",
        "groups": [
            {"label": "pain", "mean": 7.3, "sd": 2.8, "n": 6003},
            {"label": "none", "mean": 6.44, "sd": 2.32, "n": 21515},
        ],
    },
    {"id": "adjusted", "kind": "bonferroni", "of": ["p.thirds.third:high", "p.t.welch"]},
]

STUDIES: dict[str, Any] = {
    "id": {"type": "id"},
    "study": {"type": "label"},
    "effect": number(),
    "variance_in": number(),
    "age_years": number("years"),
    "muscle": category("erector", "multifidus", "psoas"),
}
EFFECT_ANALYSES: list[dict[str, Any]] = [
    *({"id": f"pool_{m}", "kind": "pooled", "method": m} for m in ("REML", "ML", "DL", "PM", "FE")),
    {"id": "knha", "kind": "pooled", "test": "knha", "prediction": "riley", "strata": "muscle"},
    {"id": "by_muscle", "kind": "subgroups", "by": "muscle"},
    {"id": "by_common", "kind": "subgroups", "by": "muscle", "tau2": "common", "test": "knha"},
    {
        "id": "age",
        "kind": "meta_regression",
        "moderators": ["age_years", "muscle"],
        "interactions": [["age_years", "muscle"]],
        "scale": {"age_years": 10},
    },
    {"id": "three", "kind": "three_level", "moderators": ["muscle"], "test": "t"},
    {"id": "three_ml", "kind": "three_level", "method": "ML", "sampling_correlation": 0.5},
    {"id": "between", "kind": "three_level", "variances": ["between"]},
    {"id": "variance", "kind": "likelihood_ratio", "full": {}, "reduced": {"variances": ["within"]}},
    {"id": "inflation", "kind": "vif", "model": {"kind": "three_level", "moderators": ["age_years", "muscle"]}},
    {"id": "robust", "kind": "robust", "moderators": ["muscle"], "readings": ["independent", "che"]},
    {"id": "egger", "kind": "egger", "levels": 2},
    {"id": "egger_three", "kind": "egger", "levels": 3},
    {"id": "fill", "kind": "trim_and_fill"},
    {"id": "fill_r0", "kind": "trim_and_fill", "estimator": "R0", "side": "left"},
]


def write_cohort(path: Path, rows: int) -> None:
    """People of five sites, with some values missing in each way that the dictionary knows."""
    seed = np.random.default_rng(3)
    age, male, site = np.round(seed.uniform(45, 82, rows), 1), seed.integers(0, 2, rows), seed.integers(0, 5, rows)
    activity = seed.integers(0, 3, rows)
    tmv = 7500 + 3500 * male - 30 * (age - 60) + seed.normal(0, 1000, rows)
    lmm = 26 + 3 * male - 0.1 * (age - 60) + seed.normal(0, 5, rows)
    fat = 6 + 0.05 * (age - 60) + seed.normal(0, 2, rows)
    logit = -1.6 + 0.04 * (age - 60) - 0.3 * male - 0.04 * (lmm - 26) + 0.15 * (fat - 6) + 0.25 * activity
    pain = seed.random(rows) < 1 / (1 + np.exp(-(logit + seed.normal(0, 0.4, 5)[site])))
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for i in range(rows):
            writer.writerow(
                [
                    f"p{i + 1:05d}",
                    -1 if seed.random() < 0.01 else age[i],
                    ("female", "male")[male[i]],
                    "abcde"[site[i]],
                    "pqr"[i % 3],
                    "" if seed.random() < 0.02 else round(tmv[i], 2),
                    round(tmv[i] * 0.0016 + seed.normal(0, 0.8), 4),
                    "unknown" if seed.random() < 0.02 else ("low", "moderate", "high")[activity[i]],
                    round(lmm[i], 4),
                    round(fat[i], 4),
                    round(24 + 14 * male[i] - 0.2 * (age[i] - 60) + seed.normal(0, 6), 2),
                    round(6.5 + 1.6 * male[i] - 0.02 * (age[i] - 60) + seed.normal(0, 0.8), 3),
                    ("no", "yes")[int(pain[i])],
                    int(np.clip(np.round(seed.normal(2 + 2 * pain[i], 2)), 0, 10)),
                    "no" if seed.random() < 0.05 else "yes",
                ]
            )


def write_effects(path: Path) -> None:
    """Fourteen studies of one to five effects each."""
    seed = np.random.default_rng(8)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(STUDIES)
        for study in range(14):
            shift, age = seed.normal(0.4, 0.35), round(seed.uniform(40, 70), 1)
            for k in range(1 + study % 5):
                variance = round(seed.uniform(0.02, 0.2), 4)
                effect = round(shift + seed.normal(0, 0.2) + seed.normal(0, math.sqrt(variance)), 4)
                muscle = ("erector", "multifidus", "psoas")[(study + k) % 3]
                writer.writerow([f"e{study}-{k}", f"study {study}", effect, variance, age, muscle])


def differences(ours: Record, theirs: Record, tolerance: Callable[[str], float]) -> list[str]:
    """One line per number of which the two say different things."""
    assert ours.error is None and theirs.error is None, (ours.error, theirs.error)
    lines = [f"only one has {name}" for name in sorted(ours.metrics.keys() ^ theirs.metrics.keys())]
    for name in sorted(ours.metrics.keys() & theirs.metrics.keys()):
        one, two = ours.metrics[name].value, theirs.metrics[name].value
        quantity = name.split(".")[0]
        if one is None or two is None:
            if (one is None) != (two is None):
                lines.append(f"{name}: {one} and {two}")
        elif quantity in AT_ZERO:
            if max(one, two) > AT_ZERO[quantity]:
                lines.append(f"{name}: {one} and {two} are not near 0")
        elif quantity == "p" or quantity.endswith("_p"):
            continue  # its decimal logarithm is compared, at a tolerance that does not grow with its size
        elif not math.isclose(one, two, rel_tol=tolerance(name), abs_tol=1e-10):
            lines.append(f"{name}: {one!r} and {two!r}")
    return lines


def cohort_tolerance(name: str) -> float:
    mixed = ("laplace", "agq", "spread", "no_spread", "grid", "c_mixed", "points_mixed")
    return MIXED if name.split(".")[1] in mixed else LOGISTIC


def effects_tolerance(name: str) -> float:
    return DEGREES if name.startswith("robust_df") else POOLED


@pytest.mark.usefixtures("rscript")
@pytest.mark.parametrize("threshold", [0, 10])
def test_cohort(tmp_path: Path, threshold: int) -> None:
    table = tmp_path / "cohort.csv"
    write_cohort(table, 900)
    analyses = (
        COHORT_ANALYSES if threshold == 0 else [a for a in COHORT_ANALYSES if a["kind"] in ("prevalence", "ttest")]
    )
    question = Question(table, COLUMNS, {**PREPARED, "analyses": analyses})
    both = [
        ask_stage(stage, tmp_path, {"one": question}, {"disclosure_threshold": threshold})["one"]
        for stage in ("association", "r_reference")
    ]
    assert differences(*both, cohort_tolerance) == []
    assert len(both[0].metrics) > (500 if threshold == 0 else 50)


def both_of_effects(folder: Path, analyses: list[dict[str, Any]]) -> list[Record]:
    table = folder / "effects.csv"
    write_effects(table)
    effects = {"study": "study", "measure": "given", "effect": "effect", "variance": "variance_in"}
    question = Question(table, STUDIES, {"effects": effects, "analyses": analyses})
    return [ask_stage(stage, folder, {"one": question})["one"] for stage in ("meta_analysis", "r_reference")]


@pytest.mark.usefixtures("rscript")
def test_effects(tmp_path: Path) -> None:
    both = both_of_effects(tmp_path, EFFECT_ANALYSES)
    assert differences(*both, effects_tolerance) == []
    assert len(both[0].metrics) > 400


@pytest.mark.usefixtures("rscript")
def test_correlated_effects(tmp_path: Path) -> None:
    asked = {"id": "r", "kind": "robust", "moderators": ["muscle"], "readings": ["correlated_effects"]}
    assert differences(*both_of_effects(tmp_path, [asked]), effects_tolerance) == []


def test_a_difference_is_found() -> None:
    def record(**values: float | None) -> Record:
        metrics = {
            name: {"value": v, "unit": "1", "note": "" if v is not None else "none"} for name, v in values.items()
        }
        stage = {"name": "s", "version": "1.0.0"}
        return Record.model_validate({"stage": stage, "item": "one", "status": "ok", "metrics": metrics})

    def tolerance(name: str) -> float:
        return 1e-6

    assert differences(record(a=1.0, gradient_max=1e-9), record(a=1.0 + 5e-7, gradient_max=1e-7), tolerance) == []
    assert differences(record(a=1.0), record(a=1.0 + 5e-6), tolerance)
    assert differences(record(a=None), record(a=1.0), tolerance)
    assert differences(record(a=1.0), record(b=1.0), tolerance)
    assert differences(record(gradient_max=1e-9), record(gradient_max=1e-5), tolerance)
