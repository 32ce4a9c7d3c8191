"""The worked example of the stage's README is one: its files are read, and give what the text says."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import containers.association

README = Path(containers.association.__file__).with_name("README.md").read_text(encoding="utf-8")
RunStage = Callable[..., dict[str, Any]]


def _files() -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The table's text, the dictionary and the analyses of the example."""
    table = re.search(r"```\n(eid,.*?)```", README, re.DOTALL)
    dictionary, analyses = (json.loads(text) for text in re.findall(r"```json\n(.*?)```", README, re.DOTALL)[:2])
    assert table is not None
    return table.group(1), dictionary, analyses


def test_the_example_runs(run_stage: RunStage) -> None:
    text, dictionary, analyses = _files()
    rng = np.random.default_rng(8)
    lines = text.splitlines()[:1]
    for row in range(600):
        sex = ["female", "male"][row % 2]
        grip, alm, height = (26, 17, 1.62) if sex == "female" else (40, 24, 1.76)
        values = [rng.normal(64, 6), sex, abs(rng.normal(grip, 9)), 5 + abs(rng.normal(alm - 5, 4)), height]
        lines.append(",".join(str(v) for v in [f"p{row}", *values, rng.normal(0.45, 0.06)]))
    record = run_stage("\n".join(lines) + "\n", dictionary["columns"], analyses)
    assert record["status"] == "ok", record.get("error")
    assert record["metrics"]["odds_ratio.weak_grip_pa.sex:male.pa_third:high"]["value"] > 0
    assert record["metrics"]["profile_odds_ratio_high.confirmed_pa.pa_third:high"]["value"] > 0
    assert [step["id"] for step in record["flow"]["exclusions"]] == ["under_50", "incomplete"]


def test_the_rows_shown_are_read(run_stage: RunStage) -> None:
    text, dictionary, _ = _files()
    record = run_stage(text, dictionary["columns"], {})
    assert record["status"] == "ok" and record["flow"]["rows_read"] == 2
