"""Verdicts against hand-worked arithmetic; seeded wrong numbers must be found, right ones left alone."""

import sys
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.claims import judge
from harness.claims.judge import judge_ledger
from harness.claims.ledger import Claim, Ledger, Number
from harness.claims.loader import ledgers
from harness.run.results import CheckResult, ClaimResult, Verdict

BASE = {"place": "Table 1", "unit": "1"}


def ledger(numbers: dict[str, str], claims: list[dict[str, Any]], exact: set[str] = frozenset()) -> Ledger:  # type: ignore[assignment]
    return Ledger(
        schema_version="1.0",
        paper="p",
        reference="r",
        numbers=[Number(id=k, printed=v, exact=k in exact, **BASE) for k, v in numbers.items()],
        claims=[Claim.model_validate({"quantity": "q", "route": "recompute", **BASE, **c}) for c in claims],
    )


def one(numbers: dict[str, str], printed: str, relation: dict[str, Any], **more: Any) -> ClaimResult:
    exact = more.pop("exact_numbers", set())
    claim = {"id": "claim", "printed": printed, "relation": relation, **more}
    return judge_ledger(ledger(numbers, [claim], exact), [])[0]


SUM = {"kind": "sum", "parts": ["a", "b"]}
DIFF = {"kind": "difference", "minuend": "a", "subtrahend": "b"}
PART = {"kind": "percent", "part": "a", "whole": "b"}
DECLINE = {"kind": "decline", "start": "a", "end": "b"}
COUNTS = {"a", "b"}


@pytest.mark.parametrize(
    ("numbers", "printed", "relation", "exact", "verdict"),
    [
        # counts: 10 + 20 = 30
        ({"a": "10", "b": "20"}, "30", SUM, True, "reproduced"),
        ({"a": "10", "b": "20"}, "31", SUM, True, "contradicted"),
        # rounded: 1.0 + 2.0 lies in [2.9, 3.1]; 3.1 stands for [3.05, 3.15]; 3.3 is too high even with digits cut off
        ({"a": "1.0", "b": "2.0"}, "3.1", SUM, False, "consistent"),
        ({"a": "1.0", "b": "2.0"}, "3.3", SUM, False, "contradicted"),
        ({"a": "1.00", "b": "2.00"}, "3", SUM, False, "reproduced"),
        ({"a": "64,524", "b": "27,521"}, "37,003", DIFF, True, "reproduced"),
        ({"a": "64,524", "b": "27,521"}, "37,004", DIFF, True, "contradicted"),
        # 100 / 17,920 x 1023 = 5.70870...
        ({"a": "1023", "b": "17,920"}, "5.71", PART, True, "reproduced"),
        ({"a": "1023", "b": "17,920"}, "5.72", PART, True, "contradicted"),
        # cut off instead of rounded is an honest convention when nothing else in the table speaks against it
        ({"a": "1023", "b": "17,920"}, "5.70", PART, True, "consistent"),
        # a tie: 1/8 = 12.5 % is 12 by half-even and 13 by half-up
        ({"a": "1", "b": "8"}, "12", PART, True, "reproduced"),
        ({"a": "1", "b": "8"}, "13", PART, True, "reproduced"),
        # (100 - 80) / 100 = 20, / 80 = 25, / 90 = 22.2
        ({"a": "100", "b": "80"}, "20", DECLINE, False, "consistent"),
        ({"a": "100", "b": "80"}, "25", DECLINE, False, "consistent"),
        ({"a": "100", "b": "80"}, "30", DECLINE, False, "contradicted"),
    ],
)
def test_hand_worked(
    numbers: dict[str, str], printed: str, relation: dict[str, Any], exact: bool, verdict: str
) -> None:
    counts = COUNTS if exact else set()
    whole = exact and relation["kind"] != "percent"
    assert one(numbers, printed, relation, exact=whole, exact_numbers=counts).verdict == verdict


MEAN = {"kind": "weighted_mean", "means": ["m1", "m2"], "counts": ["n1", "n2"]}
TWO = {"n1": "100", "n2": "300", "m1": "10.0", "m2": "20.0", "s1": "3.0", "s2": "4.0", "m": "17.5"}


@pytest.mark.parametrize(
    ("printed", "verdict"),
    [("17.5", "reproduced"), ("17.6", "consistent"), ("17.7", "contradicted"), ("18", "consistent")],
)
def test_weighted_mean(printed: str, verdict: str) -> None:
    # (100 x 10 + 300 x 20) / 400 = 17.5, half-width 0.05
    assert one(TWO, printed, MEAN, exact_numbers={"n1", "n2"}).verdict == verdict


