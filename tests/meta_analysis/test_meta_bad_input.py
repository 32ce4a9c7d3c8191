"""Bad input ends as one line that names the column and the rows, and leaves no file."""

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.meta_analysis.conftest import Answer
from tests.meta_analysis.tables import DATA, MUSCLE_EFFECTS, MUSCLES, rows

EMPTY = {"schema_version": "1.0"}


def ask(*analyses: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**EMPTY, "effects": MUSCLE_EFFECTS, "analyses": list(analyses), **fields}


POOLED = ask({"id": "p", "kind": "pooled"})


def refused(record: dict[str, Any], tmp_path: Path) -> str:
    """The one line of the error."""
    assert record["status"] == "error"
    error = record["error"]
    assert error["kind"] == "input", error
    assert sorted(path.name for path in (tmp_path / "out" / "one").iterdir()) == ["record.json", "timing.json"]
    assert error["fix"]
    line = f"{error['where']}: {error['what']}"
    assert "\n" not in line
    assert "Traceback" not in line
    return line


def changed(numbers: list[int], **values: str) -> list[dict[str, Any]]:
    table: list[dict[str, Any]] = [dict(row) for row in rows("made_up_muscles")]
    for number in numbers:
        table[number - 1] |= values
    return table


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (changed([3], sd1="0"), "column sd1: is not above 0 in row 3"),
        (changed([3, 9], sd2="-2"), "column sd2: is not above 0 in rows 3 and 9"),
        (changed([1, 2, 3, 4, 5, 6, 7], n1="1"), "column n1: is below 2 in rows 1, 2, 3, 4, 5 and 2 more"),
        (changed([5], n1="20.5"), "column n1: is not a whole number in row 5"),
        (changed([5], mean1="inf"), "column mean1: is not finite in row 5"),
        (changed([5], mean1="nan"), "column mean1: is not finite in row 5"),
        (changed([5], mean1="1_000"), "column mean1: is not a number in row 5"),
        (changed([5], mean1=""), "column mean1: is missing next to the group's other values in row 5"),
        (changed([8], age_years="660"), "column age_years: 660 is outside 18 to 110 years in row 8"),
        (changed([2, 4], muscle="soleus"), "column muscle: unknown level 'soleus' in rows 2 and 4"),
        (changed([2, 4], effect_id="e7"), "column effect_id: repeats an identifier (e7) in rows 4 and 7"),
        (changed([2], effect_id=""), "column effect_id: has no identifier in row 2"),
        (changed([6], study=""), "column study: is missing in row 6"),
        (changed([6], outcome=""), "column outcome: is missing, so that the direction is unknown in row 6"),
        (rows("made_up_muscles")[:1], "analysis p: there is only one effect"),
        (rows("made_up_muscles")[:3], "analysis p: all effects are of one study"),
    ],
)
def test_bad_tables(answer: Answer, tmp_path: Path, table: list[dict[str, Any]], expected: str) -> None:
    assert refused(answer(table, MUSCLES, POOLED), tmp_path) == expected


def test_a_missing_column(answer: Answer, tmp_path: Path) -> None:
    table = [{k: v for k, v in row.items() if k != "sd2"} for row in rows("made_up_muscles")]
    assert refused(answer(table, MUSCLES, POOLED), tmp_path) == "column sd2: is missing from the table"


@pytest.mark.parametrize("value", ["0", "-0.1", "1e-400"])
def test_a_given_variance_must_be_above_zero(answer: Answer, tmp_path: Path, value: str) -> None:
    number = {"type": "number"}
    columns = {"id": {"type": "id"}, "s": {"type": "label"}, "y": number, "v": number}
    table = [{"id": i, "s": i, "y": "0.1", "v": value if i == 1 else "0.2"} for i in range(4)]
    spec = {"study": "s", "measure": "given", "effect": "y", "variance": "v"}
    analyses = {**EMPTY, "effects": spec, "analyses": [{"id": "p", "kind": "pooled"}]}
    record = answer(table, {**EMPTY, "columns": columns}, analyses)
    assert refused(record, tmp_path) == "column v: is not above 0 in row 2"


def test_both_given_and_summarised(answer: Answer, tmp_path: Path) -> None:
    dictionary = copy.deepcopy(MUSCLES)
    dictionary["columns"] |= {"g": {"type": "number"}, "se": {"type": "number"}}
    table = [{**row, "g": "0.1", "se": "0.2"} for row in rows("made_up_muscles")[:2]]
    analyses = ask({"id": "p", "kind": "pooled"})
    analyses["effects"] = {**MUSCLE_EFFECTS, "effect": "g", "standard_error": "se"}
    line = refused(answer(table, dictionary, analyses), tmp_path)
    assert line == "column g: is given together with means and standard deviations in rows 1 and 2"


TWICE = {"moderators": ["bmi", "twice"]}


