"""A stage knows no paper: no text that can reach a record, no metric and no shipped card argues about one.

What a record says (details, warnings, notes, errors) is put together from string constants, so every constant of every
Python stage and of what stages share is held to it, f-strings included. Docstrings and comments may name a source.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.claims.paper import papers
from harness.project import ROOT

CONTAINERS = ROOT / "containers"
ARGUES = re.compile("|".join([*map(re.escape, papers()), r"\bTables? \d", r"\b[Tt]he papers?\b", r"\bprint(?:s|ed)\b"]))
"""A paper's name, the number of one of its tables, and words for what it prints."""
CARDS = sorted(CONTAINERS.glob("*/weights/*.md")) + sorted(CONTAINERS.glob("*/weights/*card.json"))


def constants(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of each string constant that is not a docstring."""
    tree = ast.parse(source)
    sentences = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in sentences:
            yield node.lineno, node.value


def test_the_scan_reads_what_reaches_a_record_and_no_docstring() -> None:
    source = (
        '"""The UNETR of ukb_thigh."""\n'
        'EDGE = 3\n"""What the paper prints."""\n'
        "def f(result, n):\n"
        '    """See Table 1."""\n'
        "    result.details['unit'] = 'as the paper '\\\n        'prints it'\n"
        "    result.warn(f'{n} of Table 2')\n"
    )
    found = [text for _, text in constants(source) if ARGUES.search(text)]
    assert found == ["as the paper prints it", " of Table 2"]


def test_no_text_that_can_reach_a_record_argues_about_a_paper() -> None:
    files = sorted(CONTAINERS.rglob("*.py"))
    assert {path.relative_to(CONTAINERS).parts[0] for path in files} > {"composition", "fusion", "association"}
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in files
        for line, text in constants(path.read_text(encoding="utf-8"))
        if ARGUES.search(text)
    ]
    assert found == []


def test_no_metric_argues_about_a_paper() -> None:
    described = {
        f"{path.relative_to(ROOT)}: {name}": metric["description"]
        for path in sorted(CONTAINERS.rglob("stage.toml"))
        for name, metric in tomllib.loads(path.read_text(encoding="utf-8")).get("metrics", {}).items()
    }
    assert len(described) > 100
    assert {where: text for where, text in described.items() if ARGUES.search(text)} == {}


@pytest.mark.parametrize("path", CARDS, ids=lambda path: f"{path.parts[-3]}-{path.name}")
def test_no_shipped_card_argues_about_a_paper(path: Path) -> None:
    assert ARGUES.findall(path.read_text(encoding="utf-8")) == []


def test_both_networks_have_their_cards() -> None:
    stages = {path.parts[-3] for path in CARDS if path.name in ("card.json", "model_card.md")}
    assert stages == {"spine_segmentation", "thigh_segmentation"}