def test_pooled_sd_against_a_sample() -> None:
    rng = np.random.default_rng(3)
    groups = [rng.normal(10, 3, 100), rng.normal(20, 4, 300)]
    whole = np.concatenate(groups)
    relation = {"kind": "pooled_sd", "sds": ["s1", "s2"], "means": ["m1", "m2"], "counts": ["n1", "n2"], "mean": "m"}
    numbers = TWO | {f"m{i}": f"{g.mean():.3f}" for i, g in enumerate(groups, 1)}
    numbers |= {f"s{i}": f"{g.std(ddof=1):.3f}" for i, g in enumerate(groups, 1)} | {"m": f"{whole.mean():.3f}"}
    right = f"{whole.std(ddof=1):.2f}"
    wrong = f"{whole.std(ddof=1) + 0.03:.2f}"
    assert one(numbers, right, relation, exact_numbers={"n1", "n2"}).verdict in ("reproduced", "consistent")
    assert one(numbers, wrong, relation, exact_numbers={"n1", "n2"}).verdict == "contradicted"


def test_unit_of_an_index_is_found_and_explained() -> None:
    relation = {
        "kind": "height_index",
        "quantity": "v",
        "height_cm": "h",
        "height_limits_m": ["1.20", "2.20"],
        "other_units": [{"unit": "cm3/cm2", "scale": "0.0001"}],
    }
    numbers = {"v": "9321.7", "h": "169.2"}
    wrong = one(numbers, "0.32", relation)
    assert wrong.verdict == "contradicted"
    assert "agree in cm3/cm2" in wrong.reason
    # 9321.7 / 1.692^2 = 3256.1
    assert any("3,254.1" in line for line in wrong.arithmetic)
    assert any("Assumption" in line and "1.20 and 2.20 m" in line for line in wrong.arithmetic)
    right = one(numbers, "3256", relation)
    assert right.verdict == "consistent", "a bound never reproduces"


@pytest.mark.parametrize(
    ("te", "phase", "verdict"),
    [
        # 42.577 MHz/T x 1.5 T x 3.5 ppm = 223.5 Hz: 2.39 ms is 0.53 cycles, 4.77 ms is 1.07 cycles
        ("2.39", "in-phase", "contradicted"),
        ("2.39", "opposed-phase", "consistent"),
        ("4.77", "in-phase", "consistent"),
        ("4.77", "opposed-phase", "contradicted"),
        # a quarter cycle, 1.12 ms, is neither: no contradiction may be read from it
        ("1.12", "in-phase", "consistent"),
        ("1.12", "opposed-phase", "consistent"),
    ],
)
def test_echo_phase(te: str, phase: str, verdict: str) -> None:
    relation = {"kind": "echo_phase", "echo_time_ms": "te", "field_t": "b", "shift_ppm": "s", "phase": phase}
    assert one({"te": te, "b": "1.5", "s": "~3.5"}, f"{te} ({phase})", relation).verdict == verdict


@pytest.mark.parametrize(
    ("printed", "verdict"), [("0.814", "consistent"), ("0.805", "contradicted"), ("0.900", "contradicted")]
)
def test_mean_iou_lies_between_jensen_and_chord(printed: str, verdict: str) -> None:
    # f(D) = D/(2-D): f(0.896) = 0.8116 is the lowest mean, D itself the highest
    relation = {"kind": "mean_iou", "mean_dice": "d", "smallest": "lo", "largest": "hi"}
    assert one({"d": "0.896", "lo": "0.797", "hi": "0.956"}, printed, relation).verdict == verdict


def test_range_rounded_to_tens_is_no_contradiction_but_a_range_far_off_is() -> None:
    relation = {"kind": "excess_range", "pairs": [["a", "b"]]}
    near, far = {"a": "138", "b": "100"}, {"a": "170", "b": "100"}
    assert one(near, "40–50%", relation).verdict == "consistent"
    assert "rounded to 10s" in one(near, "40–50%", relation).reason
    assert one(far, "40–50%", relation).verdict == "contradicted"


