"""Conformance: what holds of every picture, whichever there are. A new one is tested by being registered."""

import sys
from pathlib import Path

import jsonschema
import matplotlib.image
import pytest
from pydantic import ValidationError

from containers.contract.errors import ItemFault
from containers.contract.request import first_error
from harness.cli.schemas import schema
from harness.pictures.registry import PICTURES, Picture, picture, pictures
from harness.run.steps.picture import PictureSpec

SPEC = {"name": "p", "title": "t", "item": "i", "volume": "s.results", "alt": "a"}
EVERY = pytest.mark.parametrize("one", pictures().values(), ids=lambda one: one.name)
NEW = '''"""A picture of one file."""
from pathlib import Path

from matplotlib.figure import Figure

from containers.contract.errors import ItemFault
from harness.pictures.frame import save
from harness.pictures.registry import picture


def _example(folder: Path) -> tuple[Path]:
    (folder / "number.txt").write_text("4")
    return (folder / "number.txt",)


@picture("one_number", example=_example)
def one_number(number_path: Path, out_png: Path, title: str, evidence: str) -> None:
    """The number in a file."""
    try:
        number = float(number_path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ItemFault("holds no number", where=number_path.name, fix="write one") from error
    figure = Figure(figsize=(2, 1))
    figure.text(0.1, 0.5, f"{title}: {number:g} ({evidence})")
    save(figure, out_png)
'''


def spoiled(path: Path) -> None:
    path.write_bytes(b"neither a table nor an image")


def conforms(one: Picture, folder: Path) -> None:
    """A picture's smallest example gives the same PNG twice; a bad file is one line, and nothing is written."""
    shown = one.example(folder)
    assert len(shown) == (1 if one.needs == "nothing" else 2)
    for name in ("a", "b"):
        one.draw(*shown, folder / f"{name}.png", "a title", "phantom")
    assert (folder / "a.png").read_bytes() == (folder / "b.png").read_bytes()
    assert matplotlib.image.imread(folder / "a.png")[..., :3].std() > 0.01
    one.draw(*shown, folder / "other.png", "another title", "phantom")
    assert (folder / "other.png").read_bytes() != (folder / "a.png").read_bytes()
    with pytest.raises(ItemFault) as caught:
        if one.needs == "analysis":
            one.draw(shown[0], "no such analysis", folder / "c.png", "t", "phantom")
        else:
            spoiled(shown[-1])
            one.draw(*shown, folder / "c.png", "t", "phantom")
    assert str(caught.value).count("\n") == 0 and caught.value.where and caught.value.fix
    spoiled(shown[0])
    with pytest.raises(ItemFault):
        one.draw(*shown, folder / "c.png", "t", "phantom")
    assert not (folder / "c.png").exists()


def asked(one: Picture) -> dict[str, str]:
    """A case file's entry for a picture."""
    more = {"overlay": {"overlay": "s.more"}, "analysis": {"analysis": "a"}, "nothing": {}}[one.needs]
    return {**SPEC, "kind": one.name, **more}


@EVERY
def test_a_picture_conforms(one: Picture, tmp_path: Path) -> None:
    assert (one.draw.__doc__ or "").strip()
    conforms(one, tmp_path)


@EVERY
def test_a_case_gives_it_what_it_needs_and_no_more(one: Picture) -> None:
    PictureSpec.model_validate(asked(one))
    for field in {"overlay", "analysis"}:
        other = {"overlay": "s.more", "analysis": "a"}[field]
        wrong = (
            {k: v for k, v in asked(one).items() if k != field} if one.needs == field else asked(one) | {field: other}
        )
        said = "needs" if one.needs == field else "has no"
        with pytest.raises(ValidationError, match=f"picture p of kind {one.name} {said} {field}"):
            PictureSpec.model_validate(wrong)


def test_the_schema_has_the_names() -> None:
    kind = schema("case")["$defs"]["PictureSpec"]["properties"]["kind"]
    assert kind["enum"] == sorted(pictures()) and len(kind["enum"]) >= 22
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate("no_such", kind)


def test_an_unknown_name_is_one_line_with_the_known_ones() -> None:
    with pytest.raises(ValidationError) as caught:
        PictureSpec.model_validate({**SPEC, "kind": "no_such"})
    said = first_error(caught.value)
    assert said == f"kind: no picture is called 'no_such'; known: {', '.join(pictures())}"


def test_a_name_is_given_once() -> None:
    with pytest.raises(TypeError, match=r"two pictures are called forest: in harness\.pictures\.meta_plot and in "):
        picture("forest", example=lambda folder: (folder,))(conforms)


def test_one_file_adds_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "new_picture.py").write_text(NEW, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    before = pictures()
    try:
        __import__("new_picture")
        one = pictures()["one_number"]
        conforms(one, tmp_path)
        assert PictureSpec.model_validate(asked(one)).kind == "one_number"
        assert "one_number" in schema("case")["$defs"]["PictureSpec"]["properties"]["kind"]["enum"]
    finally:
        PICTURES.pop("one_number", None)
        sys.modules.pop("new_picture", None)
    assert pictures() == before
