"""Kinds mixed_logistic, combined_odds and vif through the stage, on a cohort whose answers R gave."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import containers.association
from containers.association.stage import process
from containers.contract.stage import main
from tests.association.test_combined_odds import COMBINED
from tests.association.test_mixed_logistic import cohort
from tests.association.test_vif import MIXED

STAGE_TOML = Path(containers.association.__file__).with_name("stage.toml")
YES_NO = {"type": "category", "levels": ["no", "yes"]}
DICTIONARY = {
    "schema_version": "1.0",
    "columns": {
        "eid": {"type": "id"},
        "pain": YES_NO,
        "z1": {"type": "number", "unit": "1"},
        "z2": {"type": "number", "unit": "1"},
        "age": {"type": "number", "unit": "years"},
        "sex": {"type": "category", "levels": ["female", "male"]},
        "activity": {"type": "category", "levels": ["middle", "low", "high"]},
        "site": {"type": "category", "levels": ["north", "east", "south", "west", "closed"]},
    },
}
MODEL = {
    "kind": "mixed_logistic",
    "outcome": "pain",
    "terms": ["z1", "z2", "age", "sex", "activity"],
    "interactions": [["z1", "z2"]],
    "group": "site",
    "nodes": 5,
}
TERMS = ["intercept", "z1", "z2", "age", "sex:male", "activity:low", "activity:high", "z1*z2"]

# combined_odds_vif.R, "mixed": estimates, standard errors, log-likelihood, and the last of the plain regression.
BETA = [-2.035405083386187, -0.179037777128499, 0.308132482426619, 0.009916082188801]
BETA += [-0.162874598167001, -0.071118443508693, 0.204369283023725, 0.078154581430350]
SIGMA = 0.378374967998459
ERRORS = [0.315862083842087, 0.077664029285487, 0.088987688970883, 0.004703011194807]
ERRORS += [0.141017430599841, 0.166759438823402, 0.170805469511466, 0.082098694242985]
LOG_LIKELIHOOD, PLAIN = -668.153056436034, -677.24937246872


def table() -> list[dict[str, object]]:
    x, y, site = cohort(1500, 4, 0.6, 77)
    rows = []
    for k in range(1500):
        rows.append(
            {
                "eid": k,
                "pain": ["no", "yes"][int(y[k])],
                "z1": repr(float(x[k, 1])),
                "z2": repr(float(x[k, 2])),
                "age": int(x[k, 3]),
                "sex": ["female", "male"][int(x[k, 4])],
                "activity": "low" if x[k, 9] else "high" if x[k, 10] else "middle",
                "site": ["north", "east", "south", "west"][site[k]],
            }
        )
    return rows


def answer(folder: Path, analyses: list[dict[str, Any]], rows: list[dict[str, object]], **parameters: Any) -> Any:
    """The record, and results.json where there is one."""
    with (folder / "table.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (folder / "dictionary.json").write_text(json.dumps(DICTIONARY))
    (folder / "analyses.json").write_text(json.dumps({"schema_version": "1.0", "analyses": analyses}))
    inputs = {"table": "table.csv", "dictionary": "dictionary.json", "analyses": "analyses.json"}
    request = {
        "stage": "association",
        "items": [{"id": "one", "inputs": {name: str(folder / file) for name, file in inputs.items()}}],
        "parameters": parameters,
        "output": str(folder / "out"),
    }
    (folder / "request.json").write_text(json.dumps(request))
    assert main(STAGE_TOML, process, argv=["run", str(folder / "request.json")]) == 0
    record = json.loads((folder / "out" / "one" / "record.json").read_text())
    results = folder / "out" / "one" / "results.json"
    return record, json.loads(results.read_text()) if results.exists() else None


def test_mixed_model_and_what_is_made_of_it_against_r(tmp_path: Path) -> None:
    analyses = [
        {"id": "m", **MODEL, "scale": {"z2": 2}, "intervals": ["wald", "profile"]},
        {"id": "grid", "kind": "combined_odds", "model": MODEL, "of": ["z1", "z2"]},
        {"id": "inflation", "kind": "vif", "model": MODEL},
    ]
    record, results = answer(tmp_path, analyses, table())
    value = {name: metric["value"] for name, metric in record["metrics"].items()}
    for term, beta, error in zip(TERMS, BETA, ERRORS, strict=True):
        assert value[f"coefficient.m.{term}"] == pytest.approx(beta, rel=1e-7)
        assert value[f"standard_error.m.{term}"] == pytest.approx(error, rel=1e-7)
        low = beta - 1.959963984540054 * error
        assert value[f"interval_low.m.{term}"] == pytest.approx(low, rel=1e-6)
    assert value["odds_ratio.m.z2"] == pytest.approx(np.exp(2 * BETA[2]), rel=1e-7)
    assert (value["n.m"], value["events.m"], value["groups.m"]) == (1500, 261, 4)
    assert (value["sd.m"], value["variance.m"]) == pytest.approx((SIGMA, SIGMA**2), rel=1e-7)
    assert value["icc.m"] == pytest.approx(SIGMA**2 / (SIGMA**2 + np.pi**2 / 3), rel=1e-7)
    assert value["log_likelihood.m"] == pytest.approx(LOG_LIKELIHOOD, rel=1e-12)
    assert value["aic.m"] == pytest.approx(18 - 2 * LOG_LIKELIHOOD, rel=1e-12)
    assert value["bic.m"] == pytest.approx(9 * np.log(1500) - 2 * LOG_LIKELIHOOD, rel=1e-12)
    assert 0 <= value["gradient_max.m"] < 1e-8
    # pchisq(2 * (677.24937246872 - 668.153056436034), 1, lower = FALSE) / 2
    assert value["lr_chi2.m.site"] == pytest.approx(2 * (LOG_LIKELIHOOD - PLAIN), rel=1e-9)
    assert value["lr_p.m.site"] == pytest.approx(9.9824855355703e-06, rel=1e-9)
    assert value["lr_df.m.z1*z2"] == 1 and 0 < value["lr_p.m.z1*z2"] < 1
    assert "halved" in record["metrics"]["lr_p.m.site"]["note"]
    told = results["analyses"]["m"]["random_intercept"][0]
    low, high = told["profile"]["sd"]
    assert 0 < low < SIGMA < high
    assert (value["sd_low.m"], value["sd_high.m"]) == (low, high)
    assert (value["variance_low.m"], value["variance_high.m"]) == pytest.approx((low**2, high**2), rel=1e-15)
    for end, sd in (("low", low), ("high", high)):
        assert value[f"icc_{end}.m"] == pytest.approx(sd**2 / (sd**2 + np.pi**2 / 3), rel=1e-14)
    assert value["sd_se.m"] == told["sd_standard_error"] > 0
    assert [group["level"] for group in told["groups"]] == ["north", "east", "south", "west"]
    assert [group["n"] for group in told["groups"]] == [363, 351, 402, 384]
    for (z1, z2), ends in COMBINED.items():
        term = f"z1:{z1:g}*z2:{z2:g}"
        for quantity, end in zip(("", "_low", "_high"), ends, strict=True):
            assert value[f"combined_odds_ratio{quantity}.grid.{term}"] == pytest.approx(end, rel=1e-6)
    for term, (span, gvif, adjusted) in MIXED.items():
        assert value[f"gvif.inflation.{term}"] == pytest.approx(gvif, rel=1e-7)
        assert value[f"gvif_adjusted.inflation.{term}"] == pytest.approx(adjusted, rel=1e-7)
        assert value[f"df.inflation.{term}"] == span.stop - span.start
        assert (f"vif.inflation.{term}" in value) == (span.stop - span.start == 1)


def test_boundary_is_said_with_every_number_that_it_touches(tmp_path: Path) -> None:
    rows = table()
    for k, row in enumerate(rows):
        row["site"] = ["north", "east"][k % 2]
    analysis = {"id": "m", **MODEL, "interactions": [], "intervals": ["wald", "profile"]}
    record, results = answer(tmp_path, [analysis], rows)
    metrics = record["metrics"]
    assert any("singular fit" in line for line in record["warnings"])
    for quantity in ("variance", "sd", "icc"):
        assert metrics[f"{quantity}.m"]["value"] == 0 and "singular fit" in metrics[f"{quantity}.m"]["note"]
    assert (metrics["lr_chi2.m.site"]["value"], metrics["lr_p.m.site"]["value"]) == (0, 1)
    # combined_odds_vif.R, "glm with 7 columns".
    assert metrics["coefficient.m.z1"]["value"] == pytest.approx(-0.15993603091643, rel=1e-9)
    told = results["analyses"]["m"]["random_intercept"][0]
    assert told["singular"] and told["sd_standard_error"] is None and told["profile"]["sd"][0] == 0
    assert metrics["sd_se.m"]["value"] is None and "singular fit" in metrics["sd_se.m"]["note"]
    assert [metrics[f"{quantity}_low.m"]["value"] for quantity in ("sd", "variance", "icc")] == [0, 0, 0]
    assert all(metrics[f"{quantity}_high.m"]["value"] > 0 for quantity in ("sd", "variance", "icc"))


def test_strata_have_models_of_their_own(tmp_path: Path) -> None:
    analysis = {"id": "m", **MODEL, "interactions": [], "strata": "sex"}
    record, results = answer(tmp_path, [analysis], table())
    metrics = record["metrics"]
    whole, *parts = (metrics[f"n.m{place}"]["value"] for place in ("", ".sex:female", ".sex:male"))
    assert whole == sum(parts)
    assert "coefficient.m.sex:male.z1" in metrics and "coefficient.m.sex:male.sex:male" not in metrics
    assert [one["stratum"] for one in results["analyses"]["m"]["random_intercept"]] == ["", "sex:female", "sex:male"]


def test_separation_is_named_and_leaves_no_number(tmp_path: Path) -> None:
    rows = table()
    for row in rows:
        if row["activity"] == "high":
            row["pain"] = "yes"
    record, _ = answer(tmp_path, [{"id": "m", **MODEL, "intervals": ["profile"]}], rows)
    metrics = record["metrics"]
    assert "separation" in metrics["coefficient.m.activity:high"]["note"]
    assert any("activity:high" in line and "separation" in line for line in record["warnings"])
    for name in (
        "coefficient.m.z1",
        "odds_ratio.m.activity:high",
        "variance.m",
        "lr_p.m.site",
        "sd_se.m",
        "icc_high.m",
    ):
        assert metrics[name]["value"] is None and metrics[name]["note"]


def test_small_groups_are_not_shown(tmp_path: Path) -> None:
    rows = table()
    for row in rows[:5]:
        row["site"] = "closed"
    _, results = answer(tmp_path, [{"id": "m", **MODEL, "interactions": []}], rows)
    closed = results["analyses"]["m"]["random_intercept"][0]["groups"][-1]
    assert (closed["level"], closed["n"], closed["events"]) == ("closed", None, None)
    assert closed["note"].startswith("fewer than 10")
    shown = [group["n"] for group in results["analyses"]["m"]["random_intercept"][0]["groups"]]
    assert shown.count(None) == 2  # the next smallest too: the total would give it back


def one_site(rows: list[dict[str, object]]) -> None:
    for row in rows:
        row["site"] = "north"


def pure_sites(rows: list[dict[str, object]]) -> None:
    for row in rows:
        row["site"] = "north" if row["pain"] == "yes" else "south"


@pytest.mark.parametrize(
    ("change", "of", "where", "what"),
    [
        (one_site, MODEL, "analysis m, column site", "has one group only (north)"),
        (pure_sites, MODEL, "analysis m, column site", "no finite estimate"),
        (None, {**MODEL, "group": "bmi"}, "column bmi", "is not a column"),
        (None, {**MODEL, "group": "sex"}, "input analyses", "group 'sex' is also the outcome or a term"),
        (None, {**MODEL, "nodes": 26}, "input analyses", "less than or equal to 25"),
        (None, {"kind": "vif", "model": {**MODEL, "scale": {"z1": 2}}}, "input analyses", "scale has no effect"),
        (
            None,
            {"kind": "combined_odds", "model": {**MODEL, "interactions": []}, "of": ["z1", "sex"]},
            "column sex",
            "is a category",
        ),
        (None, {"kind": "combined_odds", "model": MODEL, "of": ["z1", "z1"]}, "input analyses", "twice"),
        (None, {"kind": "combined_odds", "model": MODEL, "of": ["z1", "bmi"]}, "input analyses", "not in the model's"),
        (None, {"kind": "combined_odds", "model": MODEL, "of": ["z1", "age"]}, "input analyses", "depends on 'z2'"),
    ],
)
def test_bad_input_is_told_in_one_line(tmp_path: Path, change: Any, of: dict[str, Any], where: str, what: str) -> None:
    rows = table()
    if change:
        change(rows)
    record, _ = answer(tmp_path, [{"id": "m", **of}], rows)
    error = record["error"]
    assert error["kind"] == "input" and where in error["where"] and what in error["what"] and error["fix"]
    assert "\n" not in error["what"]