@pytest.mark.parametrize(
    ("value", "printed", "verdict"),
    [
        # 15 and 20 are multiples of 5: the range may stand for 12.5 to 22.5
        ("113", "15–20%", "consistent"),
        ("112", "15–20%", "contradicted"),
        # 40 and 45 are multiples of 5, not of 10: 37.5 to 47.5, never 35 to 50
        ("136", "40–45%", "contradicted"),
        # no other rounding is thought of when an end is not a multiple of 5
        ("139", "41–45%", "contradicted"),
    ],
)
def test_one_rule_for_every_range(value: str, printed: str, verdict: str) -> None:
    relation = {"kind": "excess_range", "pairs": [["a", "b"]]}
    assert one({"a": value, "b": "100"}, printed, relation, exact_numbers={"a", "b"}).verdict == verdict


def test_a_contradiction_names_all_its_pairs_and_their_difference() -> None:
    relation = {"kind": "excess_range", "pairs": [["a", "b"], ["c", "b"]]}
    found = one({"a": "170", "b": "100", "c": "180"}, "15–20%", relation, exact_numbers={"a", "b", "c"})
    # 70 and 80 against at most 20.5
    assert "100 × (170 / 100 − 1) = 70; 100 × (180 / 100 − 1) = 80." in found.reason
    assert "Difference: at least 49.5 and 59.5." in found.reason


def column(printed: list[str], counts: list[int]) -> list[ClaimResult]:
    ids = [f"c{i}" for i in range(len(counts))]
    numbers = {f"n{i}": str(n) for i, n in enumerate(counts)} | {"whole": str(sum(counts))}
    claims = [
        {
            "id": key,
            "printed": text,
            "table": "t",
            "relation": {"kind": "percent", "part": f"n{i}", "whole": "whole", "column": [k for k in ids if k != key]},
        }
        for i, (key, text) in enumerate(zip(ids, printed, strict=True))
    ]
    return judge_ledger(ledger(numbers, claims, set(numbers)), [])


def test_a_column_adjusted_to_100_is_no_contradiction() -> None:
    found = column(["33.4", "33.3", "33.3"], [1, 1, 1])
    assert [c.verdict for c in found] == ["consistent", "reproduced", "reproduced"]
    assert "add up to 100" in found[0].reason


def test_a_wrong_digit_in_a_column_that_needs_no_adjustment_is_one() -> None:
    # 202, 1142 and 17,740 of 19,084: 1.058..., 5.984..., 92.957...: 1.06 + 5.98 + 92.96 = 100.00
    found = column(["1.06", "5.99", "92.95"], [202, 1142, 17740])
    assert [c.verdict for c in found] == ["reproduced", "contradicted", "contradicted"]
    assert "at most one entry can be that, and 92.95 is not its own share either" in found[1].reason
    assert "at most one entry can be that, and 5.99 is not its own share either" in found[2].reason
    found = column(["1.06", "5.98", "92.96"], [202, 1142, 17740])
    assert {c.verdict for c in found} == {Verdict.REPRODUCED}


def test_cut_off_digits_excuse_a_table_only_when_they_fit_all_of_it() -> None:
    assert {c.verdict for c in column(["1.05", "5.98", "92.95"], [202, 1142, 17740])} <= {"reproduced", "consistent"}


