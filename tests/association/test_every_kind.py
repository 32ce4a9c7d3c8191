"""Conformance: what holds of every kind of analysis. A new one is tested by being a module of `kinds`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from containers.association import kinds
from tests.association import example
from tests.association.conftest import RunStage
from tests.toolkit.kind_checks import CHECKS, Bench, check_a_new_kind, check_its_place_in_the_readme

NEW = '''"""Kind `row_count`: how many rows have a value."""

from typing import Literal

from containers.association.data.cases import complete_cases
from containers.association.kinds._analysis import Analysis
from containers.association.report import CohortReport
from containers.toolkit.tables.cohort.columns import Cohort


class RowCountAnalysis(Analysis):
    """Rows with a value."""

    kind: Literal["row_count"]
    """Marks a count of rows."""
    of: str
    """The column."""

    example = ({"id": "rows", "kind": "row_count", "of": "bmi"},)

    def run(self, cohort: Cohort, report: CohortReport) -> None:
        """Put n."""
        report.count("n", complete_cases(cohort, [self.of], report).size)
'''


@pytest.fixture
def bench(run_stage: RunStage) -> Bench:
    def run(analyses: list[dict[str, Any]], without: str = "", empty: bool = False) -> dict[str, Any]:
        table = example.table()
        if empty:
            table = {name: [*values, "p_empty" if name == "eid" else None] for name, values in table.items()}
        columns = {name: fields for name, fields in example.COLUMNS.items() if name != without}
        return run_stage(table, columns, {"analyses": analyses})

    return Bench(kinds, kinds.KINDS, tuple(example.COLUMNS), run)


@pytest.mark.parametrize("kind", kinds.KINDS.names())
@pytest.mark.parametrize("check", [*CHECKS, check_its_place_in_the_readme])
def test_every_kind(bench: Bench, check: Callable[[Bench, str], None], kind: str) -> None:
    check(bench, kind)


def test_a_kind_is_one_file(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    check_a_new_kind(bench, tmp_path / "more", "row_count", NEW)
