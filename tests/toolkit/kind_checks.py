"""Conformance: what holds of every kind of analysis of a stage, whichever there are.

A stage's tests give a `Bench`, which runs analyses on the stage's example table; a new kind is tested by being there.
"""

import ast
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from containers.toolkit.analyses.analysis import Analysis
from containers.toolkit.analyses.kinds import Kinds


@dataclass(frozen=True)
class Bench:
    """A stage with its example table."""

    package: ModuleType
    """The package of the stage's kinds."""
    kinds: Kinds[Any]
    """Its kinds."""
    columns: tuple[str, ...]
    """Columns of the table that analyses may name."""
    run: Callable[..., dict[str, Any]]
    """Runs entries of `analyses`; gives the record, with `results` and `flow` where it is good. With `without`, a
    column that the table lacks; with `empty=True`, a row more that has an identifier and nothing else."""


def example(bench: Bench, kind: str) -> list[dict[str, Any]]:
    """The example of a kind, as a file has it."""
    return [dict(entry) for entry in bench.kinds.find(kind, "").example]


def check_its_class(bench: Bench, kind: str) -> None:
    """One class in the module of the kind's name, with an example; its methods know no analysis."""
    found = bench.kinds.find(kind, "")
    module = importlib.import_module(f"{bench.package.__name__}.{kind}")
    assert found.__module__ == module.__name__ and inspect.getdoc(found) and inspect.getdoc(module)
    own = [v for v in vars(module).values() if inspect.isclass(v) and v.__module__ == module.__name__]
    assert [v for v in own if issubclass(v, Analysis)] == [found]
    assert "run" in vars(found) and inspect.getdoc(found.run)
    assert example(bench, kind)[-1]["kind"] == kind


def check_its_answer(bench: Bench, kind: str) -> None:
    """Every number is a declared metric and a line of results.json; the flow adds up; a second run gives the same."""
    analyses = example(bench, kind)
    record = bench.run(analyses)
    assert record["status"] == "ok", record.get("error")
    assert list(record["results"]["analyses"]) == sorted(entry["id"] for entry in analyses)
    metrics = dict(record["metrics"])
    for entry in analyses:
        answer = record["results"]["analyses"][entry["id"]]
        assert answer["kind"] == entry["kind"] and answer["numbers"]
        for line in answer["numbers"]:
            parts = (line["quantity"], entry["id"], line.get("stratum"), line.get("term"))
            metric = metrics.pop(".".join(part for part in parts if part))
            assert (metric["value"], metric["note"]) == (line["value"], line.get("note", ""))
            assert metric["value"] is not None or metric["note"]
    assert not metrics
    for flow in record["flow"]["analyses"].values():
        kept = None
        assert len({step["id"] for step in flow["steps"]}) == len(flow["steps"])
        for step in flow["steps"]:
            assert kept is None or step["rows_before"] == kept
            kept = step["rows_kept"]
            assert step["rows_before"] - step["rows_left_out"] == step["rows_kept"]
            assert sum(step["reasons"].values()) == step["rows_left_out"]
    again = bench.run(analyses)
    assert [again[part] for part in ("metrics", "results", "flow")] == [
        record[part] for part in ("metrics", "results", "flow")
    ]


def check_a_row_without_values(bench: Bench, kind: str) -> None:
    """A row that has nothing changes no number."""
    analyses = example(bench, kind)
    before, after = bench.run(analyses), bench.run(analyses, empty=True)
    assert after["flow"]["rows_read"] == before["flow"]["rows_read"] + 1
    assert (after["metrics"], after["results"]) == (before["metrics"], before["results"])


def check_wrong_fields(bench: Bench, kind: str) -> None:
    """An unknown field, and an id that metrics cannot have, are one line that names the place."""
    *before, last = example(bench, kind)
    where = f"input analyses, analyses.{len(before)}"
    for change, place, begins in (
        ({"no_such_field": 1}, f"{where} ({last['id']})", "no_such_field: "),
        ({"id": "a.b"}, f"{where} (a.b)", "id: "),
        ({"id": None}, where, "id: "),
    ):
        error = bench.run([*before, last | change])["error"]
        assert (error["kind"], error["where"]) == ("input", place) and error["what"].startswith(begins)


def check_missing_columns(bench: Bench, kind: str) -> None:
    """A column that the example names and the table lacks is the input's fault, and leaves no file."""
    analyses = example(bench, kind)
    for column in sorted(_texts(analyses) & set(bench.columns)):
        record = bench.run(analyses, without=column)
        assert record["status"] == "error" and not record["outputs"], column
        error = record["error"]
        assert error["kind"] == "input" and column in f"{error['where']} {error['what']}" and error["fix"]


def check_its_place_in_the_readme(bench: Bench, kind: str) -> None:
    """The stage's README names the kind."""
    readme = Path(str(bench.package.__file__)).parents[1] / "README.md"
    assert f"`{kind}`" in readme.read_text(encoding="utf-8")


CHECKS = (
    check_its_class,
    check_its_answer,
    check_a_row_without_values,
    check_wrong_fields,
    check_missing_columns,
)


def _texts(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {text for entry in value.values() for text in _texts(entry)}
    if isinstance(value, list | tuple):
        return {text for entry in value for text in _texts(entry)}
    return {value} if isinstance(value, str) else set()


@contextmanager
def one_file_more(bench: Bench, folder: Path, kind: str, source: str) -> Iterator[None]:
    """With a module of that name and source among the stage's kinds; afterwards nothing of it is left."""
    ast.parse(source)
    (folder / f"{kind}.py").write_text(source, encoding="utf-8")
    name = f"{bench.package.__name__}.{kind}"
    bench.package.__path__.append(str(folder))
    try:
        yield
    finally:
        bench.package.__path__.remove(str(folder))
        sys.modules.pop(name, None)
        sys.path_importer_cache.pop(str(folder), None)
        vars(bench.package).pop(kind, None)


def check_a_new_kind(bench: Bench, folder: Path, kind: str, source: str) -> None:
    """One file adds a kind: it is run, held to all checks, and gone without the file."""
    known = bench.kinds.names()
    with one_file_more(bench, folder, kind, source):
        assert bench.kinds.names() == sorted([*known, kind])
        for check in CHECKS:
            check(bench, kind)
    assert bench.kinds.names() == known
    error = bench.run([{"id": "a", "kind": kind}])["error"]
    assert (error["what"], error["fix"]) == (f"kind is {kind!r}", f"known: {', '.join(known)}")