@settings(max_examples=150, deadline=None)
@given(
    counts=st.lists(st.integers(1, 40_000), min_size=2, max_size=5),
    values=st.lists(st.floats(0.01, 5000), min_size=5, max_size=5),
    spreads=st.lists(st.floats(0.01, 500), min_size=5, max_size=5),
    digits=st.integers(0, 4),
    rounding=st.sampled_from([ROUND_HALF_UP, ROUND_HALF_EVEN]),
)
def test_an_honest_table_is_never_contradicted(
    counts: list[int], values: list[float], spreads: list[float], digits: int, rounding: str
) -> None:
    """Percentages, weighted means, pooled SDs and declines of true values, rounded once, raise no false alarm."""
    step = Decimal(1).scaleb(-digits)

    def printed(value: float | Decimal) -> str:
        return str(Decimal(value).quantize(step, rounding=rounding))

    means = [Decimal(v) for v in values[: len(counts)]]
    sds = [Decimal(v) for v in spreads[: len(counts)]]
    everyone = sum(counts)
    mean = sum((n * m for n, m in zip(counts, means, strict=True)), Decimal(0)) / everyone
    squares = sum(
        ((n - 1) * s**2 + n * (m - mean) ** 2 for n, m, s in zip(counts, means, sds, strict=True)), Decimal(0)
    )
    sd = (squares / (everyone - 1)).sqrt()
    numbers = {f"n{i}": str(n) for i, n in enumerate(counts)} | {"everyone": str(everyone)}
    exact = set(numbers)
    numbers |= {f"m{i}": printed(m) for i, m in enumerate(means)} | {f"s{i}": printed(s) for i, s in enumerate(sds)}
    keys = range(len(counts))
    group = {"means": [f"m{i}" for i in keys], "counts": [f"n{i}" for i in keys]}
    claims: list[dict[str, Any]] = [
        {"id": "mean", "printed": printed(mean), "relation": {"kind": "weighted_mean", **group}},
        {
            "id": "sd",
            "printed": printed(sd),
            "relation": {"kind": "pooled_sd", "sds": [f"s{i}" for i in keys], "mean": "mean", **group},
        },
        {"id": "all", "printed": str(everyone), "exact": True, "relation": {"kind": "sum", "parts": group["counts"]}},
    ]
    for i in keys:
        share = Decimal(100 * counts[i]) / everyone
        relation = {
            "kind": "percent",
            "part": f"n{i}",
            "whole": "everyone",
            "column": [f"p{j}" for j in keys if j != i],
        }
        claims.append({"id": f"p{i}", "printed": printed(share), "table": "t", "relation": relation})
    if float(numbers["m0"]) > float(step):
        change = 100 * (means[0] - means[1]) / means[0]
        if change >= 0:
            claims.append(
                {"id": "drop", "printed": printed(change), "relation": {"kind": "decline", "start": "m0", "end": "m1"}}
            )
    found = judge_ledger(ledger(numbers, claims, exact), [])
    assert [c.claim for c in found if c.verdict == Verdict.CONTRADICTED] == []
    assert fmean(c.verdict == Verdict.REPRODUCED for c in found if c.claim.startswith("p")) == 1.0


def check(name: str, **more: Any) -> CheckResult:
    return CheckResult.model_validate(
        {
            "case": "case",
            "check": name,
            "title": name,
            "evidence": "phantom",
            "measured": 1.0,
            "unit": "1",
            "tolerance_source": "rounding",
            "passed": True,
            **more,
        }
    )


@pytest.mark.parametrize(
    ("checks", "verdict"),
    [
        ([check("good")], "consistent"),
        ([check("good"), check("good_too", passed=False)], "broken"),
        ([check("good", broken=True)], "broken"),
        ([check("good", evidence="mutant")], "not testable"),
        ([check("good", skipped=True)], "not testable"),
        ([check("other")], "not testable"),
        ([], "not testable"),
    ],
)
def test_phantom_claims_are_consistent_at_most(checks: list[CheckResult], verdict: str) -> None:
    claim = {"id": "claim", "printed": "words", "route": "phantom", "checks": ["case/good*"]}
    assert judge_ledger(ledger({}, [claim]), checks)[0].verdict == verdict


def _check(name: str, *, passed: bool = True, **more: Any) -> CheckResult:
    case, _, check = name.partition("/")
    fields = {"title": "t", "evidence": "phantom", "measured": 1.0, "unit": "1", "tolerance_source": "exact"}
    return CheckResult.model_validate({"case": case, "check": check, "passed": passed, **fields, **more})


