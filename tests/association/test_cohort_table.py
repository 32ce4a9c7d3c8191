"""Reading the table by its dictionary: types, missing codes, and every kind of wrong value, named with its rows."""

from collections.abc import Callable
from typing import Any

import pytest

COLUMNS: dict[str, Any] = {
    "eid": {"type": "id"},
    "height_m": {"type": "number", "unit": "m", "minimum": 1.2, "maximum": 2.3, "missing": [-1]},
    "volume_cm3": {"type": "number", "unit": "cm3", "minimum": 0},
    "sex": {"type": "category", "levels": ["female", "male"], "missing": ["unknown"]},
    "code": {"type": "category", "levels": ["0", "1"]},
}
GOOD: dict[str, list[Any]] = {
    "eid": ["a", "b", "c", "d"],
    "height_m": [1.62, -1.0, None, 1.8],
    "volume_cm3": [9000, 8000, None, 0],
    "sex": ["female", "male", "unknown", None],
    "code": [0, 1, 1, None],
}
CSV = "eid,height_m,volume_cm3,sex,code\na,1.62,9000,female,0\nb,-1,8000,male,1\nc,,,unknown,1\nd,1.8,0,,\n"

NOTHING: dict[str, Any] = {"analyses": []}
Refused = Callable[..., str]
RunStage = Callable[..., dict[str, Any]]


def _with(**columns: list[Any]) -> dict[str, list[Any]]:
    return {**GOOD, **columns}


def test_columns_that_are_not_in_the_dictionary_are_named(run_stage: RunStage) -> None:
    record = run_stage(_with(postcode=["x"] * 4), COLUMNS, NOTHING)
    assert record["flow"]["ignored_columns"] == ["postcode"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (_with(height_m=[162.0, 1.7, 180.0, 1.8]), "column height_m: 162 is outside 1.2 to 2.3 m in rows 1 and 3"),
        (_with(volume_cm3=[9000, -5, 8000, 1]), "column volume_cm3: -5 is outside 0 to - cm3 in row 2"),
        (_with(volume_cm3=[9000.0, float("inf"), 1.0, 1.0]), "column volume_cm3: is not finite in row 2"),
        (_with(volume_cm3=[float("nan"), 1.0, 1.0, 1.0]), "column volume_cm3: is not finite in row 1"),
        (_with(sex=["female", "f", "m", "f"]), "column sex: unknown level 'f' in rows 2, 3 and 4"),
        (_with(code=[0, 1, 2, 1]), "column code: unknown level '2' in row 3"),
        (_with(eid=["a", "b", "a", "a"]), "column eid: repeats an identifier in rows 3 and 4"),
        (_with(eid=["a", None, "c", "d"]), "column eid: has no identifier in row 2"),
        (_with(height_m=["1.6", "1,7", "tall", "1.8"]), "column height_m: is not a number in rows 2 and 3"),
        (_with(height_m=[True, False, True, True]), "column height_m: holds values of type bool"),
        ({k: v for k, v in GOOD.items() if k != "sex"}, "column sex: is missing from the table"),
        (CSV.replace("a,1.62", "a,nan"), "column height_m: is not finite in row 1"),
        (CSV.replace("a,1.62", "a,1.62,7"), "input table: is not a readable table (Row #2: Expected 5 columns, got 6"),
        (CSV.replace("eid,", "sex,"), "column eid: is missing from the table"),
        (CSV.replace("code\n", "sex\n"), "column sex: is in the table 2 times"),
        ("", "input table: has no header"),
    ],
)
def test_wrong_values_are_named_with_their_rows(refused: Refused, table: Any, said: str) -> None:
    assert refused(table, COLUMNS, NOTHING).startswith(said)


def test_many_wrong_rows_are_counted(refused: Refused) -> None:
    table = {"x": [200.0] * 8}
    line = refused(table, {"x": {"type": "number", "unit": "cm", "maximum": 100}}, NOTHING)
    assert line.endswith("in rows 1, 2, 3, 4, 5 and 3 more")


def test_a_broken_row_is_not_quoted(refused: Refused) -> None:
    assert "Smith" not in refused("eid,x\na,1\nSmith,2,3\n", {"x": {"type": "number", "unit": "1"}}, NOTHING)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"x": {"type": "date"}}, "column x: type is 'date'"),
        ({"x": {"type": "number"}}, "columns.x.number.unit: Field required"),
        ({"x": {"type": "number", "unit": "m", "minimum": 2, "maximum": 1}}, "minimum is not below maximum"),
        ({"x": {"type": "category", "levels": ["a", "a"]}}, "a level is given twice"),
        ({"x": {"type": "category", "levels": ["a", "b"], "missing": ["b"]}}, "'b' is both a level and a missing code"),
        ({"x": {"type": "id"}, "y": {"type": "id"}}, "more than one column is an id"),
        ({"x": {"type": "number", "unit": "m", "maximun": 3}}, "maximun: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_dictionary_says_where(refused: Refused, columns: dict[str, Any], said: str) -> None:
    assert said in refused({"x": [1.0], "y": [1.0]}, columns, NOTHING)


def test_a_column_of_identifiers_declared_as_levels_is_not_quoted(refused: Refused) -> None:
    people = [f"SECRET{k}" for k in range(9)]
    said = refused({"sex": people}, {"sex": COLUMNS["sex"]}, NOTHING)
    assert "column sex: 9 unknown levels in rows 1, 2, 3, 4, 5 and 4 more" in said and "SECRET" not in said
