"""`myorepro run` on an output folder that is in use: nothing good is ever lost."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.harness.conftest import STAGES
from tests.harness.test_cli import LINES, myorepro


def record(folder: Path, item: str = "a") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "out" / item / "record.json").read_text(encoding="utf-8"))
    return found


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a good result of `a.txt`, two lines."""
    write(tmp_path / "a.txt", "one\ntwo\n")
    assert myorepro("run", LINES, "a.txt", cwd=tmp_path).returncode == 0
    return tmp_path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("input", "holds a result of another stage, other inputs or other parameters"),
        ("parameter", "holds a result of another stage, other inputs or other parameters"),
        ("nothing", "holds this result already"),
    ],
)
def test_an_earlier_result_is_not_replaced_unasked(folder: Path, change: str, said: str) -> None:
    if change == "input":
        write(folder / "a.txt", "BAD")
    more = ["-p", "factor=2"] if change == "parameter" else []
    done = myorepro("run", LINES, "a.txt", *more, cwd=folder)
    assert done.returncode == 2 and said in done.stderr and "--overwrite" in done.stderr
    assert len(done.stderr.splitlines()) == 1, "said before anything is run"
    assert record(folder)["metrics"]["lines"]["value"] == 2


def test_overwrite_replaces_a_result_by_a_result(folder: Path) -> None:
    done = myorepro("run", LINES, "a.txt", "-p", "factor=2", "--overwrite", cwd=folder)
    assert done.returncode == 0 and record(folder)["metrics"]["lines"]["value"] == 4
    assert [path.name for path in (folder / "out").iterdir()] == ["a"]


def test_an_error_never_replaces_a_result(folder: Path) -> None:
    write(folder / "a.txt", "BAD")
    done = myorepro("run", LINES, "a.txt", "--overwrite", cwd=folder)
    assert done.returncode == 1 and "is bad" in done.stdout and "the earlier result in out/a is kept" in done.stdout
    assert record(folder)["status"] == "ok" and (folder / "out" / "a" / "copy.txt").is_file()


def test_an_error_is_replaced_by_a_result(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "BAD")
    assert myorepro("run", LINES, "a.txt", cwd=tmp_path).returncode == 1
    write(tmp_path / "a.txt", "one\n")
    assert myorepro("run", LINES, "a.txt", cwd=tmp_path).returncode == 0
    assert record(tmp_path)["status"] == "ok"


def test_item_names_the_folder_and_the_record(folder: Path) -> None:
    write(folder / "a.txt", "one\n")
    assert myorepro("run", LINES, "a.txt", "--item", "again", cwd=folder).returncode == 0
    assert record(folder, "again")["item"] == "again" and record(folder)["metrics"]["lines"]["value"] == 2


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "one\n")
    (tmp_path / "a").mkdir()
    write(tmp_path / "a" / "thesis.txt", "years of work")
    done = myorepro("run", LINES, "a.txt", "--out", ".", "--overwrite", cwd=tmp_path)
    assert done.returncode == 2 and "exists and is not an item of an earlier run" in done.stderr
    assert (tmp_path / "a" / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_what_only_the_stage_can_refuse_is_one_line(tmp_path: Path) -> None:
    write(tmp_path / "a.zip", "")
    done = myorepro("run", "fusion", "a.zip", "-p", "spacing_mm=[1,1]", cwd=tmp_path)
    assert done.returncode == 2 and "exit status" not in done.stderr
    said = "myorepro: fusion: parameters.spacing_mm: needs three numbers or none; give i, j, k in mm"
    assert done.stderr.splitlines()[-1] == said


def test_a_link_in_a_stage_s_output_is_refused(tmp_path: Path) -> None:
    text = (STAGES / "lines" / "__main__.py").read_text(encoding="utf-8")
    trick = '    (result.folder / "way_out").symlink_to("/etc")\n    lines = text'
    (tmp_path / "lines").mkdir()
    write(tmp_path / "lines" / "__main__.py", text.replace("    lines = text", trick))
    write(tmp_path / "lines" / "stage.toml", (STAGES / "lines" / "stage.toml").read_text(encoding="utf-8"))
    write(tmp_path / "a.txt", "one\n")
    done = myorepro("run", str(tmp_path / "lines"), "a.txt", cwd=tmp_path)
    assert done.returncode == 3 and "way_out is not a regular file" in done.stderr
    assert not list((tmp_path / "out").iterdir())


def test_no_name_is_cut_where_there_is_no_terminal(tmp_path: Path) -> None:
    name = "length." + "a_long_name_" * 12
    (tmp_path / "lines").mkdir()
    for file in ("__main__.py", "stage.toml"):
        text = (STAGES / "lines" / file).read_text(encoding="utf-8")
        write(tmp_path / "lines" / file, text.replace('"length.first"', f'"{name}"'))
    write(tmp_path / "a.txt", "one\n")
    done = myorepro("run", str(tmp_path / "lines"), "a.txt", cwd=tmp_path, COLUMNS="80")
    assert done.returncode == 0 and name in done.stdout, done.stdout
