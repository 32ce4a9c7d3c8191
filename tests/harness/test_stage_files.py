"""What decides a stage's digest and goes into its image: its folder, the contract, and the modules that it imports."""

import re
import shutil
from pathlib import Path

import pytest

from harness.runners import stage_files
from harness.runners.stages import CONTAINERS, below_of, stage_folders


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of `containers/` that may be edited, weights left out."""
    root = tmp_path_factory.mktemp("tree")
    ignored = shutil.ignore_patterns("*.safetensors", "*.pyc")
    shutil.copytree(CONTAINERS, root / "containers", ignore=ignored)
    return root


def digests(root: Path) -> dict[str, str]:
    return {name: stage_files.hash_stage(folder, root) for name, folder in stage_folders(root / "containers").items()}


IMAGES = {"fusion", "composition", "agreement", "thigh_segmentation", "spine_segmentation", "mrsegmentator"}
NETWORKS = {"thigh_segmentation", "spine_segmentation", "mrsegmentator"}


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("containers/toolkit/tables/cohort/tails.py", {"association", "meta_analysis"}),
        ("containers/toolkit/images/volume.py", IMAGES),
        ("containers/toolkit/networks/dice.py", NETWORKS),
        ("containers/toolkit/networks/training_set.py", {"thigh_segmentation", "spine_segmentation"}),
        ("containers/toolkit/runtime/cuda.py", {*NETWORKS, "fusion"}),
        ("containers/association/measures/trend.py", {"association"}),
        ("containers/spine_segmentation/qc.py", {"spine_segmentation", "mrsegmentator"}),
        ("containers/spine_segmentation/train.py", {"spine_segmentation"}),
        ("containers/fusion/README.md", set()),
        ("containers/fusion/stage.toml", {"fusion"}),
        ("containers/contract/files.py", set(stage_folders())),
        ("containers/toolkit/__init__.py", set(stage_folders()) - {"r_reference"}),
    ],
)
def test_a_word_changes_the_digests_of_those_stages_that_it_can_change(
    tree: Path, file: str, changed: set[str]
) -> None:
    before, text = digests(tree), (tree / file).read_bytes()
    (tree / file).write_bytes(text + b"# one more word\n")
    try:
        after = digests(tree)
    finally:
        (tree / file).write_bytes(text)
    assert {name for name in before if before[name] != after[name]} == changed
    assert digests(tree) == before


@pytest.mark.parametrize("name", sorted(set(stage_folders()) - {"r_reference"}))
def test_a_stages_image_has_what_it_imports(name: str) -> None:
    folder = stage_folders()[name]
    parent = below_of(folder)
    copied = {path for _, path in sorted(stage_files.toolkit_of(stage_folders()[parent] if parent else folder).items())}
    named = re.findall(r"from containers\.(toolkit[\w.]*) import", "".join(p.read_text() for p in folder.rglob("*.py")))
    assert named, "every Python stage takes something of the toolkit"
    for module in named:
        place = CONTAINERS.joinpath(*module.split("."))
        assert {place.with_suffix(".py"), place / "__init__.py"} & copied, f"{name} imports {module}"
    if parent is None:
        assert "COPY containers/toolkit /image/opt/myorepro/containers/toolkit" in (folder / "Dockerfile").read_text()


def test_of_a_folder_outside_of_the_project_everything_counts(tmp_path: Path) -> None:
    (tmp_path / "stage.py").write_text("from .other import x\nfrom containers.toolkit.tables.table import read_table\n")
    (tmp_path / "README.md").write_text("one")
    before = stage_files.hash_stage(tmp_path)
    assert CONTAINERS / "toolkit/tables/table.py" in stage_files.imported_by(tmp_path)
    (tmp_path / "README.md").write_text("two")
    assert stage_files.hash_stage(tmp_path) != before
