"""The stage as a whole on the made-up table, against metafor and clubSandwich, and what it writes."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.meta_analysis.conftest import Answer
from tests.meta_analysis.tables import DATA, MUSCLE_EFFECTS, MUSCLES, rows

MODEL: dict[str, Any] = {
    "moderators": ["age_years", "female_percent", "bmi", "outcome", "level", "muscle"],
    "scale": {"female_percent": 10},
}
EMPTY = {"schema_version": "1.0"}
TABLE = DATA / "made_up_muscles.csv"


def ask(*analyses: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**EMPTY, "effects": MUSCLE_EFFECTS, "analyses": list(analyses), **fields}


def check(record: dict[str, Any], expected: dict[str, float], rel: float = 1e-5) -> None:
    assert record["status"] == "ok", record.get("error")
    for name, value in expected.items():
        assert record["metrics"][name]["value"] == pytest.approx(value, rel=rel), name


def test_three_level_agrees_with_metafor(answer: Answer) -> None:
    record = answer(TABLE, MUSCLES, ask({"id": "m", "kind": "three_level", **MODEL}))
    # r <- rma.mv(yi, vi, mods=~age_years+I(female_percent/10)+bmi+outcome+level+muscle,
    #             random=~1|study/effect_id, data=m, control=list(optimizer="BFGS", reltol=1e-16))
    check(
        record,
        {
            "coefficient.m.intercept": 3.1752335293300145,
            "coefficient.m.female_percent": -0.0238547552684130,
            "coefficient.m.outcome:FI": 0.3119774333666357,
            "coefficient.m.muscle:multiple": 0.2231052947148128,
            "standard_error.m.intercept": 2.5218209293360148,
            "standard_error.m.level:single": 0.2392079650674373,
            "sigma2_between.m": 0.1400368430245809,
            "sigma2_within.m": 0.0738172326799531,
            "log_likelihood.m": -45.0750900290062,
            "aic.m": 112.1501800580124,
            "bic.m": 140.3580101641586,
            "aicc.m": 115.2930372008695,
            "q.m": 474.865741814130,
            "qm.m": 26.5761509634458,
            "qm_p.m": 8.36490567608103e-04,
            # 100 * sigma2 / (sum(sigma2) + (k - p) / tr(P))
            "variance_share_between_percent.m": 54.2188227840429,
            "variance_share_within_percent.m": 28.5802176815733,
        },
    )
    assert record["metrics"]["gradient_max.m"]["value"] < 1e-8
    assert record["metrics"]["n.m"]["value"] == 105
    assert record["metrics"]["groups.m"]["value"] == 14


def test_vif_agrees_with_metafor(answer: Answer) -> None:
    record = answer(TABLE, MUSCLES, ask({"id": "v", "kind": "vif", "model": {"kind": "three_level", **MODEL}}))
    # vif(r)$vifs; vif(r, btt=7:9)$vifs
    gvif = 1.12774455591208
    check(
        record,
        {
            "vif.v.age_years": 1.18173854721255,
            "vif.v.muscle:multifidus": 1.35437470144442,
            "vif.v.muscle:multiple": 1.24313754429468,
            "gvif.v.muscle": gvif,
            "gvif_adjusted.v.muscle": gvif ** (1 / 6),
            "gvif.v.bmi": 1.08131723999093,
        },
    )


def test_robust_intervals_agree_with_clubsandwich(answer: Answer) -> None:
    record = answer(TABLE, MUSCLES, ask({"id": "r", "kind": "robust", "rho": 0.7, **MODEL}))
    # coef_test(...)$p_Satt, conf_int(...)$CI_L of the three readings (test_meta_robust.py has the calls)
    check(
        record,
        {
            "robust_p.r.independent.outcome:FI": 0.00045234038477137,
            "robust_low.r.independent.outcome:FI": 0.2127666735618817,
            "robust_p.r.che.outcome:FI": 0.0004972301828614,
            "robust_low.r.che.intercept": -3.0942010887375577,
            "robust_p.r.correlated_effects.outcome:FI": 0.2233986650688975,
            "robust_low.r.correlated_effects.outcome:FI": -0.1218156370894302,
            "tau2.r.correlated_effects": 0.282037052804785,
            "sigma2_between.r.che": 0.105427773426615,
            "sigma2_within.r.che": 0.110882753932920,
        },
    )


def test_che_model_as_three_level_agrees_with_metafor(answer: Answer) -> None:
    record = answer(TABLE, MUSCLES, ask({"id": "c", "kind": "three_level", "sampling_correlation": 0.7, **MODEL}))
    # rma.mv(yi, V, ...), V <- impute_covariance_matrix(m$vi, cluster=m$study, r=0.7): fitstats, QE
    check(record, {"log_likelihood.c": -46.0208207670986, "bic.c": 142.2494716403434, "q.c": 761.820887238024})


def test_subgroups_agree_with_metafor(answer: Answer) -> None:
    record = answer(
        TABLE,
        MUSCLES,
        ask(
            {"id": "s", "kind": "subgroups", "by": "muscle", "method": "DL"},
            {"id": "c", "kind": "subgroups", "by": "muscle", "tau2": "common"},
            {"id": "k", "kind": "subgroups", "by": "muscle", "tau2": "common", "test": "knha"},
        ),
    )
    # rma(yi, vi, data=m[m$muscle==z,], method="DL"); rma(estimates, sei=errors, mods=~factor(1:4), method="EE")$QM;
    # rma(yi, vi, mods=~muscle, data=m, test=...)$QM, $QMp; rma(yi, vi, mods=~muscle-1, test="knha")
    check(
        record,
        {
            "effect.s.muscle:erector_spinae": 0.654265775068086,
            "effect.s.muscle:multiple": 0.993357032508292,
            "effect_se.s.muscle:psoas_major": 0.0824456287110415,
            "q_between.s": 5.507500848821474,
            "q_between_p.s": 0.138190671263341,
            "q_between.c": 8.5361990556174554,
            "q_between_p.c": 0.0361373135623218,
            "tau2.c": 0.2050805274225845,
            "q_between.k": 2.7907380998512075,
            "q_between_p.k": 0.0443338544690363,
            "effect.k.muscle:multifidus": 0.5219909418842007,
            "effect_se.k.muscle:multiple": 0.1464937181241497,
        },
        rel=1e-8,
    )
    assert record["metrics"]["q_between_df2.k"]["value"] == 101


def test_bias_tests_agree_with_metafor(answer: Answer) -> None:
    record = answer(
        TABLE,
        MUSCLES,
        ask(
            {"id": "e", "kind": "egger", "levels": 3, "test": "t"},
            {"id": "l", "kind": "trim_and_fill", "method": "DL"},
            {"id": "r", "kind": "trim_and_fill", "method": "DL", "estimator": "R0"},
        ),
    )
    # rma.mv(yi, vi, mods=~sqrt(vi), random=~1|study/effect_id, test="t"); trimfill(rma(yi, vi, method="DL"), ...)
    check(
        record,
        {
            "egger_intercept.e": -0.886593829994856142,
            "egger_slope.e": 7.121305440075522242,
            "egger_slope_se.e": 1.562482764804454582,
            "egger_slope_t.e": 4.557685755315679543,
            "egger_slope_p.e": 0.000014271138454684,
            "egger_intercept_p.e": 0.013556490053252308,
            "sigma2_between.e": 0.118614708402486072,
            "k0.l": 0,
            "k0_se.l": 6.0170003300075692,
            "effect.l": 0.6202551916733363,
            "k0.r": 3,
            "k0_p.r": 0.0625,
            "effect.r": 0.5818170502215655,
            "effect_se.r": 0.0516282187347177,
            "fill_side.r": -1,
            "n_filled.r": 108,
        },
    )


def test_two_level_egger_and_prediction_on_published_trials(answer: Answer) -> None:
    record = answer(*bcg_inputs())
    # regtest(rma(yi, vi, data=bcg))$fit; regtest(rma(yi, vi, method="DL", test="knha"))$fit
    # predict(rma(yi, vi)), pi.type="riley"; predict(rma(yi, vi, test="knha")); confint(...)
    check(
        record,
        {
            "egger_slope.e": -0.7632400406043102,
            "egger_slope_se.e": 0.9500962334851568,
            "egger_slope_p.e": 0.4217844888552782,
            "tau2.e": 0.3082491111068457,
            "egger_slope.k": -0.777952227424566,
            "egger_slope_t.k": -0.793638127847168,
            "egger_slope_p.k": 0.444189278381820,
            "prediction_low.p": -1.866692217902886,
            "prediction_high.p": 0.437627533586608,
            "prediction_low.r": -2.008375906922578,
            "prediction_low.h": -1.99601683419620235,
            "effect_low.h": -1.10844371368555095,
            "effect_p.h": 0.00192001509605729,
            "i2_low.p": 81.920574558596542,
            "i2_high.p": 97.678074957887418,
        },
        rel=1e-7,
    )


def bcg_inputs() -> tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any]]:
    from tests.meta_analysis.tables import bcg

    y, v, _, _ = bcg()
    table = [{"id": i, "trial": f"t{i}", "y": repr(float(y[i])), "v": repr(float(v[i]))} for i in range(13)]
    number = {"type": "number"}
    columns = {"id": {"type": "id"}, "trial": {"type": "label"}, "y": number, "v": number}
    analyses = {
        **EMPTY,
        "effects": {"study": "trial", "measure": "given", "effect": "y", "variance": "v"},
        "analyses": [
            {"id": "e", "kind": "egger"},
            {"id": "k", "kind": "egger", "method": "DL", "test": "knha"},
            {"id": "p", "kind": "pooled"},
            {"id": "r", "kind": "pooled", "prediction": "riley"},
            {"id": "h", "kind": "pooled", "test": "knha"},
        ],
    }
    return table, {**EMPTY, "columns": columns}, analyses


def test_likelihood_ratio_halves_one_variance_at_zero(answer: Answer) -> None:
    table = rows("school_calendar")
    number = {"type": "number"}
    columns = {"effect_id": {"type": "id"}, "district": {"type": "label"}, "year": number}
    columns |= {"effect": number, "variance": number}
    analyses = {
        **EMPTY,
        "effects": {"study": "district", "measure": "given", "effect": "effect", "variance": "variance"},
        "analyses": [
            {"id": "l", "kind": "likelihood_ratio", "full": {}, "reduced": {"variances": ["within"]}},
            {
                "id": "m",
                "kind": "likelihood_ratio",
                "full": {"method": "ML", "moderators": ["year"]},
                "reduced": {"method": "ML"},
            },
        ],
    }
    record = answer(table, {**EMPTY, "columns": columns}, analyses)
    # anova(rma.mv(effect, variance, random=~1|district/effect_id), rma.mv(effect, variance, random=~1|effect_id))
    check(record, {"lr_chi2.l": 17.7735508377994, "lr_p.l": 2.48818251251388e-05})
    metrics = record["metrics"]
    assert metrics["lr_p_boundary.l"]["value"] == pytest.approx(metrics["lr_p.l"]["value"] / 2)
    assert metrics["lr_p_boundary.m"] == {"value": None, "unit": "1", "note": "no single variance is tested"}
    assert metrics["lr_df.m"]["value"] == 1


def test_an_empty_file_gives_only_the_flow(answer: Answer, tmp_path: Path) -> None:
    record = answer(TABLE, EMPTY, EMPTY)
    assert record["status"] == "ok"
    assert record["metrics"] == {}
    flow = json.loads((tmp_path / "out" / "one" / "flow.json").read_text())
    assert flow["rows_read"] == 105
    assert "muscle" in flow["ignored_columns"]


def test_every_row_left_out_is_in_the_flow(answer: Answer, tmp_path: Path) -> None:
    table: list[dict[str, Any]] = [dict(row) for row in rows("made_up_muscles")]
    for row in table[:7]:
        row["mean1"] = row["sd1"] = row["n1"] = ""
    table[8]["age_years"] = table[9]["age_years"] = "-1"
    dictionary = json.loads(json.dumps(MUSCLES))
    dictionary["columns"]["age_years"]["missing"] = [-1]
    excluded = sum(row["outcome"] == "FI" for row in table)
    analyses = ask(
        {"id": "m", "kind": "meta_regression", "moderators": ["age_years"], "restrict": {"muscle": ["multifidus"]}},
        exclusions=[{"id": "csa", "column": "outcome", "keep": ["CSA"]}],
    )
    record = answer(table, dictionary, analyses)
    flow = json.loads((tmp_path / "out" / "one" / "flow.json").read_text())
    assert flow["exclusions"][0]["rows_left_out"] == excluded
    kept = [row for row in table if row["outcome"] == "CSA"]
    assert flow["effects"][0]["reasons"] == {"without an effect": sum(row["n1"] == "" for row in kept)}
    used = [row for row in kept if row["n1"] and row["muscle"] == "multifidus"]
    steps = flow["analyses"]["m"]["steps"]
    assert steps[0]["rows_kept"] == len(used)
    complete = sum(row["age_years"] != "-1" for row in used)
    assert steps[1]["rows_kept"] == complete == record["metrics"]["n.m"]["value"]


def test_strata_are_the_analysis_on_their_rows(answer: Answer) -> None:
    pooled = {"id": "p", "kind": "pooled", "method": "DL"}
    whole = answer(TABLE, MUSCLES, ask({**pooled, "strata": "muscle"}))["metrics"]
    part = answer(TABLE, MUSCLES, ask({**pooled, "restrict": {"muscle": ["psoas_major"]}}))["metrics"]
    for name in ("effect", "tau2", "q", "i2_percent", "prediction_low", "n", "groups"):
        assert whole[f"{name}.p.muscle:psoas_major"] == part[f"{name}.p"]


def test_a_stratum_that_cannot_be_fitted_says_why(answer: Answer) -> None:
    table = [row for row in rows("made_up_muscles") if row["muscle"] != "multiple"]
    one = next(row for row in rows("made_up_muscles") if row["muscle"] == "multiple")
    analyses = ask(
        {"id": "p", "kind": "pooled", "strata": "muscle", "test": "knha"},
        {"id": "t", "kind": "three_level", "strata": "muscle", "moderators": ["muscle", "bmi"]},
    )
    metrics = answer([*table, one], MUSCLES, analyses)["metrics"]
    assert metrics["effect.p.muscle:multiple"]["value"] is not None
    assert metrics["tau2.p.muscle:multiple"] == {"value": None, "unit": "SMD2", "note": "one effect only"}
    assert metrics["log_likelihood.t.muscle:multiple"]["note"] == "there is only one effect"
    assert metrics["coefficient.t.muscle:multifidus.bmi"]["value"] is not None
    assert "coefficient.t.muscle:multifidus.muscle:multifidus" not in metrics


def test_equal_requests_give_equal_bytes(answer: Answer, tmp_path: Path) -> None:
    analyses = ask({"id": "r", "kind": "robust", **MODEL}, {"id": "e", "kind": "egger", "levels": 3})
    files = ("record.json", "results.json", "flow.json")
    seen = []
    for _ in range(2):
        answer(TABLE, MUSCLES, analyses)
        seen.append([(tmp_path / "out" / "one" / name).read_bytes() for name in files])
    assert seen[0] == seen[1]


def test_results_hold_every_metric(answer: Answer, tmp_path: Path) -> None:
    analyses = ask(
        {"id": "p", "kind": "pooled", "strata": "muscle"},
        {"id": "s", "kind": "subgroups", "by": ["muscle", "comparison"], "method": "DL"},
        {"id": "x", "kind": "effects", "restrict": {"muscle": ["multiple"]}},
    )
    record = answer(TABLE, MUSCLES, analyses)
    results = json.loads((tmp_path / "out" / "one" / "results.json").read_text())
    told = {
        ".".join(part for part in (n["quantity"], name, n.get("stratum", ""), n.get("term", "")) if part): n["value"]
        for name, analysis in results["analyses"].items()
        for n in analysis["numbers"]
    }
    assert told == {name: metric["value"] for name, metric in record["metrics"].items()}
    assert "effect.s.muscle:multifidus*comparison:op_control" in told
    assert [effect["id"] for effect in results["effects"]][:2] == ["e1", "e2"]
