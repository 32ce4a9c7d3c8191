"""The flow accounts for every row, and gives no suppressed count back."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

RunStage = Callable[..., dict[str, Any]]
Refused = Callable[..., str]
COLUMNS: dict[str, Any] = {
    "age": {"type": "number", "unit": "years"},
    "mri": {"type": "category", "levels": ["no", "yes"]},
    "y": {"type": "category", "levels": ["0", "1"]},
}


def _table(n: int = 200) -> dict[str, list[Any]]:
    i = np.arange(n)
    age = [None if k % 20 == 3 else float(40 + k * 7 % 41) for k in i]
    return {"age": age, "mri": ["yes" if k % 10 else "no" for k in i], "y": [int(k * k % 7 < 3) for k in i]}


EXCLUSIONS = [
    {"id": "no_mri", "column": "mri", "keep": ["yes"]},
    {"id": "age", "column": "age", "at_least": 45, "at_most": 79},
]
MODEL = {"id": "m", "kind": "logistic", "outcome": "y", "terms": ["age"], "intervals": ["wald"]}


def test_every_row_has_a_reason(run_stage: RunStage) -> None:
    record = run_stage(_table(), COLUMNS, {"exclusions": EXCLUSIONS, "analyses": [MODEL]})
    table = _table()
    scanned = [k for k in range(200) if table["mri"][k] == "yes"]
    known = [k for k in scanned if table["age"][k] is not None]
    low = sum(table["age"][k] < 45 for k in known)
    high = sum(table["age"][k] > 79 for k in known)
    assert record["flow"]["rows_read"] == 200
    assert record["flow"]["exclusions"] == [
        {"id": "no_mri", "rows_before": 200, "rows_left_out": 20, "rows_kept": 180, "reasons": {"mri not yes": 20}},
        {
            "id": "age",
            "rows_before": 180,
            "rows_left_out": 10 + low + high,
            "rows_kept": 170 - low - high,
            "reasons": {"age missing": 10, "age below 45": low, "age above 79": high},
        },
    ]
    assert record["metrics"]["n.m"]["value"] == 170 - low - high


def test_an_analysis_has_its_own_steps(run_stage: RunStage) -> None:
    columns = {**COLUMNS, "g": {"type": "category", "levels": ["a", "b", "c"]}}
    table = {**_table(), "g": [None if k % 40 == 0 else "abc"[k % 3] for k in range(200)]}
    asked = {**MODEL, "restrict": {"g": ["a", "c"]}, "terms": ["g", "age"]}
    record = run_stage(table, columns, {"analyses": [asked]})
    missing = 5
    other = sum(k % 3 == 1 and k % 40 != 0 for k in range(200))
    no_age = sum(k % 20 == 3 and k % 3 != 1 for k in range(200))
    steps = record["flow"]["analyses"]["m"]["steps"]
    assert [step["id"] for step in steps] == ["restrict", "complete"]
    assert steps[0]["reasons"] == {"g missing": missing, "g not a, c": other}
    assert steps[1]["reasons"] == {"age missing": no_age}
    assert steps[1]["rows_kept"] == record["metrics"]["n.m"]["value"] == 200 - missing - other - no_age


def test_no_analyses_give_the_flow_only(run_stage: RunStage) -> None:
    record = run_stage(_table(), COLUMNS, {"exclusions": EXCLUSIONS})
    assert record["metrics"] == {} and record["results"]["analyses"] == {}
    assert len(record["flow"]["exclusions"]) == 2


def test_small_counts_are_suppressed(run_stage: RunStage) -> None:
    table = _table(60)
    record = run_stage(table, COLUMNS, {"exclusions": EXCLUSIONS, "analyses": [MODEL]}, disclosure_threshold=10)
    first, second = record["flow"]["exclusions"]
    assert first == {
        "id": "no_mri", "rows_before": 60, "rows_left_out": None, "rows_kept": None, "reasons": {"mri not yes": None},
    }  # fmt: skip
    assert second["rows_before"] is None and second["rows_left_out"] is None
    assert set(second["reasons"].values()) == {None}


@pytest.mark.parametrize(("threshold", "shown"), [(0, 13), (13, 13), (14, None)])
def test_events_below_the_threshold_are_null_with_a_note(
    run_stage: RunStage, threshold: int, shown: int | None
) -> None:
    table = {
        "age": [float(k * 7 % 41) for k in range(60)],
        "mri": ["yes"] * 60,
        "y": [int(k % 5 == 1) for k in range(60)],
    }
    table["y"][0] = 1
    record = run_stage(table, COLUMNS, {"analyses": [MODEL]}, disclosure_threshold=threshold)
    events = record["metrics"]["events.m"]
    assert events["value"] == shown
    assert events["note"] == ("" if shown else "fewer than 14")
    text = str(record["results"]["analyses"]["m"]["numbers"])
    assert ("'events', 'value': None" in text) == (shown is None)


def test_few_non_events_are_suppressed_too(run_stage: RunStage) -> None:
    table = {
        "age": [float(k * 7 % 41) for k in range(60)],
        "mri": ["yes"] * 60,
        "y": [int(k % 12 != 1) for k in range(60)],
    }
    record = run_stage(table, COLUMNS, {"analyses": [MODEL]}, disclosure_threshold=10)
    assert record["metrics"]["events.m"] == {"value": None, "unit": "1", "note": "all but fewer than 10"}
    assert record["metrics"]["n.m"]["value"] == 60


@pytest.mark.parametrize(
    ("exclusion", "said"),
    [
        ({"id": "e", "column": "absent", "at_least": 1}, "column absent: is not a column here"),
        ({"id": "e", "column": "mri", "at_least": 1}, "column mri: is a category, where a number is needed"),
        (
            {"id": "e", "column": "mri", "keep": ["maybe"]},
            "exclusion e, column mri: keeps level 'maybe', which is none",
        ),
        ({"id": "e", "column": "age", "at_least": 200}, "exclusion e: leaves no row"),
        ({"id": "e", "column": "age"}, "give exactly one of keep"),
        ({"id": "e", "column": "age", "at_least": 3, "at_most": 2}, "at_least is above at_most"),
        ({"id": "e", "complete": ["age"], "column": "age"}, "column goes with"),
        ({"id": "e", "complete": []}, "complete: Tuple should have at least 1 item"),
    ],
)
def test_wrong_exclusions_say_where(refused: Refused, exclusion: dict[str, Any], said: str) -> None:
    assert said in refused(_table(), COLUMNS, {"exclusions": [exclusion]})
