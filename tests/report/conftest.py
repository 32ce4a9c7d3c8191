"""One body, one report, for all tests of this folder."""

from pathlib import Path

import pytest

from harness.report import write
from harness.results import Results
from tests.report.body import write_body
from tests.report.example import TIMINGS, make_results


@pytest.fixture(scope="session")
def body(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("body")
    write_body(folder)
    return folder


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory, body: Path) -> tuple[Results, Path, Path]:
    """Results, the run folder, and the folder of the written report."""
    folder = tmp_path_factory.mktemp("rendered")
    results = make_results(folder / "run", body)
    write(results, TIMINGS, folder / "run", folder / "report")
    return results, folder / "run", folder / "report"
