"""Odds ratios from printed events, against SciPy's sample odds ratio and its normal interval."""

import pytest
from scipy.stats.contingency import odds_ratio as scipy_odds_ratio

from harness.claims import judge
from harness.claims.judge import judge_ledger
from harness.claims.ledger import Claim, Ledger, Number
from harness.claims.printed import numbers
from harness.run.results import ClaimResult, Verdict

NUMBERS = {"a": "120", "b": "80", "n": "1,000"}
BASE = {"place": "Table 2", "unit": "1"}


def ledger(printed: dict[str, str], method: str = "") -> Ledger:
    claims = [
        {
            "id": part,
            "printed": text,
            "quantity": "q",
            "route": "recompute",
            "relation": {
                "kind": "odds_ratio",
                "events_high": "a",
                "events_low": "b",
                "size": "n",
                "part": part,
                "method": method,
            },
            **BASE,
        }
        for part, text in printed.items()
    ]
    rows = {"kind": "unadjusted", "rows": list(printed)}
    adjusted = {"id": "adjusted", "printed": "Eq. 1", "quantity": "q", "route": "recompute", "relation": rows, **BASE}
    return Ledger(
        schema_version="1.0",
        paper="p",
        reference="r",
        numbers=[Number(id=k, printed=v, exact=True, **BASE) for k, v in NUMBERS.items()],
        claims=[Claim.model_validate(c) for c in (*claims, adjusted)],
    )


def judged(printed: dict[str, str], method: str = "") -> dict[str, ClaimResult]:
    return {c.claim: c for c in judge_ledger(ledger(printed, method), [])}


def truth() -> dict[str, float]:
    found = scipy_odds_ratio([[120, 80], [880, 920]], kind="sample")
    interval = found.confidence_interval(0.95)
    return {"estimate": float(found.statistic), "lower": float(interval.low), "upper": float(interval.high)}


def test_the_right_numbers_are_reproduced() -> None:
    found = judged({part: f"{value:.3f}" for part, value in truth().items()})
    assert {found[part].verdict for part in truth()} == {Verdict.REPRODUCED}
    assert found["adjusted"].verdict == Verdict.CONSISTENT
    assert "All 3 printed numbers agree" in found["adjusted"].reason
    assert "print cannot tell" in found["adjusted"].reason


@pytest.mark.parametrize("part", ["estimate", "lower", "upper"])
def test_a_wrong_last_digit_is_found(part: str) -> None:
    printed = {name: f"{value:.3f}" for name, value in truth().items()}
    printed[part] = f"{truth()[part] + 0.003:.3f}"
    found = judged(printed)
    assert found[part].verdict == Verdict.CONTRADICTED
    assert "2 of 3 printed numbers agree" in found["adjusted"].reason
    assert found["adjusted"].verdict == Verdict.CONSISTENT, "unequal rows do not speak against an adjustment either"


def test_limits_by_another_method_may_differ_by_one_unit() -> None:
    # 1.1645 by Woolf: 1.163 is neither rounded nor cut off from it, and the profile limit lies above
    near = {"lower": "1.163"}
    assert judged(near)["lower"].verdict == Verdict.CONTRADICTED
    far = {"lower": "1.160"}
    assert judged(far, "bootstrap")["lower"].verdict == Verdict.CONTRADICTED
    found = judged({"lower": "1.164"}, "bootstrap")["lower"]
    assert found.verdict == Verdict.CONSISTENT
    assert "within one unit of the last digit, for limits by bootstrap" in [r.name for r in found.readings if r.excuses]


def test_profile_limits_are_tried() -> None:
    """R: where the deviance of glm(cbind(c(120, 80), c(880, 920)) ~ c(1, 0), binomial) with the coefficient held as an
    offset has risen by qchisq(0.95, 1): 1.166855 to 2.117765."""
    found = judged({"lower": "1.16685", "upper": "2.11777"})
    for part in ("lower", "upper"):
        assert found[part].verdict == Verdict.CONSISTENT
        assert "with profile-likelihood limits" in [r.name for r in found[part].readings if r.excuses]
    assert judged({"lower": "1.16786"})["lower"].verdict == Verdict.CONTRADICTED


def test_approximately_widens_a_count() -> None:
    assert numbers("approximately 12,335")[0].about
    assert not numbers("12,335")[0].about


def test_all_rows_of_table_2_agree_with_the_unadjusted_odds_ratios() -> None:
    found = {c.claim: c for c in judge([]) if c.paper == "ukb_thigh"}
    rows = [c for key, c in found.items() if key.startswith("table2.") and c.kind == "odds_ratio"]
    assert len(rows) == 30
    assert {c.verdict for c in rows} <= {Verdict.REPRODUCED, Verdict.CONSISTENT}
    assert "All 30 printed numbers agree" in found["table2.adjusted"].reason
    assert found["table2.adjusted"].verdict == Verdict.CONSISTENT
