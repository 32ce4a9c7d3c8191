"""The scripts in benchmarks/: each names its rows as the harness expects them, for both devices."""

import importlib.util
from pathlib import Path

import pytest

from harness.bench.command import scripts
from harness.bench.suite import Asked, Rows

SUITES = scripts()


def rows_of(path: Path) -> Rows:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Rows = module.rows
    return found


@pytest.mark.parametrize("name", SUITES)
def test_rows(name: str) -> None:
    rows = rows_of(SUITES[name])
    for asked in (Asked(threads=2), Asked(quick=True)):
        found = rows(asked)
        names = [row.name for row in found]
        assert names
        assert len(set(names)) == len(names)
        for row in found:
            assert row.name.startswith(f"{name}.")
            assert row.methods[0].name == "ours"
            assert len({method.name for method in row.methods}) == len(row.methods)
            assert row.facts()["methods"][0]["target"] is None
    assert {row.name for row in rows(Asked(device="cuda"))} <= set(names)


def test_sizes_differ_between_quick_and_whole() -> None:
    """Rows are compared by name and parameters: the small size may not pass for the whole."""
    for name in SUITES:
        rows = rows_of(SUITES[name])
        whole = {row.name: row.parameters for row in rows(Asked())}
        assert all(row.parameters != whole[row.name] for row in rows(Asked(quick=True))), name


def test_the_papers_volume_has_a_row() -> None:
    """The claim of a thigh volume in under 2 minutes rests on it: the paper's network, a whole volume, no quick one."""
    rows = {row.name: row for row in rows_of(SUITES["inference"])(Asked())}
    assert rows["inference.thigh_full"].parameters == {"preset": "full", "network": "paper", "overlap": 0.25}
    assert not rows["inference.thigh_full"].slow
    assert rows["inference.unetr_full"].slow
