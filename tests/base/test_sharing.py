"""How the suite is divided over processes: files stay whole, and so do folders whose fixtures train networks."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.project import ROOT
from tests.sharing import ONCE, shared

CONFTEST = """
from tests.sharing import Sharing
def pytest_configure(config):
    config.pluginmanager.register(Sharing(), "sharing")
"""
TEST = """
import os, time, pytest
@pytest.mark.parametrize("n", range(4))
def test_one(n):
    time.sleep(0.02)
    with open({log!r}, "a") as log:
        log.write({name!r} + " " + os.environ["PYTEST_XDIST_WORKER"] + "\\n")
"""


@pytest.mark.parametrize(
    ("nodeid", "scope"),
    [
        ("tests/spine_segmentation/test_turn.py::test_a[x/y]", "spine_segmentation"),
        ("tests/fusion/test_stacks.py::test_a", "tests/fusion/test_stacks.py"),
    ],
)
def test_what_tests_share_a_process_with(nodeid: str, scope: str) -> None:
    assert shared(nodeid) == scope


def test_each_file_and_each_folder_that_trains_runs_in_one_process(tmp_path: Path) -> None:
    names = ["a/test_one.py", "a/test_two.py", f"{ONCE[0]}/test_three.py", f"{ONCE[0]}/test_four.py"]
    log = tmp_path / "log"
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(TEST.format(log=str(log), name=name))
    line = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "2",
        "--dist",
        "loadscope",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
    ]
    done = subprocess.run(
        [*line, "--rootdir", str(tmp_path), "--import-mode=importlib", "-o", f"pythonpath={ROOT}", str(tmp_path)],
        capture_output=True, text=True, timeout=120, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in log.read_text().splitlines()]
    workers = {name: {worker for file, worker in lines if file == name} for name in names}
    assert all(len(found) == 1 for found in workers.values()), workers
    assert workers[names[2]] == workers[names[3]]
    assert lines[0][0].startswith(ONCE[0]) or lines[1][0].startswith(ONCE[0])
    assert len(set.union(*workers.values())) == 2
