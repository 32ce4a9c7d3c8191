"""TOML files and values as models: each complaint is one line with the place, whoever reads the file."""

import re
from pathlib import Path

import pytest

from containers.contract.checked import checked, load_toml, read_toml
from containers.contract.errors import ItemFault, RequestFault, one_line
from containers.contract.request import Strict

ROOT = Path(__file__).parents[2]


class Setting(Strict):
    """A model."""

    size: int
    """In mm."""


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"size = 1.5", "a.toml: size: Input should be a valid integer"),
        (b"size = 1\nwidth = 2", "a.toml: width: Extra inputs are not permitted; see the README"),
        (b"", "a.toml: size: Field required; see the README"),
        (b"size = ", "a.toml: is not TOML (Invalid value"),
        (b"# \xff\nsize = 1", "a.toml: is not TOML ('utf-8' codec can't decode byte"),
        (None, "a.toml: cannot be read (No such file or directory); check the path"),
    ],
)
def test_a_wrong_file_is_one_line_with_file_and_field(tmp_path: Path, content: bytes | None, line: str) -> None:
    path = tmp_path / "a.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RequestFault) as caught:
        load_toml(Setting, path, "see the README")
    assert str(caught.value).startswith(line) and "\n" not in str(caught.value)


def test_a_caller_names_the_place_and_what_mends_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(RequestFault, match=r"^paper/a\.toml: cannot be read \(.*\); add it$"):
        load_toml(Setting, tmp_path / "a.toml", "", where="paper/a.toml", absent="add it")
    (tmp_path / "a.toml").write_text("size = 2")
    assert load_toml(Setting, tmp_path / "a.toml", "").size == 2
    assert read_toml(tmp_path / "a.toml") == {"size": 2}


def test_a_value_may_be_the_fault_of_an_item() -> None:
    with pytest.raises(ItemFault, match=r"^input sizes: size: Field required; see the format$"):
        checked(Setting, {}, "input sizes", "see the format", ItemFault)


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        (("wrong", "here", "do that"), "here: wrong; do that"),
        (("wrong", "", "do that"), "wrong; do that"),
        (("wrong", "here", ""), "here: wrong"),
        (("wrong", "", ""), "wrong"),
    ],
)
def test_the_line_of_a_fault(parts: tuple[str, str, str], line: str) -> None:
    what, where, fix = parts
    assert one_line(what, where, fix) == str(RequestFault(what, where=where, fix=fix)) == line


def test_no_other_code_reads_toml() -> None:
    """One place decides what people read of a wrong file."""
    readers = [
        path.relative_to(ROOT).as_posix()
        for folder in ("benchmarks", "containers", "harness", "phantoms")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"^\s*(import|from) tomllib", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert readers == ["containers/contract/checked.py"]
