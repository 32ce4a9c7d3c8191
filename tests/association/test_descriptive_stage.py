"""Kinds correlation, concordance, linear, prevalence, trend, ttest, ttest_summary and bonferroni through the stage."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from tests.association.conftest import RunStage, metric
from tests.association.made import N
from tests.association.test_correlation import MINI, WRIGHT
from tests.association.test_linear import COEFFICIENTS, ERRORS, SIGMA
from tests.association.test_linear import table as linear_table
from tests.association.test_prediction_stage import COLUMNS as PREDICTION_COLUMNS
from tests.association.test_prediction_stage import table as prediction_table
from tests.association.test_proportions import PATIENTS, SMOKERS
from tests.association.test_ttest import R_VALUES

COLUMNS: dict[str, Any] = PREDICTION_COLUMNS | {"tmv": {"type": "number", "unit": "cm3"}}
METERS = {
    "eid": {"type": "id"},
    "wright": {"type": "number", "unit": "l/min"},
    "mini": {"type": "number", "unit": "l/min"},
    "mini_per_second": {"type": "number", "unit": "l/s"},
    "flat": {"type": "number", "unit": "l/min"},
}
FLEISS = {
    "eid": {"type": "id"},
    "hospital": {"type": "category", "levels": ["a", "b", "c", "d"]},
    "smokes": {"type": "category", "levels": ["no", "yes"]},
}


def table() -> dict[str, list[Any]]:
    return prediction_table() | {"tmv": linear_table()[1].tolist()}


def meters() -> dict[str, list[Any]]:
    return {
        "eid": [str(k) for k in range(17)],
        "wright": WRIGHT.tolist(),
        "mini": MINI.tolist(),
        "mini_per_second": (MINI / 60).tolist(),
        "flat": [1.0] * 17,
    }


def fleiss() -> dict[str, list[Any]]:
    hospital, smokes = [], []
    for name, events, n in zip("abcd", SMOKERS.astype(int), PATIENTS.astype(int), strict=True):
        hospital += [name] * n
        smokes += ["yes"] * events + ["no"] * (n - events)
    return {"eid": [str(k) for k in range(len(smokes))], "hospital": hospital, "smokes": smokes}


def ask(kind: str, **fields: Any) -> dict[str, Any]:
    return {"analyses": [{"id": "a", "kind": kind, **fields}]}


def test_correlation(run_stage: RunStage) -> None:
    record = run_stage(meters(), METERS, ask("correlation", of=["wright", "mini"]))
    names = ("correlation.a", "correlation_low.a", "correlation_high.a", "t.a")
    found = [metric(record, name) for name in names]
    assert found == pytest.approx(
        [0.943279446890946, 0.846358808792465, 0.979731337351924, 11.0039382325898], rel=1e-12
    )
    assert (metric(record, "n.a"), metric(record, "df.a")) == (17, 15)


def test_correlation_by_stratum_and_on_a_line(run_stage: RunStage) -> None:
    record = run_stage(table(), COLUMNS, ask("correlation", of=["age", "tmv"], strata="sex"))
    assert metric(record, "n.a") == metric(record, "n.a.sex:female") + metric(record, "n.a.sex:male") == N
    # lm of r/descriptive.R: r = slope / se / sqrt(t^2 + df); slope per decade -324.6 of women, its 95 % interval
    # (-358.7, -290.5) by the normal quantile.
    t = -324.597810060214 / ((358.693180782402 - 290.502439338025) / 2 / 1.959963984540054)
    n = metric(record, "n.a.sex:female")
    assert metric(record, "correlation.a.sex:female") == pytest.approx(t / math.sqrt(t * t + n - 2), rel=1e-9)
    straight = meters() | {"mini": (WRIGHT * 2).tolist()}
    record = run_stage(straight, METERS, ask("correlation", of=["wright", "mini"]))
    assert metric(record, "correlation.a") == 1.0
    for name in ("correlation_low.a", "p.a", "log10_p.a"):
        assert record["metrics"][name]["value"] is None and "straight line" in record["metrics"][name]["note"]


def test_concordance(run_stage: RunStage) -> None:
    record = run_stage(meters(), METERS, ask("concordance", of=["wright", "mini"]))
    expected = {
        "mean_difference.a": -2.11764705882353,
        "mean_difference_low.a": -22.0488376966452,
        "sd.a.difference": 38.7651298736074,
        "limits_low.a": -78.097301611094,
        "limits_low_high.a": -43.341225312993,
        "limits_high_high.a": 108.618083791548,
        "concordance.a": 0.942742431427484,
        "concordance_low.a": 0.85049187316856,
    }
    for name, value in expected.items():
        assert metric(record, name) == pytest.approx(value, rel=1e-11)
    by_factor = run_stage(meters(), METERS, ask("concordance", of=["mini_per_second", "wright"], factor=60))
    assert metric(by_factor, "mean_difference.a") == pytest.approx(2.11764705882353, rel=1e-9)


def test_linear(run_stage: RunStage) -> None:
    terms = {"outcome": "tmv", "terms": ["age", "sex", "bmi"], "interactions": [["age", "sex"]]}
    record = run_stage(table(), COLUMNS, ask("linear", **terms))
    names = ("intercept", "age", "sex:male", "bmi", "age*sex:male")
    assert [metric(record, f"coefficient.a.{name}") for name in names] == pytest.approx(COEFFICIENTS, rel=1e-10)
    assert [metric(record, f"standard_error.a.{name}") for name in names] == pytest.approx(ERRORS, rel=1e-10)
    assert metric(record, "interval_low.a.bmi") == pytest.approx(33.704930640119, rel=1e-10)
    assert metric(record, "p.a.age*sex:male") == pytest.approx(5.53435664451054e-06, rel=1e-8)
    assert metric(record, "sd.a.residual") == pytest.approx(SIGMA, rel=1e-10)


@pytest.mark.parametrize(
    ("interval", "ends"),
    [("t", (-358.886190874655, -290.309429245773)), ("normal", (-358.693180782402, -290.502439338025))],
)
def test_decline_per_decade_by_sex(run_stage: RunStage, interval: str, ends: tuple[float, float]) -> None:
    fields = {"outcome": "tmv", "terms": ["age"], "strata": "sex", "slope_of": "age", "interval": interval}
    record = run_stage(table(), COLUMNS, ask("linear", **fields))
    assert metric(record, "slope.a.sex:female.age") == pytest.approx(-324.597810060214, rel=1e-10)
    assert metric(record, "slope.a.sex:male.age") == pytest.approx(-244.466401909364, rel=1e-10)
    found = [metric(record, f"slope_{side}.a.sex:female.age") for side in ("low", "high")]
    assert found == pytest.approx(ends, rel=1e-10)


def test_prevalence_and_trend(run_stage: RunStage) -> None:
    analyses = [
        {"id": "share", "kind": "prevalence", "outcome": "smokes", "by": "hospital"},
        {"id": "trend", "kind": "trend", "outcome": "smokes", "by": "hospital"},
    ]
    record = run_stage(fleiss(), FLEISS, {"analyses": analyses})
    assert metric(record, "prevalence.share.hospital:a") == pytest.approx(83 / 86)
    ends = [metric(record, f"prevalence_{side}.share.hospital:a") for side in ("low", "high")]
    assert ends == pytest.approx((0.902391288974392, 0.988066201922592), rel=1e-11)
    assert (metric(record, "events.share"), metric(record, "level_n.share.hospital:d")) == (372, 82)
    assert metric(record, "trend_z.trend.standard") ** 2 == pytest.approx(8.22492228519771, rel=1e-11)
    # By hand: P = 372 / 397; sum w (p - P) over the square root of P (1 - P) sum w^2 / n.
    share = 372 / 397
    top = sum(w * (e / n - share) for w, e, n in zip(range(1, 5), SMOKERS, PATIENTS, strict=True))
    below = share * (1 - share) * sum(w * w / n for w, n in zip(range(1, 5), PATIENTS, strict=True))
    assert metric(record, "trend_z.trend.as_printed") == pytest.approx(top / math.sqrt(below), rel=1e-12)
    assert "uncentred" in record["metrics"]["trend_z.trend.as_printed"]["note"]


def test_small_counts_cannot_be_had_by_subtraction(run_stage: RunStage) -> None:
    one_small = fleiss()
    keep = [k for k, name in enumerate(one_small["hospital"]) if name != "d" or k >= len(one_small["hospital"]) - 4]
    fewer = {name: [values[k] for k in keep] for name, values in one_small.items()}
    spec = ask("prevalence", outcome="smokes", by="hospital")
    shown = run_stage(fewer, FLEISS, spec)
    assert metric(shown, "level_n.a.hospital:d") == 4
    record = run_stage(fewer, FLEISS, spec, disclosure_threshold=10)
    hidden = [name for name in "abcd" if metric(record, f"level_n.a.hospital:{name}") is None]
    assert "d" in hidden and len(hidden) == 2
    for name in hidden:
        assert metric(record, f"prevalence.a.hospital:{name}") is None


def test_ttest_from_data_and_from_summary_statistics(run_stage: RunStage) -> None:
    groups = [
        {"label": "no", "mean": 28.1776025236593, "sd": 4.34703848625777, "n": 317},
        {"label": "yes", "mean": 28.5638554216867, "sd": 4.24966507470117, "n": 83},
    ]
    analyses = [
        {"id": "a", "kind": "ttest", "outcome": "bmi", "by": "pain"},
        {"id": "b", "kind": "ttest_summary", "groups": groups},
    ]
    record = run_stage(table(), COLUMNS, {"analyses": analyses})
    quantities = ("mean_difference", "mean_difference_low", "mean_difference_high", "t", "df", "p")
    for variances, expected in R_VALUES.items():
        for analysis in "ab":
            found = [metric(record, f"{quantity}.{analysis}.{variances}") for quantity in quantities]
            assert found == pytest.approx(expected, rel=1e-10)
    assert metric(record, "sd.a.pain:yes") == pytest.approx(4.24966507470117, rel=1e-12)
    assert metric(record, "level_n.a.pain:yes") == 83


def test_bonferroni(run_stage: RunStage) -> None:
    analyses = [
        {"id": "a", "kind": "ttest", "outcome": "bmi", "by": "pain", "variances": ["welch"]},
        {"id": "b", "kind": "correlation", "of": ["age", "tmv"]},
        {"id": "all", "kind": "bonferroni", "of": ["p.a.welch", "p.b"]},
        {"id": "many", "kind": "bonferroni", "of": ["p.b"], "tests": 100},
    ]
    record = run_stage(table(), COLUMNS, {"analyses": analyses})
    assert metric(record, "p.all.p.a.welch") == pytest.approx(2 * 0.464489655826382, rel=1e-9)
    assert metric(record, "log10_p.many.p.b") == pytest.approx(metric(record, "log10_p.b") + 2, rel=1e-12)
    capped = [analyses[0], {"id": "all", "kind": "bonferroni", "of": ["p.a.welch"], "tests": 3}]
    record = run_stage(table(), COLUMNS, {"analyses": capped})
    assert (metric(record, "p.all.p.a.welch"), metric(record, "log10_p.all.p.a.welch")) == (1.0, 0.0)


METER_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "constant": (ask("correlation", of=["wright", "flat"]), "column flat"),
    "units": (ask("concordance", of=["mini_per_second", "wright"]), "is in l/s"),
    "factor": (ask("concordance", of=["mini_per_second", "wright"], factor=0), "factor"),
    "unknown": (ask("correlation", of=["wright", "maxi"]), "column maxi"),
    "no such p": (ask("bonferroni", of=["p.x"]), "p.x"),
    "no p": (ask("bonferroni", of=["z.x"]), "is not a p value"),
    "too few tests": (ask("bonferroni", of=["p.x", "p.y"], tests=1), "tests"),
    "slope of no term": (ask("linear", outcome="mini", terms=["wright"], slope_of="flat"), "slope_of"),
    "constant term": (ask("linear", outcome="mini", terms=["flat"]), "column flat"),
    "constant outcome": (ask("linear", outcome="flat", terms=["mini"]), "column flat"),
    "summary": (ask("ttest_summary", groups=[{"label": "a", "mean": 1, "sd": 0, "n": 3}] * 2), "label"),
    "no spread": (
        ask("ttest_summary", groups=[{"label": g, "mean": 1, "sd": 0, "n": 3} for g in "ab"]),
        "sd are 0",
    ),
}


@pytest.mark.parametrize("name", METER_FAULTS)
def test_faults_are_one_line(refused: Callable[..., str], name: str) -> None:
    analyses, said = METER_FAULTS[name]
    assert said in refused(meters(), METERS, analyses)


def test_two_rows_are_too_few(refused: Callable[..., str]) -> None:
    two = {name: values[:2] for name, values in meters().items()}
    for kind in ("correlation", "concordance"):
        assert "2 rows, 3 are needed" in refused(two, METERS, ask(kind, of=["wright", "mini"]))


def test_empty_groups_and_one_outcome_are_named(refused: Callable[..., str]) -> None:
    rows = fleiss()
    without = {
        name: [v for v, h in zip(values, rows["hospital"], strict=True) if h != "b"] for name, values in rows.items()
    }
    trend = ask("trend", outcome="smokes", by="hospital")
    assert "column hospital: no row has level 'b'" in refused(without, FLEISS, trend)
    assert "column smokes" in refused(rows | {"smokes": ["no"] * len(rows["smokes"])}, FLEISS, trend)
    assert "3 weights for 4 levels" in refused(
        rows, FLEISS, ask("trend", outcome="smokes", by="hospital", weights=[1, 2, 3])
    )
    three = ask("ttest", outcome="bmi", by="g")
    assert "column g" in refused(table(), COLUMNS, three)
