"""Kinds c_index, optimism, calibration and nomogram through the stage: the numbers of r/prediction.R, and faults."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.association.conftest import RunStage, metric
from tests.association.made import N, cohort
from tests.association.test_c_index import AUC, BOOTSTRAP_INTERVAL, DELONG_INTERVAL, DELONG_SE
from tests.association.test_calibration import CORRECTED, MEAN_ERROR, SHOWN
from tests.association.test_nomogram import BMI_POINTS, LP_POINTS, PROBABILITY_POINTS
from tests.association.test_resampling import DXY_CORRECTED, INTERCEPT, SLOPE

COLUMNS = {
    "eid": {"type": "id"},
    "age": {"type": "number", "unit": "years"},
    "bmi": {"type": "number", "unit": "kg/m2"},
    "sex": {"type": "category", "levels": ["female", "male"]},
    "g": {"type": "category", "levels": ["a", "b", "c"]},
    "site": {"type": "category", "levels": ["one", "two"]},
    "pain": {"type": "category", "levels": ["no", "yes"]},
}
MODEL = {"kind": "logistic", "outcome": "pain", "terms": ["age", "bmi", "sex", "g"]}


def table() -> dict[str, list[Any]]:
    c = cohort()
    return {
        "eid": [f"p{k}" for k in range(N)],
        "age": c["age"].tolist(),
        "bmi": c["bmi"].tolist(),
        "sex": [COLUMNS["sex"]["levels"][int(v)] for v in c["sex"]],
        "g": [COLUMNS["g"]["levels"][int(v)] for v in c["g"]],
        "site": [COLUMNS["site"]["levels"][k % 2] for k in range(N)],
        "pain": [COLUMNS["pain"]["levels"][int(v)] for v in c["y"]],
    }


def ask(kind: str, **fields: Any) -> dict[str, Any]:
    return {"analyses": [{"id": "a", "kind": kind, "model": MODEL, **fields}]}


def test_c_index(run_stage: RunStage) -> None:
    record = run_stage(table(), COLUMNS, ask("c_index", resamples=60, seed=7))
    assert metric(record, "c_index.a") == pytest.approx(AUC, rel=1e-10)
    assert metric(record, "c_index_se.a") == pytest.approx(DELONG_SE, rel=1e-9)
    ends = [metric(record, f"c_index_{side}.a") for side in ("low", "high")]
    assert ends == pytest.approx(DELONG_INTERVAL, rel=1e-9)
    ends = [metric(record, f"c_index_{side}.a.bootstrap") for side in ("low", "high")]
    assert ends == pytest.approx(BOOTSTRAP_INTERVAL, rel=1e-9)
    assert len(record["results"]["analyses"]["a"]["bootstrap"]["draws_sha256"]) == 64


def test_optimism(run_stage: RunStage) -> None:
    record = run_stage(table(), COLUMNS, ask("optimism", resamples=60, seed=7))
    assert 2 * metric(record, "c_index_corrected.a") - 1 == pytest.approx(DXY_CORRECTED, rel=1e-9)
    assert metric(record, "c_index.a") - metric(record, "optimism.a") == pytest.approx(
        metric(record, "c_index_corrected.a"), rel=1e-14
    )
    assert metric(record, "calibration_intercept.a.corrected") == pytest.approx(INTERCEPT, rel=1e-7)
    assert metric(record, "calibration_slope.a.corrected") == pytest.approx(SLOPE, rel=1e-7)


def test_calibration(run_stage: RunStage) -> None:
    record = run_stage(table(), COLUMNS, ask("calibration", resamples=60, seed=7))
    assert metric(record, "calibration_error_mean.a") == pytest.approx(MEAN_ERROR, rel=1e-7)
    assert metric(record, "calibration_slope.a.corrected") == pytest.approx(SLOPE, rel=1e-7)
    apparent = record["metrics"]["calibration_slope.a.apparent"]
    assert apparent["value"] == pytest.approx(1.0, abs=1e-9) and "whatever the model" in apparent["note"]
    assert metric(record, "calibration_intercept.a.apparent") == pytest.approx(0.0, abs=1e-9)
    curve = record["results"]["analyses"]["a"]["curve"]
    assert [curve["corrected"][k] for k in SHOWN] == pytest.approx(CORRECTED, rel=1e-7)


def test_nomogram(run_stage: RunStage) -> None:
    record = run_stage(table(), COLUMNS, ask("nomogram", probabilities=[0.1, 0.3, 0.5, 0.7]))
    assert metric(record, "points.a.sex:male") == pytest.approx(46.510561473959, rel=1e-9)
    assert metric(record, "points.a.sex:female") == 0.0
    assert metric(record, "points.a.g:c") == pytest.approx(33.477211230943, rel=1e-9)
    assert metric(record, "points.a.age") == pytest.approx(100.0)
    assert metric(record, "points.a.bmi") == pytest.approx(BMI_POINTS[-1], rel=1e-9)
    points = [metric(record, f"points.a.probability:{p}") for p in (0.1, 0.3, 0.5, 0.7)]
    assert points == pytest.approx(PROBABILITY_POINTS, rel=1e-9)
    told = record["results"]["analyses"]["a"]
    assert [axis["variable"] for axis in told["axes"]] == MODEL["terms"]
    assert told["axes"][1]["points"] == pytest.approx(BMI_POINTS, rel=1e-9, abs=1e-9)
    assert told["linear_predictor"]["total_points"] == pytest.approx(LP_POINTS, rel=1e-9)


def test_mixed_model_has_a_c_index_and_a_nomogram(run_stage: RunStage) -> None:
    mixed = {**MODEL, "kind": "mixed_logistic", "group": "site"}
    analyses = [
        {"id": "c", "kind": "c_index", "model": mixed, "resamples": 0},
        {"id": "n", "kind": "nomogram", "model": mixed},
    ]
    record = run_stage(table(), COLUMNS, {"analyses": analyses})
    # Two sites drawn by turns differ little, so the fixed effects are nearly those of the plain model.
    assert metric(record, "c_index.c") == pytest.approx(AUC, abs=0.005)
    assert metric(record, "points.n.sex:male") == pytest.approx(46.5, abs=2)
    assert not any(name.endswith("bootstrap") for name in record["metrics"])


def test_one_seed_gives_one_result_and_another_another(run_stage: RunStage) -> None:
    first, again, other = (
        metric(run_stage(table(), COLUMNS, ask("optimism", resamples=5, seed=seed)), "optimism.a") for seed in (1, 1, 2)
    )
    assert first == again != other


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "interaction": (
        ask("nomogram")
        | {"analyses": [{"id": "a", "kind": "nomogram", "model": {**MODEL, "interactions": [["age", "bmi"]]}}]},
        "no single axis",
    ),
    "mixed optimism": (ask("optimism", model={**MODEL, "kind": "mixed_logistic", "group": "site"}), "model.kind"),
    "no resamples": (ask("optimism", resamples=0), "resamples"),
    "probability": (ask("nomogram", probabilities=[1.0]), "probabilities"),
    "unknown field": (ask("c_index", sead=3), "sead"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_one_line(refused: Callable[..., str], name: str) -> None:
    analyses, said = FAULTS[name]
    assert said in refused(table(), COLUMNS, analyses)


def test_zero_events_and_separation_name_what_is_wrong(refused: Callable[..., str]) -> None:
    none = table() | {"pain": ["no"] * N}
    assert "column pain" in refused(none, COLUMNS, ask("c_index"))
    split = table()
    split["pain"] = ["yes" if age > 60 else "no" for age in split["age"]]
    assert "complete separation" in refused(split, COLUMNS, ask("calibration"))


def test_few_rows_have_no_calibration_curve(refused: Callable[..., str]) -> None:
    short = {name: values[:10] for name, values in table().items()}
    short["pain"] = ["no", "yes"] * 5
    short["age"] = [50.0, 51, 52, 50, 53, 54, 52, 55, 51, 56]
    said = refused(short, COLUMNS, ask("calibration", model={**MODEL, "terms": ["age"]}))
    assert "at least 11 rows" in said
