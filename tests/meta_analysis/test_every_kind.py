"""Conformance: what holds of every kind of analysis. A new one is tested by being a module of `kinds`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from containers.meta_analysis import kinds
from tests.meta_analysis.conftest import Answer
from tests.meta_analysis.tables import MUSCLE_EFFECTS, MUSCLES, rows
from tests.toolkit.kind_checks import CHECKS, Bench, check_a_new_kind, check_its_place_in_the_readme

NEW = '''"""Kind `effect_count`: how many effects there are."""

from typing import Literal

from containers.meta_analysis.data.effects import Effects
from containers.meta_analysis.kinds._analysis import Analysis
from containers.meta_analysis.kinds._rows import used_effects
from containers.meta_analysis.report import EffectReport


class EffectCountAnalysis(Analysis):
    """Effects with a value."""

    kind: Literal["effect_count"]
    """Marks a count of effects."""
    of: str
    """The column."""

    example = ({"id": "count", "kind": "effect_count", "of": "bmi"},)

    def run(self, data: Effects, report: EffectReport) -> None:
        """Put n."""
        report.put("n", len(used_effects(data, self.restrict, [self.of], report)))
'''


@pytest.fixture
def bench(answer: Answer, tmp_path: Path) -> Bench:
    def run(analyses: list[dict[str, Any]], without: str = "", empty: bool = False) -> dict[str, Any]:
        table = rows("made_up_muscles")
        if empty:
            kept = {"effect_id": "e_empty", "study": "Another 2000"}
            table.append({name: kept.get(name, "") for name in table[0]})
        columns = {name: fields for name, fields in MUSCLES["columns"].items() if name != without}
        file = {"schema_version": "1.0", "effects": MUSCLE_EFFECTS, "analyses": analyses}
        record = answer(table, {**MUSCLES, "columns": columns}, file)
        if record["status"] == "ok":
            folder = tmp_path / "out" / "one"
            record |= {name: json.loads((folder / f"{name}.json").read_text()) for name in ("results", "flow")}
        return record

    return Bench(kinds, kinds.KINDS, tuple(MUSCLES["columns"]), run)


@pytest.mark.parametrize("kind", kinds.KINDS.names())
@pytest.mark.parametrize("check", [*CHECKS, check_its_place_in_the_readme])
def test_every_kind(bench: Bench, check: Callable[[Bench, str], None], kind: str) -> None:
    check(bench, kind)


def test_a_kind_is_one_file(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    check_a_new_kind(bench, tmp_path / "more", "effect_count", NEW)
