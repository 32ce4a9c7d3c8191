"""Comparison of files made by hand: what is called a regression, and what is not."""

from pathlib import Path

import pytest

from containers.contract.errors import RequestFault
from containers.contract.files import write_json
from harness.bench import compare
from harness.bench.results import BenchResults, load
from harness.cli.main import main
from tests.bench.made import STEADY, results, row

SLOWER = [1.2 * s for s in STEADY]


def said(a: BenchResults, b: BenchResults, **options: object) -> dict[str, str]:
    found = compare.compare(a, b, **options)  # type: ignore[arg-type]
    return {one.name: one.says for one in found.rows}


@pytest.mark.parametrize(
    ("seconds", "margin", "says", "status"),
    [
        (SLOWER, 0.05, "slower", 1),
        (SLOWER, 0.3, "same", 0),
        (SLOWER, 0.195, "not decided", 0),
        ([s / 1.2 for s in STEADY], 0.05, "faster", 0),
        (STEADY, 0.05, "same", 0),
        ([0.5, 2.0, 1.0, 1.5, 0.7, 0.9, 1.1, 1.4], 0.05, "not decided", 0),
        ([1.2], 0.05, "not decided", 0),
    ],
)
def test_one_machine(seconds: list[float], margin: float, says: str, status: int) -> None:
    a, b = results([row("fusion.x", STEADY)]), results([row("fusion.x", seconds)])
    assert said(a, b, margin=margin) == {"fusion.x": says}
    assert compare.exit_status(compare.compare(a, b, margin=margin), across=False) == status


@pytest.mark.parametrize("change", [{"cores": 4}, {"kernel": "6.2"}, {"libraries": {"numpy": "2.5"}}])
def test_other_machines_and_libraries_are_not_ranked(change: dict[str, object]) -> None:
    a, b = results([row("fusion.x", STEADY)]), results([row("fusion.x", SLOWER)], **change)  # type: ignore[arg-type]
    found = compare.compare(a, b)
    (only,) = found.rows
    assert (only.says, only.why) == ("not ranked", "other machine or libraries")
    assert only.ratio is not None, "both are shown next to each other"
    assert compare.exit_status(found, across=False) == 4
    assert compare.exit_status(found, across=True) == 0
    allowed = compare.compare(a, b, ignore=list(change))
    assert compare.exit_status(allowed, across=False) == 1


def test_image_and_revision_are_what_is_compared() -> None:
    a, b = (results([row("fusion.x", s)], images={"fusion": i}) for s, i in ((STEADY, "old"), (SLOWER, "new")))
    found = compare.compare(a, b)
    assert found.rows[0].says == "slower"
    assert "image of fusion: A old, B new" in list(compare.last_lines(found, a, b))


def test_rows_that_have_no_counterpart() -> None:
    a = results([row("a.x", STEADY), row("b.x", STEADY), row("c.x", STEADY), row("d.x", STEADY)])
    b = results([row("b.x", SLOWER, parameters={"size": 9}), row("c.x", None), row("d.x", STEADY), row("e.x", STEADY)])
    found = {one.name: one.why for one in compare.compare(a, b).rows}
    assert found == {
        "a.x": "only in A",
        "b.x": "other parameters or threads",
        "c.x": "not measured in B",
        "d.x": "",
        "e.x": "only in B",
    }


def test_unknown_field_and_margin() -> None:
    a = results([])
    with pytest.raises(RequestFault, match="no field 'host'"):
        compare.compare(a, a, ignore=["host"])
    with pytest.raises(RequestFault, match="margin"):
        compare.compare(a, a, margin=1.5)


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, list[str]]:
    with pytest.raises(SystemExit) as end:
        main(["bench", "compare", *arguments])
    said = capsys.readouterr()
    return int(end.value.code or 0), said.out, said.err.splitlines()


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(tmp_path / name) for name in ("a.json", "b.json", "c.json")]
    files = [results([row("fusion.x", STEADY)]), results([row("fusion.x", SLOWER)]), results([], cores=8)]
    for path, content in zip(paths, files, strict=True):
        write_json(Path(path), content.model_dump(mode="json"))
        assert load(Path(path)) == content
    status, out, _ = run(paths[:2], capsys)
    assert status == 1
    assert "slower" in out
    status, out, _ = run([paths[0], paths[2]], capsys)
    assert status == 4
    assert "differs: cores: A 2; B 8" in out
    assert run([paths[0], paths[2], "--across"], capsys)[0] == 0


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"{", 2, "is not a results file"),
        (b"\xff\xfe\x00", 2, "is not text"),
        (b'{"schema_version": "9.0"}', 2, "schema_version"),
        (None, 3, "cannot be read"),
    ],
)
def test_bad_files_are_one_line(
    content: bytes | None, status: int, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    write_json(good, results([]).model_dump(mode="json"))
    if content is not None:
        bad.write_bytes(content)
    found, _, lines = run([str(good), str(bad)], capsys)
    assert found == status
    assert len(lines) == 1
    assert says in lines[0]
    assert "bad.json" in lines[0]


def test_figures_must_be_figures(tmp_path: Path) -> None:
    """Times of zero, a row given twice, a method with neither figures nor reason."""
    whole = results([row("fusion.x", STEADY)]).model_dump(mode="json")
    one = whole["rows"][0]
    spoiled = [
        {**whole, "rows": [one, one]},
        {**whole, "rows": [{**one, "methods": [{**one["methods"][0], "measured": None}]}]},
        {**whole, "rows": [{**one, "methods": []}]},
    ]
    zero = {**one["methods"][0]["measured"], "seconds": [0.0, 1.0]}
    spoiled.append({**whole, "rows": [{**one, "methods": [{**one["methods"][0], "measured": zero}]}]})
    for n, content in enumerate(spoiled):
        path = tmp_path / f"{n}.json"
        write_json(path, content)
        with pytest.raises(RequestFault, match="is not a results file"):
            load(path)
