"""Counts below the disclosure threshold: both implementations hide the same, and none can be had by subtraction."""

import csv
from pathlib import Path
from typing import Any

import pytest

from containers.contract.record import Record
from tests.r_reference.conftest import Question, ask_stage, category, number

COLUMNS: dict[str, Any] = {
    "sex": category("female", "male"),
    "third": category("low", "middle", "high"),
    "site": category("a", "b", "c", "d"),
    "pain": category("no", "yes"),
    "x": number(),
    "z": number(),
}
# (sex, third): with and without pain. Over both sexes: 13, 10 and 8 events of 31.
PEOPLE = {
    ("female", "low"): (7, 30),
    ("female", "middle"): (5, 35),
    ("female", "high"): (4, 31),
    ("male", "low"): (6, 20),
    ("male", "middle"): (5, 22),
    ("male", "high"): (4, 3),
}
BOTH = {"strata": "sex"}
THIRDS: dict[str, Any] = {"outcome": "pain", "terms": ["third", "x"]}
ANALYSES: list[dict[str, Any]] = [
    {"id": "m", "kind": "logistic", **THIRDS, "intervals": ["wald"]},
    {"id": "s", "kind": "logistic", "outcome": "pain", "terms": ["third", "sex"], **BOTH, "intervals": ["wald"]},
    {"id": "f", "kind": "firth_logistic", **THIRDS, **BOTH, "intervals": ["wald"]},
    {"id": "g", "kind": "mixed_logistic", **THIRDS, "group": "site"},
    {"id": "p", "kind": "prevalence", "outcome": "pain", "by": "third", **BOTH},
    {"id": "q", "kind": "prevalence", "outcome": "pain", "by": "site", **BOTH},
    {"id": "w", "kind": "trend", "outcome": "pain", "by": "third", **BOTH},
    {"id": "t", "kind": "ttest", "outcome": "z", "by": "pain", **BOTH},
    {"id": "r", "kind": "correlation", "of": ["x", "z"], "restrict": {"third": ["high"]}, **BOTH},
    {"id": "l", "kind": "linear", "outcome": "z", "terms": ["x"], "restrict": {"third": ["high"]}, **BOTH},
    {"id": "c", "kind": "concordance", "of": ["x", "z"], "restrict": {"third": ["high"]}, **BOTH},
]


def write_people(path: Path) -> None:
    """Level d of site has no rows."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        k = 0
        for (sex, third), counts in PEOPLE.items():
            for pain, count in zip(("yes", "no"), counts, strict=True):
                for _ in range(count):
                    k += 1
                    x = 37 * k % 101
                    writer.writerow([sex, third, "abca"[k % 4], pain, x, x + 53 * k % 97])


@pytest.fixture(scope="module")
def both(rscript: object, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    folder = tmp_path_factory.mktemp("people")
    write_people(folder / "people.csv")
    question = Question(folder / "people.csv", COLUMNS, {"analyses": ANALYSES})
    stages = ("association", "r_reference")
    return {stage: ask_stage(stage, folder, {"one": question}, {"disclosure_threshold": 10})["one"] for stage in stages}


def test_a_suppressed_count_is_not_the_rest_of_a_sum(both: dict[str, Record]) -> None:
    metrics = both["r_reference"].metrics
    assert both["r_reference"].error is None and metrics["events.m"].value == 31
    assert metrics["level_events.m.third:low"].value == 13
    assert [metrics[f"level_events.m.third:{level}"].value for level in ("middle", "high")] == [None, None]
    assert metrics["level_events.m.third:middle"].note == "fewer than 10, or a count that would tell such a one"
    assert [metrics[f"n.r.sex:{sex}"].value for sex in ("female", "male")] == [None, None]
    assert metrics["df.r.sex:male"].value is None and metrics["df.l.sex:female"].value is None


def test_both_implementations_hide_the_same(both: dict[str, Record]) -> None:
    ours, theirs = (record.metrics for record in both.values())
    assert [record.error for record in both.values()] == [None, None] and ours.keys() == theirs.keys()
    hidden = {name for name in ours if ours[name].value is None}
    assert hidden == {name for name in theirs if theirs[name].value is None} and len(hidden) > 30
    counts = [name for name in hidden if name.split(".")[0] in ("n", "events", "level_n", "level_events", "df")]
    assert {name: ours[name].note for name in counts} == {name: theirs[name].note for name in counts}
