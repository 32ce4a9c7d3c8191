"""ARCHITECTURE.md names files that exist and the layers that the linter holds."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_every_file_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`((?:containers|harness|phantoms|reference_results)/[\w/.]+)`", PAGE))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_folders_of_the_harness_are_all_on_the_page() -> None:
    folders = {path.parent.name for path in (ROOT / "harness").glob("*/__init__.py")}
    block = PAGE.split("```")[1]
    assert {name for name in folders if not re.search(rf"^    {name}/ ", block, flags=re.MULTILINE)} == set()


def test_the_layers_of_the_page_are_those_of_the_linter() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [c["layers"] for c in contracts if c.get("containers") == ["harness"] and "layers" in c]
    held = " > ".join(layer.replace(" | ", ", ") for layer in layers[:-1])
    assert held in PAGE
