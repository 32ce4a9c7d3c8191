"""The summary of each paper: every claim counted once, every finding one line."""

import re

import pytest

from harness.report.overview import headline, overviews, part_of
from harness.run.results import ClaimResult, Finding, Results

EMPTY = {"project_version": "0", "contract": "1", "preset": "small", "runner": "process", "environment": {}}


def _claim(number: int, route: str, verdict: str, **more: object) -> ClaimResult:
    facts = {"place": f"Table {number}, Row", "quantity": f"quantity {number}", "printed": "6.1", "unit": "%"}
    given = {"paper": "ukb_thigh", "claim": f"c.{number}", "reason": "why", "route": route, "verdict": verdict}
    return ClaimResult.model_validate({**facts, **given, **more})


@pytest.fixture
def results() -> Results:
    wrong = {"formula": "100 × 1 / 3", "computed": "33.3333…", "finding": "ukb_thigh/1"}
    claims = [
        _claim(1, "recompute", "contradicted", **wrong, explanation="It would agree elsewhere."),
        _claim(2, "recompute", "contradicted", **wrong),
        _claim(3, "recompute", "reproduced"),
        _claim(4, "recompute", "consistent"),
        _claim(5, "phantom", "consistent"),
        _claim(6, "phantom", "not testable"),
        _claim(7, "simulation", "broken"),
        _claim(8, "licensed", "not testable"),
        _claim(9, "hardware", "not testable", paper="unknown_paper"),
    ]
    found = [
        {
            "id": "ukb_thigh/1",
            "title": "t",
            "text": "long",
            "claims": ["c.1", "c.2"],
            "rows": 2,
            "kind": "contradiction",
        },
        {
            "id": "ukb_thigh/2",
            "title": "30 rows equal",
            "text": "In all.",
            "claims": ["c.3"],
            "rows": 30,
            "kind": "equality",
        },
    ]
    findings = [Finding.model_validate({"paper": "ukb_thigh", **one}) for one in found]
    return Results.model_validate({**EMPTY, "claims": claims, "findings": findings, "exit_status": 0})


def test_every_claim_is_counted_in_one_line(results: Results) -> None:
    ukb, other = overviews(results)
    assert (ukb.total, other.total) == (8, 1)
    assert sum(int(re.match(r"\d+", line)[0]) for line in ukb.lines) == 8  # type: ignore[index]
    assert sum(part.count for part in ukb.parts) == 8
    assert sum(part.share for part in ukb.parts) == pytest.approx(100, abs=0.01)
    assert ukb.lines[0] == (
        "4 claims checked by arithmetic with other numbers that the paper prints: 1 follow from them, "
        "1 agree with them without following from them, 2 cannot be so as printed."
    )
    assert ukb.cited is not None and other.cited is None


def test_several_rows_of_one_cause_are_one_line(results: Results) -> None:
    ukb = overviews(results)[0]
    (line,) = ukb.contradictions
    assert line.subject == "quantity 1"
    assert line.said == "printed “6.1”, but 100 × 1 / 3 = 33.3333…; it would agree elsewhere."
    assert line.where == "2 rows, Table 1, Row"
    assert [one.where for one in ukb.equalities] == ["30 rows, Table 3, Row"]
    assert [one.said for one in ukb.equalities] == ["In all."]


def test_the_first_sentence_counts_the_whole_run(results: Results) -> None:
    assert headline(results) == (
        "9 published numbers and statements of 2 papers; 5 could be tested here: 1 follows from other printed numbers, "
        "2 agree with what could be tested, without following from it, 2 cannot be so as printed."
    )
    none = results.model_copy(update={"claims": []})
    assert headline(none) == "No published number was judged in this run."
    one = results.model_copy(update={"claims": [results.claims[7]]})
    assert headline(one) == "1 published number or statement of 1 paper; 0 could be tested here."


def test_a_phantom_never_confirms_a_paper(results: Results) -> None:
    for line in overviews(results)[0].lines[1:3]:
        assert "made-up" in line
        assert not re.search("confirm|replicat|reproduc|follow", line)


def test_the_part_of_a_paper_is_the_place_before_the_comma() -> None:
    assert part_of("Table 1, N, Total") == "Table 1"
    assert part_of("Abstract") == "Abstract"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            {
                "kind": "at_most",
                "stands_for": "it may be at most 0.05 = 0.05",
                "formula": "0.16",
                "computed": "0.155 to 0.165",
            },
            "printed “6.1”: it may be at most 0.05, but 0.16 = 0.155 to 0.165.",
        ),
        (
            {"kind": "at_most", "stands_for": "it may be at most 7 = 7", "formula": "8", "computed": "8"},
            "printed “6.1”: it may be at most 7, but 8.",
        ),
        (
            {
                "kind": "order",
                "stands_for": "39 is stated to exceed 41: so not",
                "formula": "39 − 41",
                "computed": "−2",
            },
            "printed “6.1”, which says that 39 exceeds 41.",
        ),
        (
            {"kind": "sum", "stands_for": "6.05 to 6.15", "formula": "1 + 2", "computed": "3"},
            "printed “6.1”, but 1 + 2 = 3.",
        ),
        ({"kind": "same"}, "printed “6.1”."),
    ],
)
def test_a_finding_says_what_stands_against_the_print(results: Results, facts: dict[str, str], said: str) -> None:
    claim = _claim(1, "recompute", "contradicted", **facts)
    one = results.model_copy(update={"claims": [claim], "findings": results.findings[:1]})
    assert overviews(one)[0].contradictions[0].said == said