@pytest.fixture
def of_two_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims that rest on case `a`, on `b`, on both, and one that follows from other numbers."""
    rests = {"of_a": ["a/x"], "of_b": ["b/*"], "of_both": ["a/x", "b/y"]}
    claims = [{"id": key, "printed": "1", "route": "phantom", "checks": checks} for key, checks in rests.items()]
    sums = {"id": "sum", "printed": "30", "relation": SUM}
    whole = ledger({"a": "10", "b": "20"}, [*claims, sums], {"a", "b"})
    # The package gives its function `judge` the name of this module.
    monkeypatch.setattr(sys.modules["harness.claims.judge"], "ledgers", lambda: [whole])


@pytest.mark.parametrize(
    ("passed", "chosen", "verdicts"),
    [
        # All cases were run.
        (True, (), {"of_a": "consistent", "of_b": "not testable", "of_both": "consistent", "sum": "reproduced"}),
        # Only a: what it cannot change is left out, and alone it settles no claim that rests on b too.
        (True, ("a",), {"of_a": "consistent", "of_both": "not testable"}),
        (False, ("a",), {"of_a": "broken", "of_both": "broken"}),
        # b was asked for and gave nothing, as a case without its data does.
        (True, ("a", "b"), {"of_a": "consistent", "of_b": "not testable", "of_both": "consistent"}),
        (True, ("elsewhere",), {}),
    ],
)
@pytest.mark.usefixtures("of_two_cases")
def test_a_run_of_some_cases_judges_what_these_can_change(
    passed: bool, chosen: tuple[str, ...], verdicts: dict[str, str]
) -> None:
    found = judge([_check("a/x", passed=passed)], chosen)
    assert {claim.claim: claim.verdict for claim in found} == verdicts
    both = {claim.claim: claim for claim in found}.get("of_both")
    if both and both.verdict == Verdict.NOT_TESTABLE:
        assert both.reason == (
            "Not judged: it rests on b too, which this run was not asked for; test it with: "
            "myorepro reproduce --case a --case b"
        )
        assert both.arithmetic == ["a/x: passed"]


@pytest.mark.usefixtures("of_two_cases")
def test_claims_that_need_a_check_on_too_few_draws_are_not_judged() -> None:
    few = _check("a/x", passed=False, measured=None, skipped=True, too_few=True, note="2 draws are too few")
    found = {claim.claim: claim for claim in judge([few, _check("b/y")])}
    assert found["of_both"].verdict == found["of_a"].verdict == Verdict.NOT_TESTABLE
    assert found["of_both"].reason.startswith("Not judged: 2 draws are too few; test it with: myorepro reproduce")
    assert found["of_b"].verdict == Verdict.CONSISTENT
    broken = {claim.claim: claim.verdict for claim in judge([few, _check("b/y", passed=False)])}
    assert broken["of_both"] == Verdict.BROKEN


def test_licensed_claims_name_what_is_missing_and_the_command() -> None:
    claim = {"id": "claim", "printed": "0.896", "route": "licensed", "needs": "the weights", "command": "run it"}
    found = judge_ledger(ledger({}, [claim]), [])[0]
    assert found.verdict == "not testable"
    assert "the weights" in found.reason
    assert "run it" in found.reason


CONTRADICTED = {
    "flow.analysed",
    "table1.probable.percent.women",
    "table1.none.percent.women",
    "table1.tmv.mean.total",
    "table1.tmv.sd.total",
    "table1.tvi.unit.total",
    "table1.tvi.unit.men",
    "table1.tvi.unit.women",
    "mri.echo_1.phase",
    "mri.echo_2.phase",
    "model.channels",
    "age.tmv.women.decline",
    "age.tvi.excess",
}


def test_the_shipped_claims_of_ukb_thigh() -> None:
    """Each contradiction here was worked by hand from the printed numbers."""
    found = [c for c in judge([]) if c.paper == "ukb_thigh"]
    assert {c.claim for c in found if c.verdict == Verdict.CONTRADICTED} >= CONTRADICTED
    assert all(c.arithmetic for c in found if c.route == "recompute")
    assert judge([]) == judge([])


@pytest.mark.parametrize(
    ("claim", "printed"),
    [
        ("flow.analysed", "37,003"),
        ("table1.probable.percent.women", "5.98%"),
        ("table1.none.percent.women", "92.96%"),
        ("table1.tmv.mean.total", "9320.0"),
        ("table1.tmv.sd.total", "2276.3"),
        ("model.channels", "28"),
        ("age.tmv.women.decline", "18%"),
        ("age.tvi.excess", "25–30%"),
    ],
)
def test_the_right_number_clears_each_contradiction(claim: str, printed: str) -> None:
    book = next(entry for entry in ledgers() if entry.paper == "ukb_thigh")
    claims = [c.model_copy(update={"printed": printed}) if c.id == claim else c for c in book.claims]
    found = {c.claim: c.verdict for c in judge_ledger(book.model_copy(update={"claims": claims}), [])}
    assert found[claim] in (Verdict.REPRODUCED, Verdict.CONSISTENT)


def test_a_wrong_last_digit_in_any_count_claim_is_found() -> None:
    book = next(entry for entry in ledgers() if entry.paper == "ukb_thigh")
    seeded = [
        c.id for c in book.claims if c.exact and c.relation and c.relation.kind in ("sum", "product", "difference")
    ]
    tested = 0
    for key in sorted(set(seeded) - CONTRADICTED - {"mri.field_of_view"}):
        value = int(book.number(key).parsed()[0].value) + 1
        claims = [c.model_copy(update={"printed": str(value)}) if c.id == key else c for c in book.claims]
        found = {c.claim: c.verdict for c in judge_ledger(book.model_copy(update={"claims": claims}), [])}
        assert found[key] == Verdict.CONTRADICTED, key
        tested += 1
    assert tested >= 8
