"""Counts below the disclosure threshold cannot be had by subtraction from what one analysis shows."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

RunStage = Callable[..., dict[str, Any]]
LEVELS = {"sex": ["female", "male"], "site": ["a", "b", "c"], "pain": ["no", "yes"]}
COLUMNS: dict[str, Any] = {name: {"type": "category", "levels": levels} for name, levels in LEVELS.items()}
COLUMNS |= {name: {"type": "number", "unit": "1"} for name in ("x", "z")}
FIVE_AT_C = {("female", "a"): 60, ("female", "b"): 40, ("female", "c"): 30, ("male", "a"): 50, ("male", "b"): 45,
             ("male", "c"): 5}  # fmt: skip
FIVE_MEN = {("female", "a"): 60, ("female", "b"): 40, ("female", "c"): 30, ("male", "a"): 5}


def cohort(cells: dict[tuple[str, str], int]) -> dict[str, list[Any]]:
    rng = np.random.default_rng(4)
    places = [place for place, people in cells.items() for _ in range(people)]
    x = rng.normal(size=len(places))
    return {
        "sex": [sex for sex, _ in places],
        "site": [site for _, site in places],
        "pain": [["no", "yes"][k % 2] for k in range(len(places))],
        "x": x.tolist(),
        "z": (x + rng.normal(size=len(places))).tolist(),
    }


def value(record: dict[str, Any], *parts: str) -> Any:
    return record["metrics"][".".join(part for part in parts if part)]["value"]


@pytest.mark.parametrize("cells", [FIVE_AT_C, FIVE_MEN])
def test_no_line_of_the_table_lacks_one_count_only(run_stage: RunStage, cells: dict[tuple[str, str], int]) -> None:
    spec = {"id": "m", "kind": "prevalence", "outcome": "pain", "by": "site", "strata": "sex"}
    record = run_stage(cohort(cells), COLUMNS, {"analyses": [spec]}, disclosure_threshold=10)
    strata, terms = ([f"{name}:{level}" for level in LEVELS[name]] for name in ("sex", "site"))
    shown = {at: value(record, f"{'level_' * bool(at[1])}n", "m", *at) for at in product(["", *strata], ["", *terms])}
    lines = [([("", "")], [(s, "") for s in strata])]
    lines += [([(s, "")], [(s, t) for t in terms]) for s in ["", *strata]]
    lines += [([("", t)], [(s, t) for s in strata]) for t in terms]
    for total, parts in lines:
        assert [shown[at] for at in (*total, *parts)].count(None) != 1, (total, parts)
    assert shown["sex:male", "site:c"] is None and shown["", ""] == sum(cells.values())
    assert "no rows" not in [metric["note"] for metric in record["metrics"].values()]


def test_a_small_stratum_has_no_size(run_stage: RunStage) -> None:
    both = {"strata": "sex"}
    analyses = [
        {"id": "r", "kind": "correlation", "of": ["x", "z"], **both},
        {"id": "l", "kind": "linear", "outcome": "z", "terms": ["x"], **both},
        {"id": "m", "kind": "logistic", "outcome": "pain", "terms": ["x"], **both},
    ]
    record = run_stage(cohort(FIVE_MEN), COLUMNS, {"analyses": analyses}, disclosure_threshold=10)
    for name in "rlm":
        assert value(record, "n", name) == 135
        assert [value(record, "n", name, f"sex:{sex}") for sex in LEVELS["sex"]] == [None, None]
    assert value(record, "df", "r", "sex:male") is None and value(record, "df", "l", "sex:male") is None
    open_record = run_stage(cohort(FIVE_MEN), COLUMNS, {"analyses": analyses})
    assert value(open_record, "n", "m", "sex:male") == 5 and value(open_record, "df", "r", "sex:male") == 3


def test_a_small_group_is_hidden_with_another(run_stage: RunStage) -> None:
    analyses = [
        {"id": "t", "kind": "ttest", "outcome": "z", "by": "sex"},
        {"id": "m", "kind": "logistic", "outcome": "pain", "terms": ["x", "sex"]},
        {"id": "g", "kind": "mixed_logistic", "outcome": "pain", "terms": ["x"], "group": "sex"},
    ]
    record = run_stage(cohort(FIVE_MEN), COLUMNS, {"analyses": analyses}, disclosure_threshold=10)
    for quantity in ("level_n.t", "mean.t", "sd.t", "level_n.m", "level_events.m"):
        assert [value(record, quantity, f"sex:{sex}") for sex in LEVELS["sex"]] == [None, None]
    groups = record["results"]["analyses"]["g"]["random_intercept"][0]["groups"]
    assert [group["n"] for group in groups] == [None, None]
