"""One body, one report, for all tests of this folder."""

from collections import Counter
from pathlib import Path

import pytest

from harness.report import write
from harness.run.results import Results
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


@pytest.fixture(scope="session")
def part(tmp_path_factory: pytest.TempPathFactory, rendered: tuple[Results, Path, Path]) -> tuple[Results, Path]:
    """Results with every contradicted claim and some of the others, and the folder of their report.

    A browser lays out the page of all claims in seconds on a free machine; tests need only some of each kind.
    """
    whole, run, _ = rendered
    seen: Counter[tuple[str, str, str]] = Counter()
    claims = []
    for claim in whole.claims:
        kind = (claim.paper, claim.route, claim.verdict)
        seen[kind] += 1
        if claim.finding or seen[kind] <= 6 or "37,004" in claim.printed:
            claims.append(claim)
    results = whole.model_copy(update={"claims": claims})
    folder = tmp_path_factory.mktemp("part")
    write(results, TIMINGS, run, folder)
    return results, folder
