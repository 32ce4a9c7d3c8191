"""A report is always written, whatever keeps a run from measuring."""

import json
from pathlib import Path

import pytest

from containers.contract.errors import EnvironmentFault
from harness.claims import judge
from harness.claims.judge import cases_of
from harness.claims.loader import ledgers
from harness.progress import Progress
from harness.report.summary import scope_line
from harness.reproduce import session as module
from harness.run.results import CheckResult, Verdict
from harness.runners.base import StageHandle
from harness.runners.choose import Chosen
from harness.runners.process import ProcessRunner


class Gone(ProcessRunner):
    """The engine answered when it was chosen, and then stopped."""

    def identify(self, stage: str) -> StageHandle:
        raise EnvironmentFault("the container engine stopped answering", where=stage, fix="start it and run again")


def test_an_engine_that_goes_away_before_the_first_stage_leaves_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "choose", lambda *a, **k: Chosen(runner=Gone(), note="", lines=[], images=[]))
    options = module.Options(cases=["fusion_ramp"], preset="small", work=tmp_path / "work", report=tmp_path / "report")
    results = module.reproduce(options, Progress(quiet=True))
    assert results.exit_status == 3
    written = json.loads((tmp_path / "report" / "results.json").read_text())
    assert written["exit_status"] == 3
    assert "the container engine stopped answering" in written["runner_note"]
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    resting = [claim for ledger in ledgers() for claim in ledger.claims if "fusion_ramp" in cases_of(claim)]
    said = f"Only case fusion_ramp ran: this report judges {len(resting)} claims that rest on it;"
    assert (
        resting
        and said in page
        and said in (tmp_path / "report" / "summary.md").read_text(encoding="utf-8").replace("\\", "")
    )
    # What no engine ran is not testable, and what the case cannot change is not there.
    assert [claim["claim"] for claim in written["claims"]] == [claim.id for claim in resting]
    assert {claim["verdict"] for claim in written["claims"]} == {"not testable"}
    assert written["cases"] == ["fusion_ramp"] and not written["findings"]


def test_the_sentence_of_a_run_of_some_cases() -> None:
    """None where all were run; else which ran, and how many claims that touches."""
    claims = judge([_passed("fusion_ramp/water")], ["fusion_ramp"])
    results = module._nothing(module.Options(cases=["fusion_ramp"]), "").model_copy(update={"claims": claims})
    assert {claim.verdict for claim in claims} <= {Verdict.CONSISTENT, Verdict.NOT_TESTABLE}
    for cases, shown, line in (
        ([], claims, ""),
        (["a"], claims[:1], "Only case a ran: this report judges 1 claim that rests on it; "),
        (["a", "b", "c"], claims[:2], "Only the cases a, b and c ran: this report judges 2 claims that rest on them; "),
        (["a"], [], "Only case a ran: this report judges no claim, since none rests on it; "),
    ):
        found = scope_line(results.model_copy(update={"cases": cases, "claims": shown}))
        assert found == (f"{line}`myorepro reproduce` judges all." if line else "")


def _passed(name: str) -> CheckResult:
    case, _, check = name.partition("/")
    fields = {"title": "t", "evidence": "phantom", "measured": 0.0, "unit": "1", "tolerance_source": "exact"}
    return CheckResult.model_validate({"case": case, "check": check, "passed": True, **fields})
