"""Which files a module's digest holds: those of its imports, and no others."""

import shutil
from pathlib import Path

import pytest

from containers.toolkit.runtime.sources import source_digest, source_files
from harness.project import ROOT
from phantoms import PHANTOMS

PACKAGES = ("containers", "phantoms")


def digests(root: Path) -> dict[str, str]:
    """The digest of each phantom in a tree."""
    return {name: source_digest(["phantoms", module], PACKAGES, root) for name, module in PHANTOMS.items()}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.json", "*.safetensors", "*.pyc"))
    return folder


THIGH = {"ukb_participant", "dixon_ramp"}
COHORTS = {"ukb_cohort", "nako_cohort", "meta_studies"}


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("phantoms/back/haste.py", {"nako_participant"}),
        ("phantoms/back/participant.py", {"nako_participant"}),
        ("phantoms/thigh/participant.py", {"ukb_participant"}),
        ("phantoms/thigh/ramp.py", {"dixon_ramp"}),
        ("phantoms/shared/ukb_zip.py", {"ukb_participant", "dixon_ramp", "nako_participant"}),
        ("phantoms/shared/anatomy_kernel.py", {"ukb_participant", "nako_participant", "graded_masks"}),
        ("phantoms/cohorts/tables.py", {*COHORTS, "graded_masks"}),
        ("phantoms/cohorts/ukb_analyses.py", {"ukb_cohort"}),
        ("phantoms/corrupt/labels.py", set()),
        ("containers/toolkit/runtime/cuda.py", set()),
        ("containers/contract/files.py", set(PHANTOMS)),
        ("phantoms/__init__.py", set(PHANTOMS)),
    ],
)
def test_a_word_makes_those_phantoms_new_that_it_can_change(tree: Path, file: str, changed: set[str]) -> None:
    before, text = digests(tree), (tree / file).read_bytes()
    (tree / file).write_bytes(text + b"# one more word\n")
    try:
        after = digests(tree)
    finally:
        (tree / file).write_bytes(text)
    assert {name for name in PHANTOMS if before[name] != after[name]} == changed
    assert digests(tree) == before


def test_imports_are_followed_as_python_does(tmp_path: Path) -> None:
    files = {
        "one/__init__.py": "from . import part\n",
        "one/part.py": "def late():\n    from .deep.inner import NAME\n    return NAME\n",
        "one/deep/__init__.py": "",
        "one/deep/inner.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import one.typed\n"
        "else:\n    import one.other\nNAME = 1\n",
        "one/typed.py": "",
        "one/other.py": "import two\nimport os\n",
        "one/unused.py": "",
        "two/__init__.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = source_files(["one"], ["one"], tmp_path)
    assert list(found) == ["one", "one.deep.inner", "one.other", "one.part"]
    assert found["one.part"] == tmp_path / "one" / "part.py"
    assert "two" in source_files(["one"], ["one", "two"], tmp_path)


def test_a_module_that_lies_elsewhere_is_taken_where_it_was_imported_from() -> None:
    assert source_files([__name__], []) == {__name__: Path(__file__)}
    with pytest.raises(TypeError, match="no_such_module has no source file"):
        source_files(["no_such_module"], [])
