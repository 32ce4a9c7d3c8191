"""Kept machine code follows every source that it came from."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from containers.toolkit.runtime.sources import source_digest
from harness.project import ROOT

FILES = {
    "__init__.py": "",
    "kernel.py": """
import numba
from containers.toolkit.runtime.compiled import compiled
from phantoms.part import change
@compiled(parallel=False)
def value(x): return change(x)
""",
    "part.py": """
import numba
from phantoms import numbers
from phantoms.numbers import STEP
@numba.njit
def change(x): return x + STEP
""",
    "numbers.py": "from phantoms.deep.inner import STEP\n",
    "deep/__init__.py": "",
    "deep/inner.py": "STEP = 1\n",
    "other.py": "NAME = 1\n",
}
ASK = """
from phantoms.kernel import value
print(value(1), sum(value.stats.cache_hits.values()))
"""
SPINE = """
import hashlib, numpy as np
from phantoms.back.kernel import Back, SpineTables, codes_on_grid
from phantoms.shared.tube_kernel import Frame, Tubes
# Four envelopes of 100 mm, squares with round corners, and nothing in them.
tube = np.tile(np.array([0.0, 0.0, 100.0, 100.0, 1.0, 0.0, 0.0]), (4, 3, 1))
none, far = np.zeros(0, np.int64), np.array([[0.0, 200.0, -200.0, 200.0]] * 3)
tubes = Tubes(
    tube, none, none, none.astype(bool), np.zeros(0), np.full(4, 0.5), np.zeros(4, np.int64), none, np.zeros((0, 4)),
    far, 0.0, 100.0,
)
frame = Frame(0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0)
waves = np.zeros((8, 4))
tables = SpineTables(tubes, frame, Back(1.0, 1.0, waves, waves, np.zeros(4), 0.0, 0.0))
codes = np.zeros((2, 60, 60), np.uint8)
codes_on_grid(*tables, np.array([-150.0, -150.0, 20.0]), np.diag([5.0, 5.0, 50.0]), codes)
print(hashlib.sha256(codes.tobytes()).hexdigest(), np.count_nonzero(codes))
"""


def ask(folder: Path, code: str, **environment: str) -> list[str]:
    """What a process prints that imports the packages of a folder."""
    kept = {name: text for name, text in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=kept | {"PYTHONPATH": str(folder)} | environment,
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def edit(path: Path, old: str, new: str) -> None:
    """Change a file's text, and neither its size nor its time."""
    text, time = path.read_text(encoding="utf-8"), path.stat()
    assert text.count(old) == 1 and len(old) == len(new)
    path.write_text(text.replace(old, new), encoding="utf-8")
    os.utime(path, ns=(time.st_atime_ns, time.st_mtime_ns))


def planted(folder: Path) -> Path:
    """Contract and toolkit in a folder of their own, and in it a `phantoms` that the test writes."""
    package = folder / "containers"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    for name in ("contract", "toolkit"):
        shutil.copytree(ROOT / "containers" / name, package / name)
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = planted(tmp_path / "tree")
    for name, text in FILES.items():
        path = folder / "phantoms" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def kept(folder: Path) -> list[str]:
    return sorted(path.suffix for path in folder.rglob("*.nb[ic]"))


@pytest.mark.parametrize("place", ["", "cache"])
def test_an_edit_of_any_file_that_a_kernel_imports_is_seen(tree: Path, tmp_path: Path, place: str) -> None:
    environment = {"PYTHONDONTWRITEBYTECODE": "1"} | ({"NUMBA_CACHE_DIR": str(tmp_path / place)} if place else {})
    assert ask(tree, ASK, **environment) == ["2", "0"]
    assert ask(tree, ASK, **environment) == ["2", "1"]
    edit(tree / "phantoms/deep/inner.py", "STEP = 1", "STEP = 5")
    assert ask(tree, ASK, **environment) == ["6", "0"]
    edit(tree / "phantoms/part.py", "x + STEP", "x - STEP")
    assert ask(tree, ASK, **environment) == ["-4", "0"]
    edit(tree / "phantoms/other.py", "NAME = 1", "NAME = 2")
    assert ask(tree, ASK, **environment) == ["-4", "1"]
    assert kept(tmp_path) == [".nbc", ".nbi"]
    assert bool(kept(tree)) != bool(place)


def test_where_nothing_can_be_written_the_code_is_compiled_each_time(tree: Path) -> None:
    refuse = (
        "from numba.core import caching\n"
        "def refuse(*a, **k): raise OSError('read-only file system')\n"
        "caching._CacheLocator.ensure_cache_path = refuse\n"
    )
    assert ask(tree, refuse + ASK) == ["2", "0"]
    assert ask(tree, refuse + ASK) == ["2", "0"] and kept(tree) == []


def test_kernels_import_little() -> None:
    """Else an edit anywhere would have them compiled again, as in each mutant of the gate."""
    names = ("phantoms.back.kernel", "containers.fusion.kernels", "containers.fusion.interpolate_numba")
    assert len({source_digest([name], ("containers", "phantoms")) for name in names}) == 3
    for name in (
        "phantoms/shared/tube_kernel.py",
        "phantoms/shared/anatomy_kernel.py",
        "phantoms/back/kernel.py",
        "containers/fusion/kernels.py",
    ):
        text = (ROOT / name).read_text(encoding="utf-8")
        own = [line for line in text.splitlines() if line.startswith(("from phantoms", "from containers"))]
        assert len(own) <= 2 and "cache=True" not in text


def test_no_kernel_keeps_its_code_in_another_way() -> None:
    files = [path for folder in ("containers", "phantoms", "harness") for path in (ROOT / folder).rglob("*.py")]
    assert not [path for path in files if "cache=True" in path.read_text(encoding="utf-8")]


@pytest.mark.slow
def test_an_edit_of_a_tube_changes_the_codes_of_the_back(tmp_path: Path) -> None:
    """`squared_level` stands in `tube_kernel` and is compiled into the kernels of `phantoms.back.kernel`."""
    folder = planted(tmp_path / "tree")
    shutil.copytree(ROOT / "phantoms", folder / "phantoms", ignore=shutil.ignore_patterns("__pycache__"))
    environment = {"PYTHONDONTWRITEBYTECODE": "1"}
    whole = ask(folder, SPINE, **environment)
    assert 1000 < int(whole[1]) < 7200
    edit(folder / "phantoms/shared/tube_kernel.py", "return float((1.0 - q) *", "return float((1.1 - q) *")
    changed = ask(folder, SPINE, **environment)
    assert changed != whole
    assert changed == ask(folder, SPINE, **environment | {"NUMBA_DISABLE_JIT": "1"})
