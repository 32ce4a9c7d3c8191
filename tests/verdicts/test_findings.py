"""Contradictions with one cause are one finding; equality in many rows is one; each says how surprising it is."""

import math
from typing import Any

from harness.claims import findings, judge_ledger
from tests.verdicts.example import ledger


def percent(key: str, part: str, whole: str, printed: str) -> dict[str, Any]:
    return {"id": key, "printed": printed, "unit": "%", "relation": {"kind": "percent", "part": part, "whole": whole}}


def test_two_numbers_that_are_exchanged_are_one_finding() -> None:
    book = ledger(
        {"a": "10", "b": "20", "n": "100"}, [percent("one", "a", "n", "20.0"), percent("two", "b", "n", "10.0")]
    )
    found = findings(judge_ledger(book, []))
    assert [(f.claims, f.rows, f.kind) for f in found] == [(["one", "two"], 2, "contradiction")]
    assert "two numbers exchanged" in found[0].title


def test_unrelated_contradictions_are_two_findings() -> None:
    book = ledger(
        {"a": "10", "b": "20", "n": "100"}, [percent("one", "a", "n", "13.0"), percent("two", "b", "n", "27.0")]
    )
    assert [f.claims for f in findings(judge_ledger(book, []))] == [["one"], ["two"]]


def test_the_wrong_whole_is_named_for_all_rows_at_once() -> None:
    rows = [
        {
            **percent(key, part, "n", printed),
            "relation": {"kind": "percent", "part": part, "whole": "n", "wholes_tried": ["all"]},
        }
        for key, part, printed in (("one", "a", "5.0"), ("two", "b", "10.0"))
    ]
    book = ledger({"a": "10", "b": "20", "n": "100", "all": "200"}, rows)
    found = judge_ledger(book, [])
    assert all(c.explanation == "It would agree of 200 (Table 1)." for c in found)
    assert [f.claims for f in findings(found)] == [["one", "two"]]


def test_surprise_counts_half_widths_and_the_luck_of_the_readings() -> None:
    # 100 x 10 / 100 = 10; 13.0 stands for 12.95 to 13.05: 2.95 / 0.05 half-widths
    book = ledger({"a": "10", "n": "100"}, [percent("one", "a", "n", "13.0")])
    claim = judge_ledger(book, [])[0]
    assert claim.half_widths == 59
    # Plain, cut off, complement (no), ...: some windows of 0.1 in the 15 between 5 and 20
    assert claim.chance is not None and 0.1 / 15 <= claim.chance < 0.1
    assert "59 half-widths" in claim.disagreement


def rows_of(count: int, moved: int = 0) -> Any:
    numbers = {"n": "1000"}
    claims: list[dict[str, Any]] = []
    for i in range(count):
        a, b = 120 + 7 * i, 80 + 5 * i
        numbers |= {f"a{i}": str(a), f"b{i}": str(b)}
        odds = a * (1000 - b) / (b * (1000 - a))
        error = math.sqrt(1 / a + 1 / b + 1 / (1000 - a) + 1 / (1000 - b))
        for part, z in (("estimate", 0), ("lower", -1.959964), ("upper", 1.959964)):
            relation = {"kind": "odds_ratio", "events_high": f"a{i}", "events_low": f"b{i}", "size": "n", "part": part}
            shift = 0.1 if i < moved else 0
            claims.append(
                {"id": f"{part}{i}", "printed": f"{odds * math.exp(z * error) + shift:.2f}", "relation": relation}
            )
    rows = [c["id"] for c in claims]
    claims.append({"id": "adjusted", "printed": "adjusted", "relation": {"kind": "unadjusted", "rows": rows}})
    return ledger(numbers, claims)


def test_many_equal_rows_are_one_finding_and_its_luck_is_told() -> None:
    results = judge_ledger(rows_of(4), [])
    found = findings(results)
    assert [(f.kind, f.rows) for f in found] == [("equality", 12)]
    # One of about 60 to 90 steps of 0.01 inside each interval, four times
    assert found[0].chance is not None and 1e-9 < found[0].chance < 1e-5
    assert {r.finding for r in results} == {"p/1"}
    assert all(r.verdict in ("reproduced", "consistent") for r in results)


def test_one_row_that_differs_is_no_equality() -> None:
    assert all(f.kind == "contradiction" for f in findings(judge_ledger(rows_of(4, moved=1), [])))
