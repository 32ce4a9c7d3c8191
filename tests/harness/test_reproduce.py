"""A report is always written, whatever keeps a run from measuring."""

import json
from pathlib import Path

import pytest

from containers.contract.errors import EnvironmentFault
from harness.progress import Progress
from harness.reproduce import session as module
from harness.runners.base import StageHandle
from harness.runners.choose import Chosen
from harness.runners.process import ProcessRunner


class Gone(ProcessRunner):
    """The engine answered when it was chosen, and then stopped."""

    def identify(self, stage: str) -> StageHandle:
        raise EnvironmentFault("the container engine stopped answering", where=stage, mend="start it and run again")


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
    assert (tmp_path / "report" / "index.html").stat().st_size > 1000
