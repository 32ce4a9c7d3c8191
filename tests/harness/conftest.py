"""A run of the harness on a tiny stage and a data folder of text files."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.progress import Progress
from harness.run.case import Case
from harness.run.context import Context
from harness.run.pipeline import CaseRun
from harness.run.store import Store
from harness.run.workers import Workers
from harness.runners.process import ProcessRunner

STAGES = Path(__file__).parent / "stages"

Runs = Callable[..., CaseRun]


def lines_case(items: dict[str, str], **changes: Any) -> Case:
    """A case that counts the lines of files named after the items."""
    fields: dict[str, Any] = {
        "name": "texts",
        "title": "lines of texts",
        "evidence": "real data",
        "inputs": {
            "texts": {
                "kind": "data",
                "source": "made by the test",
                "items": [{"id": item, "files": {"text": f"{item}.txt"}} for item in items],
            }
        },
        "steps": {
            "count": {"kind": "stage", "stage": "lines", "inputs": {"text": "texts.text"}},
            "again": {"kind": "stage", "stage": "lines", "inputs": {"text": "count.copy"}, "parameters": {"factor": 2}},
        },
        "checks": [
            {
                "name": "count",
                "title": "two lines each",
                "step": "count",
                "metric": "lines",
                "minimum": 2,
                "maximum": 2,
                "tolerance_source": "exact",
                "evidence": "real data",
            }
        ],
        **changes,
    }
    return Case.model_validate(fields)


@pytest.fixture
def run_case(tmp_path: Path) -> Iterator[Runs]:
    """Run a case on texts: `run_case({"a": "one\\ntwo"}, case=..., runner=..., execute=...)`."""
    with Workers(1) as pool:

        def run(texts: dict[str, str], case: Case | None = None, run_name: str = "run", **changes: Any) -> CaseRun:
            data = tmp_path / "data"
            data.mkdir(exist_ok=True)
            for item, text in texts.items():
                (data / f"{item}.txt").write_text(text, encoding="utf-8")
            fields: dict[str, Any] = {
                "runner": ProcessRunner({"lines": STAGES / "lines"}),
                "store": Store(tmp_path / "cache"),
                "run_folder": tmp_path / run_name,
                "data": data,
                "preset": "small",
                "cores": 2,
                "pool": pool,
                "progress": Progress(quiet=True),
            }
            fields["run_folder"].mkdir(exist_ok=True)
            made = CaseRun(case or lines_case(texts), Context(**{**fields, **changes}))
            made.run()
            return made

        yield run
