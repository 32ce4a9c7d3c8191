"""Every field has its sentence: under it in the source, and in the exported JSON Schemas.

Classes are found in the syntax trees of all packages, so that a new one is held to it without being named here.
"""

import ast
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from containers.contract.request import Item, Strict
from harness.cli.schemas import SCHEMAS, schema
from harness.project import ROOT

PACKAGES = ("benchmarks", "containers", "harness", "phantoms", "reference_results")
MODEL = "BaseModel"
ENUMS = ("StrEnum", "Enum")
NAMED_MAPS = ("properties", "$defs", "patternProperties")
"""Keywords of a schema whose keys are names and no keywords."""


def _name(node: ast.expr) -> str:
    """The last part of a name, of a call's function or of what is subscripted."""
    if isinstance(node, ast.Call):
        return _name(node.func)
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _classes(tree: ast.Module) -> list[ast.ClassDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]


def _bases(node: ast.ClassDef) -> set[str]:
    return {_name(base) for base in node.bases}


def _models(classes: list[ast.ClassDef]) -> set[str]:
    """Names of all classes that come from pydantic's BaseModel, over any number of steps."""
    found = {MODEL}
    while more := {node.name for node in classes if _bases(node) & found} - found:
        found |= more
    return found


def _fields(node: ast.ClassDef, models: set[str]) -> Iterator[tuple[str, ast.stmt | None]]:
    """Fields of a model, a dataclass or a named tuple, and members of an enum, each with the statement after it."""
    dataclass = any(_name(decorator) == "dataclass" for decorator in node.decorator_list)
    enum = bool(_bases(node) & set(ENUMS))
    if not (dataclass or enum or "NamedTuple" in _bases(node) or _bases(node) & models):
        return
    for n, statement in enumerate(node.body):
        after = node.body[n + 1] if n + 1 < len(node.body) else None
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target.id, after
        elif enum and isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            yield _name(statement.targets[0]), after


def _is_sentence(node: ast.stmt | None) -> bool:
    """Whether a statement is a string that ends with a full stop."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
        return False
    return isinstance(node.value.value, str) and len(node.value.value) > 1 and node.value.value.endswith(".")


def _without_sentence(trees: dict[str, ast.Module]) -> list[str]:
    """`file: class.field` of every field that has no sentence under it."""
    models = _models([node for tree in trees.values() for node in _classes(tree)])
    return [
        f"{file}: {node.name}.{field}"
        for file, tree in trees.items()
        for node in _classes(tree)
        for field, after in _fields(node, models)
        if not _is_sentence(after)
    ]


@cache
def _trees() -> dict[str, ast.Module]:
    files = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    return {str(file.relative_to(ROOT)): ast.parse(file.read_text(encoding="utf-8")) for file in files}


def _properties(node: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """All properties of a schema and of its definitions, each with its place."""
    if isinstance(node, list):
        for n, entry in enumerate(node):
            yield from _properties(entry, f"{where}/{n}")
    if not isinstance(node, dict):
        return
    for keyword, value in node.items():
        if keyword in NAMED_MAPS:
            for name, entry in value.items():
                if keyword == "properties":
                    yield f"{where}/{name}", entry
                yield from _properties(entry, f"{where}/{name}")
        elif keyword not in ("default", "const", "enum", "examples"):
            yield from _properties(value, f"{where}/{keyword}")


def _undescribed(made: dict[str, Any]) -> list[str]:
    return [where for where, entry in _properties(made, "") if not entry.get("description", "").strip()]


def test_every_field_has_its_sentence() -> None:
    trees = _trees()
    models = _models([node for tree in trees.values() for node in _classes(tree)])
    assert sum(len(list(_fields(node, models))) for tree in trees.values() for node in _classes(tree)) > 1000
    assert _without_sentence(trees) == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_property_of_a_schema_is_described(name: str) -> None:
    assert list(_properties(schema(name), ""))
    assert _undescribed(schema(name)) == []


def test_one_base_makes_sentences_descriptions() -> None:
    """A model that is made from BaseModel itself would have neither the base's rules nor descriptions."""
    direct = [f"{f}: {n.name}" for f, tree in _trees().items() for n in _classes(tree) if MODEL in _bases(n)]
    assert direct == ["containers/contract/request.py: Strict"]
    assert Strict.model_config["use_attribute_docstrings"]


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("class A(BaseModel):\n    x: int\n", "A.x"),
        ("class A(BaseModel):\n    x: int\n    '''In mm.'''\nclass B(A):\n    y: int = 1\n", "B.y"),
        ("class B(m.A[int]):\n    y: int = 1\nclass A(pydantic.BaseModel):\n    '''A model.'''\n", "B.y"),
        ("@dataclass\nclass A:\n    x: int\n    'No full stop'\n", "A.x"),
        ("@dataclasses.dataclass(frozen=True)\nclass A:\n    x: int\n    y: int\n    'In mm.'\n", "A.x"),
        ("class A(NamedTuple):\n    x: int\n    '.'\n", "A.x"),
        ("class A(StrEnum):\n    X = 'x'\n", "A.X"),
        ("def made():\n    class A(BaseModel):\n        x: int\n        x = 1\n", "A.x"),
    ],
)
def test_a_field_without_its_sentence_is_seen(source: str, missing: str) -> None:
    assert _without_sentence({"file": ast.parse(source)}) == [f"file: {missing}"]


def test_other_classes_need_no_sentence() -> None:
    assert _without_sentence({"file": ast.parse("class A:\n    x: int\n    y = 'y'\n")}) == []


def test_every_removed_sentence_is_seen() -> None:
    """Each sentence of the contract's models in turn, so that none of them is held by another one."""
    text = (ROOT / "containers" / "contract" / "request.py").read_text(encoding="utf-8")
    lines = text.splitlines()
    tree = ast.parse(text)
    models = _models(_classes(tree))
    for node in _classes(tree):
        for field, after in _fields(node, models):
            assert after is not None
            kept = lines[: after.lineno - 1] + lines[after.end_lineno :]
            assert _without_sentence({"file": ast.parse("\n".join(kept))}) == [f"file: {node.name}.{field}"]


def test_a_property_without_a_description_is_seen() -> None:
    class Bare(Strict):
        good: int
        """In mm."""
        bad: int
        properties: dict[str, Item]
        """Items by name."""

    made = Bare.model_json_schema()
    assert _undescribed(made) == ["/bad"]
    del made["$defs"]["Item"]["properties"]["id"]["description"]
    assert _undescribed(made) == ["/Item/id", "/bad"]