@pytest.mark.parametrize(
    ("analysis", "expected"),
    [
        ({"kind": "three_level", "moderators": ["one"]}, "analysis a, column one: has the same value in every row"),
        (
            {"kind": "meta_regression", "moderators": ["muscle"], "restrict": {"muscle": ["multifidus"]}},
            "analysis a, column muscle: has the same level in every row",
        ),
        ({"kind": "three_level", **TWICE}, "analysis a: twice is perfectly collinear with bmi"),
        ({"kind": "robust", **TWICE}, "analysis a: twice is perfectly collinear with bmi"),
        (
            {"kind": "vif", "model": {"kind": "three_level", **TWICE}},
            "analysis a: twice is perfectly collinear with bmi",
        ),
        (
            {"kind": "three_level", "moderators": ["height"]},
            "analysis a: column 'height' is not in the dictionary",
        ),
        (
            {"kind": "pooled", "restrict": {"muscle": ["soleus"]}},
            "analysis a: 'soleus' is not a level of column muscle",
        ),
        (
            {"kind": "three_level", "moderators": ["bmi"], "interactions": [["bmi", "age_years"]]},
            "analysis a: interaction bmi*age_years is not of two or more different moderators",
        ),
        (
            {"kind": "likelihood_ratio", "full": {"moderators": ["bmi"]}, "reduced": {}},
            "analysis a: REML likelihoods of different moderators cannot be compared",
        ),
        (
            {"kind": "likelihood_ratio", "full": {}, "reduced": {"moderators": ["bmi"]}},
            "analysis a: `reduced` is not nested in `full`",
        ),
        ({"kind": "likelihood_ratio", "full": {}, "reduced": {}}, "analysis a: the two models are the same"),
        ({"kind": "subgroups", "by": "one"}, "analysis a: column 'one' is of type number, not category"),
        (
            {
                "kind": "meta_regression",
                "moderators": ["standard_error", "variance", "age_years", "bmi", "level", "muscle"],
                "restrict": {"comparison": ["op_opn"], "outcome": ["FI"], "muscle": ["psoas_major", "multiple"]},
            },
            "analysis a: 6 effects are too few for 7 coefficients",
        ),
    ],
)
def test_bad_models(answer: Answer, tmp_path: Path, analysis: dict[str, Any], expected: str) -> None:
    dictionary = copy.deepcopy(MUSCLES)
    dictionary["columns"] |= {"one": {"type": "number"}, "twice": {"type": "number"}}
    table = [{**row, "one": "1", "twice": str(3 - 2 * float(row["bmi"]))} for row in rows("made_up_muscles")]
    line = refused(answer(table, dictionary, ask({"id": "a", **analysis})), tmp_path)
    assert line.startswith(expected)


@pytest.mark.parametrize(
    ("analyses", "expected"),
    [
        (ask({"id": "a", "kind": "pooled", "metod": "DL"}), "input analyses, analyses.0 (a): metod: Extra inputs"),
        (ask({"id": "a", "kind": "pool"}), "input analyses, analyses.0 (a): kind is 'pool'"),
        (ask({"id": "a.b", "kind": "pooled"}), "input analyses, analyses.0 (a.b): id: "),
        (ask({"id": "a", "kind": "pooled"}, {"id": "a", "kind": "pooled"}), "input analyses: id 'a' is given twice"),
        (
            ask({"id": "a", "kind": "egger", "levels": 3, "method": "DL"}),
            "input analyses, analyses.0 (a): (top level): with 3",
        ),
        ({**EMPTY, "analyses": [{"id": "a", "kind": "pooled"}]}, "input analyses: (top level): analyses need effects"),
        ({"schema_version": "2.0"}, "input analyses: schema_version: "),
        (ask(exclusions=[{"id": "x", "column": "muscle"}]), "input analyses: exclusions.0: give exactly one of keep"),
        (ask(effects={"study": "study", "measure": "smd"}), "input analyses: effects: measure smd needs"),
        (ask(exclusions=[{"id": "x", "column": "bmi", "at_least": 59}]), "exclusion x: leaves no row"),
    ],
)
def test_bad_files(answer: Answer, tmp_path: Path, analyses: dict[str, Any], expected: str) -> None:
    line = refused(answer(DATA / "made_up_muscles.csv", MUSCLES, analyses), tmp_path)
    assert line.startswith(expected), line


def test_one_effect_per_study_is_told_for_three_levels(answer: Answer, tmp_path: Path) -> None:
    first = {row["study"]: row for row in reversed(rows("made_up_muscles"))}
    record = answer(list(first.values()), MUSCLES, ask({"id": "t", "kind": "three_level"}))
    expected = "analysis t: the variances between and within studies cannot be distinguished"
    assert refused(record, tmp_path) == expected


def test_equal_effects_of_a_study_are_a_warning(answer: Answer) -> None:
    table = rows("made_up_muscles")
    again = {**table[0], "effect_id": "copy"}
    record = answer([*table, again], MUSCLES, POOLED)
    assert record["status"] == "ok"
    assert "effects e1 and copy of one study are equal to the last digit: entered twice?" in record["warnings"]
